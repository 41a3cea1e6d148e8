"""Merging: compute merges without a checkout, land them and undo that, and determine what was merged."""
