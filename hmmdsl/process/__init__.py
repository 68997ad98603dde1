"""Theory of processes, exact where it can be, else in float64: operators, history tree, mixed states, entropies."""
