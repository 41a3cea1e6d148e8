"""Liveness: heartbeats, overdue leases, reaping and stalled workers."""
