"""`learning`: how the loss falls with the length of the history, and which law the fall follows."""
