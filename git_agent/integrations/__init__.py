"""Integrations with agent programs: what agents are told, and where it is written."""
