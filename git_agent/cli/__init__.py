"""The click commands: parse, act, say. Nothing imports it."""
