"""Sweeps at run time: their points planned together, run so that one that fails fails alone, tabled, and compared."""
