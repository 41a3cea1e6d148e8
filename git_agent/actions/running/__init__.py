"""Running agents: start, finish and stop supervised commands, and find their logs."""
