"""Text to syntax tree to experiment: grammar, parser, constants, elaboration, diagnostics, formatter."""
