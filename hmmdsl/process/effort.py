"""How large a process may be for all that can be asked of it to be computed unasked.

All operators together have V S^2 entries for V tokens and S states, zeros included, and most of theory works on them. Of a larger
process what is cheap is told at once; the rest is computed with more effort, in proportion to which it takes longer. Sizes are
compared, never seconds, so that the same process is told the same everywhere.
"""

from __future__ import annotations

from math import ceil

from hmmdsl.process.process import Process

LARGEST = 2_000_000
"""Entries of the operators of the largest process of which all is computed with an effort of 1."""

SPARSE = 20
"""Operators with so many times more entries than non-zero ones are multiplied entry by entry, if they are large."""

LARGE = 500_000
"""Entries of operators that are large."""


def entries(process: Process) -> int:
    """V S^2, the entries of all operators together, zeros included."""
    return len(process.tokens) * len(process.states) ** 2


def too_large(process: Process, effort: float) -> bool:
    """Whether some of what can be asked would take much longer than the effort is worth. A product's factors are asked each."""
    return not process.factored and entries(process) > LARGEST * effort


def told_with(process: Process) -> str:
    """Why something is not told, and how it would be."""
    size = f"{len(process.states):,} states and {len(process.tokens):,} tokens"
    return f"not computed: with {size} it takes long; `--effort {ceil(entries(process) / LARGEST)}` computes it"


def is_sparse(process: Process) -> bool:
    """Whether the operators are large and have few entries that are not zero."""
    return entries(process) > LARGE and entries(process) > SPARSE * process.transition_count
