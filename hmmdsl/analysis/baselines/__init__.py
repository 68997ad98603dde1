"""`baselines`: what simpler readers of the tokens know, what a nonlinear probe adds, and which other geometries fit as well."""
