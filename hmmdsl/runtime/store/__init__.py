"""The store: what stages made, by the hash of everything that it depends on. Never computed twice, never torn."""
