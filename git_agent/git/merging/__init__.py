"""Merging: compute merges without a checkout, land and undo them, and determine what was merged."""
