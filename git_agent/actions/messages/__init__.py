"""Messages: send, read and acknowledge them, and follow topics."""
