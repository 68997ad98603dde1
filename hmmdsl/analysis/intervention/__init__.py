"""`intervention`: whether predictions follow a belief that is written into the residual stream."""
