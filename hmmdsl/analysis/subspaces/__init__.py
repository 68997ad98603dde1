"""`subspaces`: the angles between the subspaces in which probes find what they read, and whether factors are orthogonal."""
