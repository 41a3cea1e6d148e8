"""Numbered changes of the schema, applied once, in order. Imported by store.migrate only."""
