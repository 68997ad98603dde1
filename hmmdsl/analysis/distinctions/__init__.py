"""`distinctions`: which layers tell which histories apart, and where they are brought together again."""
