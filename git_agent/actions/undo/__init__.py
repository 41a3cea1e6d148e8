"""Undo: planning it, restoring what was removed, recording it, and the rescue refs."""
