"""`regression`: what an affine map reads off the activations, beside the controls that say what its scores are worth."""
