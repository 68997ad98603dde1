"""Files that import one another, and the names that each declares."""
