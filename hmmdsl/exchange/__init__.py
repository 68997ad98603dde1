"""What comes in and goes out: specs, packs and runs that are read, processes and networks of other programs, words in files."""
