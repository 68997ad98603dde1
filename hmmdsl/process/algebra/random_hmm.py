"""Random processes, for asking what holds in general."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

from hmmdsl.process.algebra.failure import AlgebraError, check_size
from hmmdsl.process.algebra.splitmix import SplitMix64
from hmmdsl.process.process import Process, Scalar
from hmmdsl.process.stationary import stationary_distribution

FLOAT_STEPS = 2**53
"""Floats are drawn as multiples of 2^-53, so that rows sum to one without rounding."""


def random_hmm(
    states: int,
    tokens: int,
    seed: int,
    outcomes: int | None = None,
    unifilar: bool = False,
    denominator: int | None = 1000,
    name: str | None = None,
) -> Process:
    """A random process, strongly connected, every token in use, in its stationary start. The same arguments give the same
    process everywhere.

    From each state `outcomes` pairs (token, next state) can come: all of them if not said, or all tokens if `unifilar`, where a
    state and a token leave one next state. One of them follows a random cycle through all states; the others are drawn
    uniformly. Their probabilities are uniform among all positive multiples of 1 / denominator that sum to one (for a large
    denominator, uniform on the simplex); `denominator = None` gives floats.

    Raises AlgebraError for numbers that cannot be met, TooLargeError if the process would not fit.
    """
    _check(states, tokens, outcomes, unifilar, denominator)
    most = tokens if unifilar else tokens * states
    count = most if outcomes is None else outcomes
    check_size("the random process", states, tokens, states * count)
    steps = FLOAT_STEPS if denominator is None else denominator
    if steps < count:
        raise AlgebraError(
            f"{count} outcomes cannot all have a probability that is a multiple of 1/{steps}",
            f"make the denominator at least {count}",
        )
    stream = SplitMix64(seed)
    following = _cycle(stream, states)
    operators: list[dict[tuple[int, int], Scalar]] = [{} for _ in range(tokens)]
    dealt = stream.choose(range(tokens), tokens)
    for i in range(states):
        # Every token is dealt to one state, so that none is left out.
        places = _places(stream, states, tokens, count, following[i], dealt[i::states], unifilar)
        cuts = (0, *(1 + cut for cut in stream.subset(steps - 1, count - 1)), steps)
        for (x, j), (low, high) in zip(places, pairwise(cuts), strict=True):
            share = Fraction(high - low, steps)
            operators[x][i, j] = share if denominator is not None else float(share)
    T = Process("", tuple(map(str, range(tokens))), ("",) * states, tuple(operators), ()).transitions()
    return Process(
        name=name or f"random_hmm({states}, {tokens}, seed = {seed})",
        tokens=tuple(map(str, range(tokens))),
        states=tuple(f"s[{i}]" for i in range(states)),
        operators=tuple(dict(sorted(entries.items())) for entries in operators),
        start=stationary_distribution(T, states),
    )


def _check(states: int, tokens: int, outcomes: int | None, unifilar: bool, denominator: int | None) -> None:
    if states < 1 or tokens < 1:
        raise AlgebraError(f"a process of {states} states and {tokens} tokens cannot be", "give at least one of each")
    if denominator is not None and denominator < 1:
        raise AlgebraError(f"the denominator is {denominator}", "give a positive one, such as 1000")
    most = tokens if unifilar else tokens * states
    if outcomes is None:
        return
    if not 1 <= outcomes <= most:
        raise AlgebraError(f"a state cannot have {outcomes} outcomes here", f"give a number from 1 to {most}")
    if outcomes * states < tokens:
        raise AlgebraError(
            f"{states} states with {outcomes} outcomes each cannot emit {tokens} tokens", "raise `outcomes`, or have fewer tokens"
        )


def _cycle(stream: SplitMix64, states: int) -> list[int]:
    """The next state of each on a random cycle through all."""
    order = stream.choose(range(states), states)
    following = [0] * states
    for here, there in zip(order, [*order[1:], order[0]], strict=True):
        following[here] = there
    return following


def _places(
    stream: SplitMix64, states: int, tokens: int, count: int, cycle: int, required: list[int], unifilar: bool
) -> list[tuple[int, int]]:
    """The (token, next state) pairs of one state, all different: the first on the cycle, then the rest of the `required` tokens,
    then any."""
    first, *others = required or [stream.below(tokens)]
    found = [(first, cycle), *((x, stream.below(states)) for x in others)]
    left = count - len(found)
    if unifilar:
        return found + [(x, stream.below(states)) for x in _further(stream, tokens, [x for x, _ in found], left)]
    codes = _further(stream, tokens * states, [x * states + j for x, j in found], left)
    return found + [divmod(code, states) for code in codes]


def _further(stream: SplitMix64, n: int, taken: list[int], count: int) -> list[int]:
    """So many integers below n, uniformly among those not taken, in order."""
    taken = sorted(taken)
    found: list[int] = []
    passed = 0
    for k in stream.subset(n - len(taken), count):
        # The k-th free integer: one further for each taken one before it.
        while passed < len(taken) and taken[passed] <= k + passed:
            passed += 1
        found.append(k + passed)
    return found
