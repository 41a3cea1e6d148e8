"""Worktrees: adding, reading, repairing and removing them, and the scratch ones that merges and checks use."""
