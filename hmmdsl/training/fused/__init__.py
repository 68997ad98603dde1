"""Training runs that differ only in seed, learning rate or process parameters, as one batched run."""
