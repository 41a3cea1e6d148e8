"""Attempts: reserving, making and handing over the branch and worktree of a task."""
