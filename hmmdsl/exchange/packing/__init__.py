"""Packs: a finished run as one zip file that can be handed on, checked, run again and compared."""
