"""Tasks: add, edit, change state, ask questions, review and hand in."""
