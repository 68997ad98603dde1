"""Text to syntax tree to experiment: grammar, parser, values, elaboration, diagnostics, formatter."""
