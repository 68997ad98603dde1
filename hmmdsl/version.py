"""The version of hmmdsl."""

__version__ = "0.1.0"
