"""The kinds of networks, one record each."""
