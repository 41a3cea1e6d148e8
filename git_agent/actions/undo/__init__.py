"""Undo: plan it, restore what was removed, record it, and manage the rescue refs."""
