"""Random damage to everything that hmmdsl reads: `python -m tests.fuzz`."""
