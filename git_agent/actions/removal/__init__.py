"""Removal: the obstacles to it, the backup that precedes it, and the removal itself."""
