"""Merging: candidates, batches, checks, the queue and landing."""
