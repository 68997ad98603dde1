"""What independent factors are together: names, probabilities and matrices of the joint process, worked out when asked for.

A product of processes has as many joint states as the product of its factors' numbers, and nearly everything that is asked of it
follows from the factors alone. So the joint values are sequences that know their length and each of their items, and make
them all only where somebody reads them all. Places are numbered with the rightmost factor running fastest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import product as tuples
from math import prod
from typing import TYPE_CHECKING, TypeVar, overload

if TYPE_CHECKING:
    from hmmdsl.process.process import Entries, Process, Scalar

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
