"""Constant expressions and their values, processes among them, exact and within a budget."""
