"""Text to lexemes to syntax tree, and what to say when that fails."""
