"""Options that several kinds of analysis share. Imports neither torch nor numpy."""
