"""The kinds of stages: one file each, which is found by its presence."""
