"""Messages: rendered, explained, with the way from an unknown word to a known one."""
