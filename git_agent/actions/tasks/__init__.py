"""Tasks as records: adding, editing, changing state, asking, reviewing and handing in."""
