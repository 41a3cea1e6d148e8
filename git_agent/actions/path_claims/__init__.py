"""Path claims: which tasks plan to change the same files, and which changes are outside of a claim."""
