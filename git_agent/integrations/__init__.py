"""Integrations with agent programs: the instructions for agents, and the files they are written to."""
