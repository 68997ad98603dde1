"""Constant expressions and their values, exact and within a budget."""
