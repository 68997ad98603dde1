"""A process: tokens with one matrix each.

`T[x][i, j] = Pr(token x, next state j | state i)`. The sum over tokens is stochastic, and `start` is the distribution over
states before the first token. Entries are exact rationals (`Fraction`) where the definition allows it, else floats; they
are kept sparse, and the float64 arrays are made when first asked for, so that checking a spec needs no numpy.

A generalized HMM has entries of any sign and a `right` eigenvector r in the place of the ones: Pr(w) = eta T_w r, and the belief
after w is eta T_w / (eta T_w r) (Upper 1997; Jaeger 2000).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING, Literal, TypeAlias

from hmmdsl.process.joint import Joint

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float64

    from hmmdsl.process.algebra.parts import Parts

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
