"""Affine maps and what they are worth: least squares, ridge, folds, projections, scores."""
