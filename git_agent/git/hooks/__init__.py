"""Hooks: our scripts beside the user's, in hook files and in git's configuration."""
