"""A process drawn in plain text, for terminals and pipes: its beliefs, its entropies, and the automaton of its beliefs."""
