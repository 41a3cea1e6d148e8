"""Merging: computing merges without a checkout, landing and unlanding them, and telling what was merged."""
