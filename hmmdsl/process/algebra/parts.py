"""What a composed process is made of, so that beliefs over its states can be read as beliefs about its parts.

The state of a composed process says which component is active (mixture, switch), or the state of each factor (product).
Operations that keep the states (relabel, leak, noise, reverse) keep the parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from hmmdsl.process.algebra.failure import AlgebraError

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float64

    from hmmdsl.process.process import Process


@dataclass(frozen=True)
class Part:
    """A process within a composed one, as it was given.

    A `component` is active in some states of the whole, where no other component is; a `factor` has a state in (nearly) all of
    them, beside the other factors. `state_of[i]` is the part's state in the whole's state i, None where it has none.
    """

    name: str
    role: Literal["component", "factor"]
    process: Process
    state_of: Sequence[int | None]


@dataclass(frozen=True)
class Parts:
    """The parts of a composed process, in the order they were given; names are unique."""

    parts: tuple[Part, ...]

    @property
    def components(self) -> tuple[Part, ...]:
        """The parts of which at most one is active at a time."""
        return tuple(part for part in self.parts if part.role == "component")

    @property
    def factors(self) -> tuple[Part, ...]:
        """The parts that run beside each other."""
        return tuple(part for part in self.parts if part.role == "factor")

    def moved(self, to: tuple[int | None, ...]) -> Parts:
        """The same parts seen from other states: `to[i]` is the state that the new state i stands for, None for none."""
        return Parts(
            tuple(
                Part(part.name, part.role, part.process, tuple(None if i is None else part.state_of[i] for i in to))
                for part in self.parts
            )
        )


@dataclass(frozen=True)
class Reading:
    """How a target is read off the states of a process.

    `labels` are its coordinates. `coordinate[i]` is the coordinate that state i counts for, None if it counts for none.
    `conditional`: the target is a belief given that the component is active, so it is divided by that component's probability
    and undefined where that is zero.
    """

    target: str
    labels: Sequence[str]
    coordinate: Sequence[int | None]
    conditional: bool

    def __call__(self, belief: Float64[np.ndarray, "history state"]) -> Float64[np.ndarray, "history coordinate"]:
        """The target after each history, from the joint belief: probabilities; NaN where a conditional one is undefined."""
        import numpy as np

        indicator = np.zeros((len(self.coordinate), len(self.labels)))
        for i, k in enumerate(self.coordinate):
            if k is not None:
                indicator[i, k] = 1.0
        read = belief @ indicator
        if not self.conditional:
            return np.asarray(read)
        share = read.sum(axis=1, keepdims=True)
        return np.asarray(np.divide(read, share, out=np.full_like(read, np.nan), where=share > 0))


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
    labels, coordinate, conditional = found
    return Reading(target, labels, coordinate, conditional)


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


def _read(process: Process, target: str) -> tuple[Sequence[str], Sequence[int | None], bool] | None:
    parts = process.parts
    if parts is None:
        return None
    if target == "component" and parts.components:
        active: list[int | None] = [None] * len(process.states)
        for k, part in enumerate(parts.components):
            for i, state in enumerate(part.state_of):
                if state is not None:
                    active[i] = k
        return tuple(part.name for part in parts.components), tuple(active), False
    for part in parts.parts:
        own = f"{'within' if part.role == 'component' else 'factor'}.{part.name}"
        if target == own:
            return part.process.states, part.state_of, None in part.state_of
        if target.startswith(f"{own}."):
            inner = _read(part.process, target.removeprefix(f"{own}."))
            if inner is not None:
                labels, coordinate, conditional = inner
                seen = tuple(None if i is None else coordinate[i] for i in part.state_of)
                return labels, seen, conditional or None in part.state_of
    return None
