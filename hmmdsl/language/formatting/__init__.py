"""The syntax tree back to text: one layout, and coloured listings."""
