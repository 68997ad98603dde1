"""Sweeps: axes as declared, the points that they make, and what is checked of each."""
