"""A declarative language for experiments on what sequence models learn."""

__version__ = "0.1.0"
