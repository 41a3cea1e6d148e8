"""Views: read-only reports on tasks, history, sessions and what needs a person."""
