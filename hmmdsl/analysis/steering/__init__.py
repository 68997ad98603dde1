"""What happens to predictions when the residual stream is changed, and the forward pass goes on from there."""
