"""Plan, store and execution: what runs, in which order, and where its results lie."""
