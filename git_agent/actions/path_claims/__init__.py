"""Path claims: which tasks mean to change the same files, and what lies outside of a claim."""
