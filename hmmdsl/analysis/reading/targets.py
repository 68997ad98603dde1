"""What a regression reads: the belief, the next tokens' distribution, the hidden state, or a belief about a part of a process."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import combinations, product
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, TypeAlias

from pydantic import Field

from hmmdsl.process.algebra.parts import part_targets, read_target, within_factors
from hmmdsl.process.process import Process
from hmmdsl.schema.base import DottedName, Problem, Record
from hmmdsl.schema.results import Group, ResultSchema

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float64

    from hmmdsl.process.history_tree import HistoryTree

ALWAYS = ("belief", "next_token")
"""The words of the targets that every process has."""

MOST_WORDS = 65_536
"""Most columns that `future(k)` may have: one for each word of k tokens."""

MOST_NUMBERS = 2**24
"""Most numbers that its words' vectors may have: states times columns."""


class FutureTarget(Record):
    """The joint distribution of the next `k` tokens: one coordinate for each word of k tokens. In a list its results are called
    `future_2` for `future(2)`, which may also be written `future { k = 2 }`."""

    called: ClassVar[str | None] = "k"
    kind: Literal["future"] = "future"
    k: int = Field(ge=1, le=64, description="how many tokens")


Target: TypeAlias = FutureTarget | Annotated[str, DottedName((*ALWAYS, "state", "component", "within.A", "factor.left"))]


def target_name(target: FutureTarget | str) -> str:
    """What results call a target: `future_2` for `future(2)`, any other by its own words."""
    return target if isinstance(target, str) else f"future_{target.k}"


def known_targets(process: Process) -> tuple[str, ...]:
    """The targets that there are, as a spec writes them."""
    return (*ALWAYS, "future(k)", *(() if process.generalized else ("state",)), *part_targets(process))


def target_values(process: Process, tree: HistoryTree, target: FutureTarget | str) -> Float64[np.ndarray, "history coordinate"]:
    """What is fitted for each history: the target's expectation there.

    NaN after histories that leave a conditional target, such as `within.A`, undefined. `future(k)` stands in the coordinates of
    its `FutureSpace`; the expectation of the hidden state, one coordinate for each, is the belief. What bears on a few factors of
    a product is read off their beliefs alone.
    """
    if isinstance(target, FutureTarget):
        from hmmdsl.process.futures import future_space

        coordinates: Float64[np.ndarray, "history coordinate"] = tree.belief @ future_space(process, target.k).coordinates
        return coordinates
    if target in ("belief", "state"):
        return tree.belief
    if target == "next_token":
        return tree.next_token
    found = within_factors(process, target)
    belief = tree.belief_of(first=found.first, last=found.last)
    return belief if found.target is None else read_target(found.process, found.target)(belief)


def target_problems(
    targets: Sequence[FutureTarget | str], single: bool, process: Process, context: int, bos: bool
) -> Iterator[Problem]:
    """A problem for each target that does not exist or that no history within the context defines (E0825), that has too many
    columns (E0560), or that a generalized HMM lacks (E0561); else for targets that no history defines together (E0431)."""
    alone = list(_problems_alone(targets, single, process, context, bos))
    yield from alone
    parts = [target for target in targets if isinstance(target, str) and target not in (*ALWAYS, "state")]
    clash = never_together(process, parts, context, bos) if not alone and len(parts) > 1 else ()
    if clash:
        yield Problem(
            ("target",),
            "E0431",
            f"no history of up to {context} tokens leaves all of {_listed(clash)} defined",
            label="read after the same histories",
            help="read each by a regression of its own",
        )


def _problems_alone(
    targets: Sequence[FutureTarget | str], single: bool, process: Process, context: int, bos: bool
) -> Iterator[Problem]:
    for i, target in enumerate(targets):
        path: tuple[str | int, ...] = ("target",) if single else ("target", i)
        if isinstance(target, FutureTarget):
            yield from _too_many_words(target, path, process)
        elif target == "state":
            yield from _no_hidden_state(path, process)
        elif target not in ALWAYS:
            yield from _no_such_part(target, path, process, context, bos)


def _too_many_words(target: FutureTarget, path: tuple[str | int, ...], process: Process) -> Iterator[Problem]:
    tokens = len(process.tokens)
    most = min(MOST_WORDS, MOST_NUMBERS // len(process.states))
    if tokens**target.k > most:
        longest = next(k for k in range(target.k, -1, -1) if tokens**k <= most)
        yield Problem(
            path,
            "E0560",
            f"`future({target.k})` has {tokens**target.k:,} columns, one for each word of {target.k} of the {tokens:,} tokens",
            label=f"at most {most:,} can be read",
            help=f"write `future({longest})` or less" if longest else "read `next_token` or `belief`",
        )


def _no_hidden_state(path: tuple[str | int, ...], process: Process) -> Iterator[Problem]:
    if process.generalized:
        yield Problem(
            path,
            "E0561",
            f"{process.name} is a generalized HMM, and has no hidden state",
            label="no such thing here",
            help=f"there are {_listed(known_targets(process))}",
        )


def _no_such_part(target: str, path: tuple[str | int, ...], process: Process, context: int, bos: bool) -> Iterator[Problem]:
    if target not in part_targets(process):
        cure = f"there are {_listed(known_targets(process))}"
        future, _, k = target.partition("_")
        if future == "future" and k.isdecimal():
            cure = f"write `future({k})`"
        elif process.parts is None:
            cure = f"{process.name} has no parts: {cure}"
        yield Problem(path, "E0825", f"{process.name} has no target `{target}`", label="unknown target", help=cure)
    elif not ever_defined(process, (target,), context, bos):
        message = f"`{target}` is defined after no history of up to {context} tokens: that part is never active there"
        yield Problem(path, "E0825", message, label="never defined", help="read another part, or lengthen the context")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


# ---------------------------------------------------------------- results by target


def nest_targets(values: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Results by target, nested as their paths are: those of `within.A` under `within`, `A`."""
    nested: dict[str, Any] = {}
    for target, value in values.items():
        into = nested
        for word in target.split("."):
            into = into.setdefault(word, {})
        into.update(value)
    return nested


def group_targets(groups: Mapping[str, Group]) -> Group:
    """The schema of the same: one group of results for each target."""
    description = next(iter(groups.values())).description
    return _as_group(nest_targets({target: group.members for target, group in groups.items()}), description)


def _as_group(members: Mapping[str, ResultSchema | dict[str, Any]], description: str) -> Group:
    return Group(
        {name: _as_group(value, description) if isinstance(value, dict) else value for name, value in members.items()},
        description,
    )


def results_of_target(results: Mapping[str, Any], target: str) -> Mapping[str, Any]:
    """The results of one target among nested ones."""
    for word in target.split("."):
        results = results[word]
    return results


# Whether a conditional target, such as `within.A`, is defined after any history: whether that part can be active there.

MOST_STEPS = 300_000
"""Moves of states side by side that are followed; beyond, targets count as defined together."""

Side: TypeAlias = tuple[int, ...]
"""Hidden states, one for each target, that one history leaves possible."""


def ever_defined(process: Process, targets: Sequence[str], context: int, bos: bool) -> bool:
    """Whether some history of up to `context` tokens (of none too, with `bos`) leaves all of these targets of parts defined.

    A history does so if it leaves a state possible in which the part is active, for each of them. Where that is too much to
    follow, the answer is yes.
    """
    active: dict[tuple[int, int], tuple[Process, set[frozenset[int]]]] = {}
    for target in targets:
        found = within_factors(process, target)
        if found.target is None:
            continue
        reading = read_target(found.process, found.target)
        if reading.conditional:
            where = frozenset(i for i, k in enumerate(reading.coordinate) if k is not None)
            active.setdefault((found.first, found.last), (found.process, set()))[1].add(where)
    lengths = set(range(0 if bos else 1, context + 1))
    for part, sets in active.values():
        # Where a part within a part is active, so is that.
        least = [one for one in sets if not any(other < one for other in sets)]
        lengths &= set(_lengths(part, least, context))
    return bool(lengths)


def never_together(process: Process, targets: Sequence[str], context: int, bos: bool) -> tuple[str, ...]:
    """The first pair of targets that no history leaves both defined, else all of them if none does; nothing if some does. Each
    alone is defined somewhere."""
    if ever_defined(process, targets, context, bos):
        return ()
    for pair in combinations(targets, 2):
        if not ever_defined(process, pair, context, bos):
            return pair
    return tuple(targets)


def _lengths(process: Process, active: Sequence[Collection[int]], context: int) -> Iterator[int]:
    """The lengths of the words that leave a state possible in each of these sets; all, where that is too much to follow."""
    start = [i for i, weight in enumerate(process.start) if weight]
    moves = _moves(process, merged=len(active) == 1)
    left = MOST_STEPS if len(active) > 1 else None
    if left is not None and len(start) ** len(active) > left:
        yield from range(context + 1)
        return
    here: frozenset[Side] = frozenset(product(start, repeat=len(active)))
    for length in range(context + 1):
        if any(all(i in where for i, where in zip(side, active, strict=True)) for side in here):
            yield length
        after: set[Side] = set()
        for side, following in product(here, moves):
            reached = list(product(*(following.get(i, ()) for i in side)))
            after.update(reached)
            if left is not None:
                left -= 1 + len(reached)
                if left < 0:
                    yield from range(length + 1, context + 1)
                    return
        if after == here:
            if any(all(i in where for i, where in zip(side, active, strict=True)) for side in here):
                yield from range(length + 1, context + 1)
            return
        here = frozenset(after)


def _moves(process: Process, merged: bool) -> list[dict[int, list[int]]]:
    """For each token the states that each state may move to; for all tokens together where one state alone is followed."""
    tokens = [process.transitions()] if merged else list(process.operators)
    moves: list[dict[int, list[int]]] = []
    for entries in tokens:
        following: dict[int, list[int]] = {}
        for (i, j), value in entries.items():
            if value:
                following.setdefault(i, []).append(j)
        moves.append(following)
    return moves
