"""`hmmdsl export RUN --to …`: a trained network for other programs, one file for each format."""
