"""The dimensions that theory names for what a network must hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from hmmdsl.process.algebra.canonical import canonical_dimension
from hmmdsl.process.process import Process

if TYPE_CHECKING:
    from hmmdsl.process.history_tree import HistoryTree

FLAT = 1e-9
"""Beliefs vary in no direction in which their spread is below this share of that in the widest."""


@dataclass(frozen=True)
class Theory:
    """Dimensions by name, as in `theory_names`; None where they are too much work to find."""

    beliefs: int
    hankel: int | None
    factored: int | None
    joint: int | None

    def by_name(self, process: Process) -> dict[str, int | None]:
        """Those that the process has."""
        return {name: getattr(self, name) for name in theory_names(process)}


def factors(process: Process) -> Iterator[Process]:
    """The factors of a product, those of nested products in the place of the product; nothing for any other process."""
    for part in process.parts.factors if process.parts is not None else ():
        inner = list(factors(part.process))
        yield from inner or [part.process]


def theory_names(process: Process) -> dict[str, str]:
    """The dimensions that there are for a process, with what they are: without numbers, so that a spec is checked quickly."""
    names = {
        "beliefs": "dimensions of the beliefs that the histories lead to",
        "hankel": "canonical dimension (Hankel rank) minus 1: dimensions of the predictive states",
    }
    if any(True for _ in factors(process)):
        names["factored"] = "sum over factors of (canonical dimension - 1): each factor in a subspace of its own"
        names["joint"] = "product of the factors' canonical dimensions, minus 1: joint beliefs"
    return names


def theory(process: Process, tree: HistoryTree) -> Theory:
    """The dimensions; `beliefs` is the affine rank of those in the tree."""
    import numpy as np

    centred = tree.belief - tree.belief.mean(axis=0)
    spread = np.linalg.svd(np.linalg.qr(centred, mode="r"), compute_uv=False)
    beliefs = int((spread > FLAT * max(float(spread.max(initial=0.0)), FLAT * len(tree) ** 0.5)).sum())
    ranks = [canonical_dimension(factor).rank for factor in factors(process)]
    known = [rank for rank in ranks if rank is not None]
    all_known = bool(ranks) and len(known) == len(ranks)
    hankel = canonical_dimension(process).rank
    return Theory(
        beliefs,
        hankel - 1 if hankel is not None else None,
        sum(rank - 1 for rank in known) if all_known else None,
        prod(known) - 1 if all_known else None,
    )
