"""What a regression reads: the belief, the next token's distribution, or a belief about a part of a composed process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any

from hmmdsl.process.algebra.parts import part_targets, read_target, within_factors
from hmmdsl.process.process import Process
from hmmdsl.spec.base import DottedName, Problem
from hmmdsl.spec.results import Group

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float64

    from hmmdsl.process.history_tree import HistoryTree

ALWAYS = ("belief", "next_token")
"""The targets that every process has."""

Target = Annotated[str, DottedName((*ALWAYS, "component", "within.A", "factor.left"))]


def known_targets(process: Process) -> tuple[str, ...]:
    """The targets that there are."""
    return (*ALWAYS, *part_targets(process))


def target_values(process: Process, tree: HistoryTree, target: str) -> Float64[np.ndarray, "history coordinate"]:
    """The target after each history; NaN in those after which a conditional one, such as `within.A`, is undefined. What bears on
    a few factors of a product is read off their beliefs alone."""
    if target == "belief":
        return tree.belief
    if target == "next_token":
        return tree.next_token
    found = within_factors(process, target)
    belief = tree.belief_of(first=found.first, last=found.last)
    return belief if found.target is None else read_target(found.process, found.target)(belief)


def target_problems(targets: tuple[str, ...], single: bool, process: Process, context: int, bos: bool) -> Iterator[Problem]:
    """A problem (E0825) for each target that does not exist, or that no history within the context defines."""
    known = known_targets(process)
    for i, target in enumerate(targets):
        path: tuple[str | int, ...] = ("target",) if single else ("target", i)
        if target not in known:
            listed = ", ".join(f"`{each}`" for each in known)
            cure = f"there are {listed}" if len(known) > len(ALWAYS) else f"{process.name} has no parts: there are {listed}"
            yield Problem(path, "E0825", f"{process.name} has no target `{target}`", label="unknown target", help=cure)
        elif target not in ALWAYS and not _ever_defined(process, target, context, bos):
            message = f"`{target}` is defined after no history of up to {context} tokens: that part is never active there"
            yield Problem(path, "E0825", message, label="never defined", help="read another part, or lengthen the context")


def _ever_defined(process: Process, target: str, context: int, bos: bool) -> bool:
    """Whether some history leaves the part active with positive probability."""
    found = within_factors(process, target)
    if found.target is None:
        return True
    process, target = found.process, found.target
    reading = read_target(process, target)
    if not reading.conditional:
        return True
    active = {i for i, k in enumerate(reading.coordinate) if k is not None}
    following: dict[int, set[int]] = {}
    for i, j in process.transitions():
        following.setdefault(i, set()).add(j)
    here = frozenset(i for i, weight in enumerate(process.start) if weight)
    if bos and here & active:
        return True
    seen: set[frozenset[int]] = set()
    for _ in range(context):
        here = frozenset().union(*(following.get(i, set()) for i in here))
        if here & active:
            return True
        if here in seen:
            break
        seen.add(here)
    return False


def nest_targets(values: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Results by target, nested as their paths are: those of `within.A` under `within`, `A`."""
    nested: dict[str, Any] = {}
    for target, value in values.items():
        into = nested
        for word in target.split("."):
            into = into.setdefault(word, {})
        into.update(value)
    return nested


def group_targets(targets: tuple[str, ...], group: Group) -> Group:
    """The schema of the same: one group of results for each target."""
    return _as_group(nest_targets(dict.fromkeys(targets, group.members)), group.description)


def _as_group(members: Mapping[str, Any], description: str) -> Group:
    return Group(
        {name: _as_group(value, description) if isinstance(value, dict) else value for name, value in members.items()},
        description,
    )


def results_of_target(results: Mapping[str, Any], target: str) -> Mapping[str, Any]:
    """The results of one target among nested ones."""
    for word in target.split("."):
        results = results[word]
    return results
