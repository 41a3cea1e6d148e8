"""Removal: what stands in the way of it, what is backed up first, and the removal itself."""
