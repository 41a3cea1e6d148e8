"""Doctor: one module per subject, each with its examination and its fixes."""
