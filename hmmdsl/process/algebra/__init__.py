"""Processes made of processes: products, mixtures, relabelled, leaky, noisy, switched, reversed, minimal, random."""
