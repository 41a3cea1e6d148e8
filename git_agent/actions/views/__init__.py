"""Views: read-only answers about tasks, history, sessions and what needs a person."""
