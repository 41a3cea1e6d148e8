"""Attempts: reserve, create and reassign the branch and worktree of a task."""
