"""Setup: the store, the hooks, AGENTS.md and the configuration."""
