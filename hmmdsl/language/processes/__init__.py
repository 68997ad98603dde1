"""From the body of a process to its matrices."""
