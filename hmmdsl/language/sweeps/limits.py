"""How large a sweep may be."""

from __future__ import annotations

MAX_POINTS = 10_000
"""Points of one sweep, unless `--max-points` says otherwise."""
