"""What an observer of a process goes through: synchronizing to it, and the geometry of the beliefs in the long run."""
