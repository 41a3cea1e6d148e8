"""The rules, pure: no I/O, no clock, no environment. Imported by everyone above; imports only errors."""
