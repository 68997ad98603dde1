"""A process: tokens with one matrix each.

`T[x][i, j] = Pr(token x, next state j | state i)`. The sum over tokens is stochastic, and `start` is the distribution over
states before the first token. Entries are exact rationals (`Fraction`) where the definition allows it, else floats; they
are kept sparse, and the float64 arrays are made when first asked for, so that checking a spec needs no numpy.

A generalized HMM has entries of any sign and a `right` eigenvector r in the place of the ones: Pr(w) = eta T_w r, and the belief
after w is eta T_w / (eta T_w r) (Upper 1997; Jaeger 2000).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from itertools import product as tuples
from math import prod
from typing import TYPE_CHECKING, Literal, TypeAlias, TypeVar, overload

from hmmdsl.process.algebra.failure import DEEPEST_PARTS, TooDeepError

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float64

Scalar: TypeAlias = Fraction | float
"""A probability: exact, or a float once a function other than the rational ones was used."""

Entries: TypeAlias = Mapping[tuple[int, int], Scalar]
"""The non-zero entries of one labelled matrix, by (from state, to state)."""

LARGEST_DENSE = 50_000_000
"""Entries of all operators together, zeros included, that are held in memory where it can be done without (400 MB)."""


@dataclass(frozen=True)
class Process:
    """A finite hidden Markov model with labelled transitions, ordinary or generalized.

    Tokens and states are their canonical texts as written (`0`, `"0"`, `t[0]`), in the order of declaration. `operators[x]`
    are the entries of T[x] for the x-th token. `start` has one weight for each state and sums to one; `start_kind` says
    whether it is the stationary distribution. `parts` says what a composed process is made of; two processes are equal
    whatever their parts are. `right` is the solution of T r = r with start . r = 1 of a generalized HMM; None, for ones, is an
    ordinary HMM.

    The sequences of a product are worked out when they are first read (`joint.py`): the matrices of many factors are never made
    unless something needs them.
    """

    name: str
    tokens: tuple[str, ...]
    states: Sequence[str]
    operators: Sequence[Entries]
    start: Sequence[Scalar]
    start_kind: Literal["stationary", "given"] = "stationary"
    parts: Parts | None = field(default=None, compare=False, repr=False)
    right: Sequence[Scalar] | None = None

    @property
    def generalized(self) -> bool:
        """Whether it is a generalized HMM: entries may be negative, and `states` are the names of dimensions."""
        return self.right is not None

    @property
    def factors(self) -> tuple[Process, ...]:
        """The independent processes that this is the product of, none of them a product itself; itself alone for any other. Their
        joint tokens and states run through all tuples, the rightmost fastest."""
        operators, start = self.operators, self.start
        if isinstance(operators, Joint) and isinstance(start, Joint) and operators.factors is start.factors:
            return operators.factors
        return (self,)

    @property
    def factored(self) -> bool:
        """Whether it is a product whose factors are known, and its joint matrices are not made unless they are asked for."""
        return len(self.factors) > 1

    @property
    def transition_count(self) -> int:
        """The number of entries of all matrices together; for a product, of the joint matrices that it would have."""
        if isinstance(self.operators, Joint):
            return prod(factor.transition_count for factor in self.operators.factors)
        return sum(map(len, self.operators))

    @cached_property
    def exact(self) -> bool:
        """Whether every number of the definition is a rational."""
        if self.factored:
            return all(factor.exact for factor in self.factors)
        return all(isinstance(value, Fraction) for entries in self.operators for value in entries.values()) and all(
            isinstance(value, Fraction) for value in (*self.start, *(self.right or ()))
        )

    @cached_property
    def T(self) -> Float64[np.ndarray, "token state state"]:
        """The labelled matrices in float64, `T[x, i, j] = Pr(x, j | i)`."""
        import numpy as np

        matrices = np.zeros((len(self.tokens), len(self.states), len(self.states)))
        for x, entries in enumerate(self.operators):
            for (i, j), value in entries.items():
                matrices[x, i, j] = float(value)
        matrices.setflags(write=False)
        return matrices

    @cached_property
    def eta(self) -> Float64[np.ndarray, " state"]:
        """The start in float64: Pr(state before the first token)."""
        import numpy as np

        start = np.array([float(value) for value in self.start])
        start.setflags(write=False)
        return start

    @cached_property
    def r(self) -> Float64[np.ndarray, " state"]:
        """The right eigenvector of T in float64: ones, unless the process is generalized."""
        import numpy as np

        right = np.ones(len(self.states)) if self.right is None else np.array([float(value) for value in self.right])
        right.setflags(write=False)
        return right

    @cached_property
    def emission(self) -> Float64[np.ndarray, "state token"]:
        """T[x] r in column x: the next token's probabilities are `belief @ emission`."""
        import numpy as np

        if len(self.tokens) * len(self.states) ** 2 > LARGEST_DENSE:
            # All operators at once would take gigabytes.
            emission = np.zeros((len(self.states), len(self.tokens)))
            for x, entries in enumerate(self.operators):
                for (i, j), value in entries.items():
                    emission[i, x] += float(value) * self.r[j]
        else:
            emission = np.ascontiguousarray((self.T.sum(axis=2) if self.right is None else self.T @ self.r).T)
        emission.setflags(write=False)
        return emission

    @cached_property
    def _transitions(self) -> Mapping[tuple[int, int], Scalar]:
        total: dict[tuple[int, int], Scalar] = {}
        for entries in self.operators:
            for place, value in entries.items():
                total[place] = total[place] + value if place in total else value
        return total

    def transitions(self) -> Mapping[tuple[int, int], Scalar]:
        """The non-zero entries of T = sum over tokens of T[x]: Pr(j | i), whatever is emitted."""
        return self._transitions


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
    """The parts of a composed process, in the order they were given; names are unique. `depth` is how many are within each other.
    Raises TooDeepError."""

    parts: tuple[Part, ...]
    depth: int = field(init=False, compare=False, default=1)

    def __post_init__(self) -> None:
        within = (part.process.parts.depth for part in self.parts if part.process.parts is not None)
        object.__setattr__(self, "depth", 1 + max(within, default=0))
        if self.depth > DEEPEST_PARTS:
            raise TooDeepError

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


T = TypeVar("T")


class Joint(Sequence[T]):
    """`length` values over tuples of the factors' places: `at` makes one, `every` makes all in order.

    `factors` are independent, and none of them is made of factors itself. `what` and `parts` determine the values: mostly the
    factors' own sequences. Slices are tuples.
    """

    def __init__(
        self,
        what: str,
        factors: tuple[Process, ...],
        parts: tuple[object, ...],
        length: int,
        at: Callable[[int], T],
        every: Callable[[], Iterable[T]],
    ) -> None:
        self.what, self.factors, self.parts = what, factors, parts
        self._length, self._at, self._every = length, at, every
        self._known: tuple[T, ...] | None = None

    def known(self) -> tuple[T, ...]:
        """All values, made once."""
        if self._known is None:
            self._known = tuple(self._every())
        return self._known

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[T]:
        return iter(self.known())

    @overload
    def __getitem__(self, place: int) -> T: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[T, ...]: ...
    def __getitem__(self, place: int | slice) -> T | tuple[T, ...]:
        if self._known is not None:
            return self._known[place]
        if isinstance(place, slice):
            return tuple(self._at(i) for i in range(*place.indices(self._length)))
        return self._at(range(self._length)[place])

    def __eq__(self, other: object) -> bool:
        """Equal to any sequence of the same values, which need not be made where they come from equal parts."""
        if not isinstance(other, Joint | tuple):
            return NotImplemented
        if len(other) != self._length:
            return False
        if isinstance(other, Joint) and (other is self or (other.what == self.what and other.parts == self.parts)):
            return True
        return self.known() == tuple(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<{self._length:,} {self.what} of {len(self.factors)} factors>"


def digits(place: int, sizes: Sequence[int]) -> tuple[int, ...]:
    """The place of each factor in a joint place, the rightmost running fastest.

    >>> digits(5, (2, 3))
    (1, 2)
    """
    found = []
    for size in reversed(sizes):
        place, digit = divmod(place, size)
        found.append(digit)
    return tuple(reversed(found))


def strides(sizes: Sequence[int]) -> tuple[int, ...]:
    """How far one step of each factor is in joint places: `(3, 1)` for sizes 2 and 3."""
    return tuple(prod(sizes[k + 1 :]) for k in range(len(sizes)))


def joint_texts(what: str, factors: tuple[Process, ...], alphabets: Sequence[Sequence[str]]) -> Joint[str]:
    """The canonical texts of all tuples: `(a, 0)`, `(a, 1)`, …"""
    sizes = [len(alphabet) for alphabet in alphabets]

    def at(place: int) -> str:
        return f"({', '.join(alphabet[i] for alphabet, i in zip(alphabets, digits(place, sizes), strict=True))})"

    return Joint(
        what, factors, tuple(alphabets), prod(sizes), at, lambda: (f"({', '.join(texts)})" for texts in tuples(*alphabets))
    )


def joint_weights(what: str, factors: tuple[Process, ...], weights: Sequence[Sequence[Scalar]]) -> Joint[Scalar]:
    """The products of the factors' weights: what is independent has the product of the probabilities."""
    sizes = [len(each) for each in weights]

    def at(place: int) -> Scalar:
        value: Scalar = prod(each[i] for each, i in zip(weights, digits(place, sizes), strict=True))
        return value

    def every() -> list[Scalar]:
        values: list[Scalar] = list(weights[0])
        for each in weights[1:]:
            values = [value * other for value in values for other in each]
        return values

    return Joint(what, factors, tuple(weights), prod(sizes), at, every)


def joint_places(factors: tuple[Process, ...], sizes: Sequence[int], k: int) -> Joint[int]:
    """The place of the k-th part in each joint place."""
    stride, size, length = strides(sizes)[k], sizes[k], prod(sizes)

    def every() -> list[int]:
        return [i for i in range(size) for _ in range(stride)] * (length // (stride * size))

    return Joint("places", factors, (tuple(sizes), k), length, lambda place: place // stride % size, every)


def joint_operators(factors: tuple[Process, ...], check: Callable[[], None]) -> Joint[Entries]:
    """T[(x, y)] = T_left[x] ⊗ T_right[y] for each tuple of tokens. `check` raises an error if all of them would not fit."""
    sizes = [len(process.states) for process in factors]
    tokens = [len(process.tokens) for process in factors]

    def made(chosen: Sequence[Entries]) -> Entries:
        entries: dict[tuple[int, int], Scalar] = dict(chosen[0])
        for matrix, size in zip(chosen[1:], sizes[1:], strict=True):
            entries = {
                (i * size + a, j * size + b): value * other
                for (i, j), value in entries.items()
                for (a, b), other in matrix.items()
            }
        return entries

    def at(place: int) -> Entries:
        check()
        return made([process.operators[x] for process, x in zip(factors, digits(place, tokens), strict=True)])

    def every() -> list[Entries]:
        check()
        return [made(chosen) for chosen in tuples(*(process.operators for process in factors))]

    return Joint("operators", factors, tuple(process.operators for process in factors), prod(tokens), at, every)


def each_once(factors: Iterable[Process], work: Callable[[Process], T]) -> list[T]:
    """What is found for each factor, in order; equal factors are worked on once."""
    known: list[Process] = []
    found: list[T] = []
    results = []
    for factor in factors:
        place = next((k for k, other in enumerate(known) if other is factor or _same(other, factor)), len(known))
        if place == len(known):
            known.append(factor)
            found.append(work(factor))
        results.append(found[place])
    return results


def _same(a: Process, b: Process) -> bool:
    return (a.operators, a.start, a.start_kind, a.right) == (b.operators, b.start, b.start_kind, b.right)
