"""Linear probing: what an affine map reads off activations, in sample, for held-out histories, and under controls."""
