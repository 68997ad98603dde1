"""`loss`: how far each position's predictions are from an optimal observer's."""
