"""Reconcile the store with git: hook notes, pushes, merges, reverts and changes made by hand."""
