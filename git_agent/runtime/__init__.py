"""What keeps running: heartbeats while a process lives. Imports actions and what is below it."""
