"""Which task, and then the task: a top process that chooses which sub-process runs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction

from hmmdsl.process.algebra.entries import add, check_distinct, check_ordinary, check_probability, right_of
from hmmdsl.process.algebra.failure import AlgebraError, ClashError, check_size
from hmmdsl.process.algebra.mixture import union_of_tokens
from hmmdsl.process.generalized import EigenvectorError, stationary_version
from hmmdsl.process.process import Part, Parts, Process, Scalar
from hmmdsl.process.stationary import closed_classes, stationary_distribution

WAITING = "top"
"""The name of the part that is about to choose."""


def switch(
    top: Process, subprocesses: Mapping[str, Process], end: Scalar = Fraction(0), seen: bool = True, name: str | None = None
) -> Process:
    """Episodes: the top makes one move, which chooses a sub-process; this begins anew, from its own start, and runs until the
    episode ends. After each of its tokens that happens with probability `end`, and the top makes its next move.

    The choice is the token that the top emits on that move, if the sub-processes are named after all its tokens; else the state
    that it arrives in, if they are named after all its states. With `seen` that token is emitted before the task ("which task,
    then the task"); without, it is silent, and the observer must infer the task from the task's own tokens.

    `end = 0`, the default, is one choice for ever, at the start. Then seen or not, a word's probability is that of the chosen
    sub-process' word, weighted: without `seen` it is the mixture of the sub-processes with the weights of the top's first tokens.

    States are `top.S` while the top is about to choose (only with `seen`), and `heads.s[0]` in an episode; where the top may go
    on from several states, that one stands behind: `heads.s[0] | S`. Tokens are the top's (with `seen`), then the sub-processes'
    by first appearance; equal texts are one token. The start is at the beginning of an episode, from the top's own start, and is
    given; only where episodes end and the top's start is stationary is it the stationary distribution of the whole, if unique.

    The parts are the components `top` (with `seen`) and each sub-process; where the top goes on it is the factor `next` too: the
    state from which it will choose next.

    A sub-process may be a generalized HMM, and the switch then is one: what is left of it where an episode ends is its normalized
    weight, eta T_w r.

    Raises AlgebraError for a generalized HMM as the top and for names that fit neither tokens nor states, TooLargeError if the
    result would not fit.
    """
    check_ordinary("the top of a switch", top)
    check_probability("the end", end)
    by_token = _named_after(top, subprocesses)
    if WAITING in map(plain_name, subprocesses) or (end and "next" in map(plain_name, subprocesses)):
        raise ClashError("a sub-process has the name `top` or `next`", "rename it: these are the top's own parts")
    return _Switch(top, subprocesses, end, seen, by_token).build(name)


def _named_after(top: Process, subprocesses: Mapping[str, Process]) -> bool:
    """Whether the sub-processes are named after the top's tokens; if not, they are after its states."""
    if set(subprocesses) == set(top.tokens):
        return True
    if set(subprocesses) == set(top.states):
        return False
    raise AlgebraError(
        f"the sub-processes of a switch are named {', '.join(subprocesses) or 'not at all'}, the tokens of its top "
        f"{', '.join(top.tokens)}",
        "name one after each token of the top, or one after each of its states",
    )


class _Switch:
    """The joint states are numbered: those in which the top waits, then for each sub-process its states, each times the states
    that the top may be left in by choosing it."""

    def __init__(self, top: Process, subs: Mapping[str, Process], end: Scalar, seen: bool, by_token: bool) -> None:
        self.top, self.subs, self.end, self.seen, self.by_token = top, subs, end, seen, by_token
        self.called = plain_names(subs)
        # The top's state matters in an episode only if it will move again.
        left: dict[str, set[int]] = {key: set() if end else {0} for key in subs}
        if end:
            for token, entries in zip(top.tokens, top.operators, strict=True):
                for _, j in entries:
                    left[token if by_token else top.states[j]].add(j)
        self.left = {key: sorted(found) for key, found in left.items()}
        self.first: dict[str, int] = {}
        self.size = len(top.states) if seen else 0
        for key, process in subs.items():
            self.first[key] = self.size
            self.size += len(process.states) * len(self.left[key])
        processes = tuple(subs.values())
        self.tokens = union_of_tokens((top, *processes) if seen else processes)
        self.place = {token: x for x, token in enumerate(self.tokens)}
        starts = sum(sum(1 for value in process.start if value) for process in processes)
        moves = sum(map(len, top.operators)) * starts
        runs = sum(len(self.left[key]) * sum(map(len, process.operators)) for key, process in subs.items())
        check_size("the switch", self.size, len(self.tokens), runs * (1 if seen or not end else 1 + moves) + moves)
        self.operators: list[dict[tuple[int, int], Scalar]] = [{} for _ in self.tokens]

    def inside(self, key: str, state: int, top: int) -> int:
        """The joint state in which a sub-process is in `state` and the top was left in `top`."""
        left = self.left[key]
        return self.first[key] + state * len(left) + (left.index(top) if self.end else 0)

    def episodes(self, top: int) -> list[tuple[str, int, Scalar]]:
        """How the top begins an episode from one of its states: token, joint state, probability."""
        found: list[tuple[str, int, Scalar]] = []
        for token, entries in zip(self.top.tokens, self.top.operators, strict=True):
            for (i, j), value in entries.items():
                if i == top:
                    key = token if self.by_token else self.top.states[j]
                    start = self.subs[key].start
                    found += [(token, self.inside(key, k, j), value * weight) for k, weight in enumerate(start) if weight]
        return found

    def build(self, name: str | None) -> Process:
        begun = [self.episodes(top) for top in range(len(self.top.states))]
        if self.seen:
            for top, ways in enumerate(begun):
                for token, joint, value in ways:
                    add(self.operators[self.place[token]], (top, joint), value)
        for key, process in self.subs.items():
            right = right_of(process)
            for token, entries in zip(process.tokens, process.operators, strict=True):
                into = self.operators[self.place[token]]
                for (k, l_), value in entries.items():
                    for top in self.left[key]:
                        here = self.inside(key, k, top)
                        add(into, (here, self.inside(key, l_, top)), (1 - self.end) * value)
                        if self.end:
                            self._leave(into, here, top, self.end * value * right[l_], begun[top])
        made = Process(
            name=name or f"switch(top = {self.top.name}, {', '.join(f'{key} = {p.name}' for key, p in self.subs.items())})",
            tokens=self.tokens,
            states=self._state_names(),
            operators=tuple(self.operators),
            start=self._begin(begun),
            start_kind="given",
            parts=self._parts(),
            right=self._right(),
        )
        if not self.end or self.top.start_kind == "given":
            return made
        if made.generalized:
            with suppress(EigenvectorError):  # it settles in one of several ways
                return stationary_version(made)
            return made
        T = made.transitions()
        if len(closed_classes(T, self.size)) > 1:
            return made
        return replace(made, start=stationary_distribution(T, self.size), start_kind="stationary")

    def _leave(
        self, into: dict[tuple[int, int], Scalar], here: int, top: int, value: Scalar, ways: list[tuple[str, int, Scalar]]
    ) -> None:
        """The episode ends with this token: the top waits, or moves at once and silently."""
        if self.seen:
            add(into, (here, top), value)
        else:
            for _, joint, weight in ways:
                add(into, (here, joint), value * weight)

    def _begin(self, begun: list[list[tuple[str, int, Scalar]]]) -> tuple[Scalar, ...]:
        start: list[Scalar] = [Fraction(0)] * self.size
        for top, weight in enumerate(self.top.start):
            if self.seen:
                start[top] = weight
            elif weight:
                for _, joint, value in begun[top]:
                    start[joint] = start[joint] + weight * value
        return tuple(start)

    def _right(self) -> tuple[Scalar, ...] | None:
        """One for a waiting top, the sub-processes' own in episodes; None if they are all ordinary."""
        if not any(process.generalized for process in self.subs.values()):
            return None
        right: list[Scalar] = [Fraction(1)] * self.size
        for key, process in self.subs.items():
            for k, value in enumerate(right_of(process)):
                for top in self.left[key]:
                    right[self.inside(key, k, top)] = value
        return tuple(right)

    def _state_names(self) -> tuple[str, ...]:
        names = [f"{WAITING}.{state}" for state in self.top.states] if self.seen else []
        for key, process in self.subs.items():
            left = self.left[key]
            waiting = [f" | {self.top.states[top]}" for top in left] if len(left) > 1 else [""] * len(left)
            names += [f"{key}.{state}{top}" for state in process.states for top in waiting]
        check_distinct("the state", names)
        return tuple(names)

    def _parts(self) -> Parts:
        n = len(self.top.states)
        parts: list[Part] = []
        if self.seen:
            parts.append(Part(WAITING, "component", self.top, tuple(i if i < n else None for i in range(self.size))))
        going: list[int | None] = [i if i < n else None for i in range(self.size)]
        for key, process in self.subs.items():
            own: list[int | None] = [None] * self.size
            for k in range(len(process.states)):
                for top in self.left[key]:
                    own[self.inside(key, k, top)] = k
                    going[self.inside(key, k, top)] = top
            parts.append(Part(self.called[key], "component", process, tuple(own)))
        if self.end:
            parts.append(Part("next", "factor", self.top, tuple(going)))
        return Parts(tuple(parts))


def plain_name(name: str) -> str:
    """The name as a word of the language: what cannot stand in one becomes `_`, and no word begins with a digit.

    >>> [plain_name(name) for name in ("heads", "t[0]", "0", "(0, a)", '"a b"')]
    ['heads', 't_0', '_0', '_0_a', 'a_b']
    """
    inner = re.sub(r"\W+", "_", name)
    inner = inner if inner == name else inner.strip("_")
    return f"_{inner}" if not inner or inner[0].isdigit() else inner


def plain_names(names: Iterable[str]) -> dict[str, str]:
    """Each name with its word. Raises ClashError where two would have one."""
    called: dict[str, str] = {}
    for name in names:
        word = plain_name(name)
        other = next((each for each, given in called.items() if given == word), None)
        if other is not None:
            raise ClashError(
                f"the parts `{other}` and `{name}` would both be called `{word}` in targets",
                "rename one of the tokens or states that they follow, with `relabel` for example",
            )
        called[name] = word
    return called
