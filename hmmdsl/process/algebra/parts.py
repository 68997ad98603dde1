"""What a composed process is made of, so that beliefs over its states can be read as beliefs about its parts.

The state of a composed process says which component is active (mixture, switch), or the state of each factor (product).
Operations that keep the states (relabel, leak, noise, reverse) keep the parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from hmmdsl.process.algebra.failure import AlgebraError
from hmmdsl.process.process import Part

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float64

    from hmmdsl.process.process import Process, Scalar

LEAST_SHARE = 1e-12
"""A component of a generalized HMM that is less probable counts as ruled out: entries of both signs leave rounding errors."""


@dataclass(frozen=True)
class Reading:
    """How a target is read off the states of a process.

    `labels` are its coordinates. `coordinate[i]` is the coordinate that state i counts for, None if it counts for none.
    `conditional`: the target is a belief given that the component is active, so it is divided by that component's probability
    and undefined where that is zero.

    Off a generalized HMM with the right eigenvector r a factor is read by the other factors' r, the component by the r of its
    states: `weight[i]` is what state i counts, None for ones. `right` is that of the part that is read, None for ones.
    """

    target: str
    labels: Sequence[str]
    coordinate: Sequence[int | None]
    conditional: bool
    weight: Sequence[Scalar] | None = None
    right: Sequence[Scalar] | None = None

    def __call__(self, belief: Float64[np.ndarray, "history state"]) -> Float64[np.ndarray, "history coordinate"]:
        """The target after each history, from the joint belief: probabilities, or the belief of a generalized HMM; NaN where a
        conditional one is undefined."""
        import numpy as np

        indicator = np.zeros((len(self.coordinate), len(self.labels)))
        for i, k in enumerate(self.coordinate):
            if k is not None:
                indicator[i, k] = 1.0 if self.weight is None else float(self.weight[i])
        read = belief @ indicator
        if not self.conditional:
            return np.asarray(read)
        right = np.ones(len(self.labels)) if self.right is None else np.array([float(value) for value in self.right])
        share = (read @ right)[:, None]
        least = 0.0 if self.right is None else LEAST_SHARE
        return np.asarray(np.divide(read, share, out=np.full_like(read, np.nan), where=share > least))


def part_targets(process: Process) -> tuple[str, ...]:
    """The targets that the parts of a process offer, nested ones behind their part: `component`, `within.A`,
    `within.A.factor.left`, `factor.left`, …; none for a process without parts."""
    parts = process.parts
    if parts is None:
        return ()
    found = ["component"] if parts.components else []
    for part in parts.parts:
        own = f"{'within' if part.role == 'component' else 'factor'}.{part.name}"
        found += [own, *(f"{own}.{inner}" for inner in part_targets(part.process))]
    return tuple(found)


def read_target(process: Process, target: str) -> Reading:
    """How `state`, `component`, `within.A`, `factor.left` or a nested target is read off the process' states.

    Raises AlgebraError for a target that does not exist; its cure lists those that do.
    """
    if target == "state":
        return Reading(target, process.states, tuple(range(len(process.states))), False)
    found = _read(process, target)
    if found is None:
        known = ("state", *part_targets(process))
        raise AlgebraError(f"{process.name} has no target `{target}`", f"choose one of {', '.join(known)}")
    return found


@dataclass(frozen=True)
class Within:
    """Where a target is read without the joint belief: off the belief of `process`, which is that of the factors
    `first : last` of the whole (`Process.factors`), as its own target `target`; None is its belief itself."""

    process: Process
    target: str | None
    first: int
    last: int


def within_factors(process: Process, target: str) -> Within:
    """The least part of a product that a target bears on: `factor.left.within.A` is `within.A` of the factor `left`. Of any other
    process, the process itself."""
    first, last = 0, len(process.factors)
    while process.factored and process.parts is not None:
        place = first
        for part in process.parts.factors:
            own, size = f"factor.{part.name}", len(part.process.factors)
            if target == own:
                return Within(part.process, None, place, place + size)
            if target.startswith(f"{own}."):
                process, target, first, last = part.process, target.removeprefix(f"{own}."), place, place + size
                break
            place += size
        else:
            break
    return Within(process, target, first, last)


def _read(process: Process, target: str) -> Reading | None:
    parts = process.parts
    if parts is None:
        return None
    if target == "component" and parts.components:
        active: list[int | None] = [None] * len(process.states)
        for k, part in enumerate(parts.components):
            for i, state in enumerate(part.state_of):
                if state is not None:
                    active[i] = k
        return Reading(target, tuple(part.name for part in parts.components), tuple(active), False, process.right)
    for part in parts.parts:
        own = f"{'within' if part.role == 'component' else 'factor'}.{part.name}"
        if target == own:
            conditional = None in part.state_of
            return Reading(target, part.process.states, part.state_of, conditional, _of_others(process, part), part.process.right)
        if target.startswith(f"{own}."):
            inner = _read(part.process, target.removeprefix(f"{own}."))
            if inner is not None:
                seen = tuple(None if i is None else inner.coordinate[i] for i in part.state_of)
                conditional = inner.conditional or None in part.state_of
                weight = _times(_of_others(process, part), inner.weight, part.state_of)
                return Reading(target, inner.labels, seen, conditional, weight, inner.right)
    return None


def _of_others(process: Process, part: Part) -> Sequence[Scalar] | None:
    """For each state the product of the right eigenvectors of the factors beside this one: what sums them out. None for ones."""
    if process.parts is None or part.role == "component":
        return None
    weight: list[Scalar] | None = None
    for other in process.parts.factors:
        if other.name != part.name and other.process.right is not None:
            right = other.process.right
            known = weight or [Fraction(1)] * len(process.states)
            weight = [value if i is None else value * right[i] for value, i in zip(known, other.state_of, strict=True)]
    return weight


def _times(
    outer: Sequence[Scalar] | None, inner: Sequence[Scalar] | None, state_of: Sequence[int | None]
) -> Sequence[Scalar] | None:
    """The weights of the whole's states, times those of the part's states that they stand for."""
    if inner is None:
        return outer
    moved = [Fraction(0) if i is None else inner[i] for i in state_of]
    return moved if outer is None else [a * b for a, b in zip(outer, moved, strict=True)]
