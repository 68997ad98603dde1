"""Data, optimizers, the loop, checkpoints."""
