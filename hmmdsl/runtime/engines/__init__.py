"""Where stages are made: each engine one file, all with one face."""
