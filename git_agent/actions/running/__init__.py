"""Running agents: starting, finishing and stopping supervised commands, and their logs."""
