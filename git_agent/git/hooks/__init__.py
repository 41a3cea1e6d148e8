"""Hooks: our scripts beside everybody else's, in files and in git's configuration."""
