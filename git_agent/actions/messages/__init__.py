"""Messages: sending, reading, acknowledging and topics."""
