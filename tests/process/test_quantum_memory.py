"""What the past of a generalized HMM still tells: bounds against sums over words, and against what is known exactly."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import product
from math import log, log2, sqrt

import numpy as np
import pytest

from hmmdsl.analysis import kinds
from hmmdsl.language.elaborate import compile_file, compile_text
from hmmdsl.language.modules.imports import LIBRARY
from hmmdsl.process.algebra.transforms import minimize
from hmmdsl.process.complexity import complexity
from hmmdsl.process.ensemble import follow, from_start
from hmmdsl.process.entropies import entropy_rate, myopic_entropies
from hmmdsl.process.excess_entropy import by_depth
from hmmdsl.process.process import Process
from hmmdsl.process.quantum_memory import density_spectrum, merged_bounds, most_still_told
from tests.process.known_processes import even, golden_mean, mess3, rrxor

LEVELS = """
ghmm qubit {
  tokens a, b, c, d
  start [[1, 0], [0, 0]]
  let s = 1 / (2 * sqrt(1 + 4.3^2))
  kraus a = s * [[5.3, 0], [0, -3.3]]
  kraus b = s * [[-3.3, 0], [0, 5.3]]
  kraus c = s * [[1, 4.3], [4.3, 1]]
  kraus d = s * [[1, -4.3], [-4.3, 1]]
}
ghmm qutrit {
  tokens 0, 1, 2
  start [[1, 0, 0], [0, 0, 0], [0, 0, 0]]
  kraus 0 = [[3/5, 0, 0], [0, 0, 0], [0, 0, 0]]
  kraus 1 = [[[0, 0, 0], [0, 0, 3/5 * 1i], [4/5, 0, 0]], [[0, 0, 0], [0, 3/5, 0], [0, 0, 0]]]
  kraus 2 = [[0, 4/5, 0], [0, 0, 0], [0, 0, 4/5]]
}
ghmm measured {
  tokens up, down, twist
  kraus up    = [[3/5, 0], [0, 0]]
  kraus down  = [[0, 0], [0, 3/5]]
  kraus twist = 4/5 * [[0, -1i], [1i, 0]]
}
"""


@pytest.fixture(scope="module")
def library() -> dict[str, Process]:
    return dict(compile_file(LIBRARY / "processes.hmm", kinds()).declared)


def as_generalized(known: Process) -> Process:
    """The same process, of which it is not told that its dimensions are states."""
    return replace(known, right=(Fraction(1),) * len(known.states))


def cycle(length: int) -> Process:
    """Token after token, from any of them."""
    tokens = tuple(f"t{k}" for k in range(length))
    operators = tuple({(k, (k + 1) % length): Fraction(1)} for k in range(length))
    return Process("cycle", tokens, tokens, operators, (Fraction(1, length),) * length)


def mutual_information(joint: np.ndarray) -> float:
    """I of the rows and columns of a table of probabilities, in nats."""
    apart = joint.sum(axis=1)[:, None] * joint.sum(axis=0)[None, :]
    return float((joint[joint > 0] * np.log(joint[joint > 0] / apart[joint > 0])).sum())


def still_told(process: Process, side: int, between: int) -> float:
    """I[past; future | word] of all words of these lengths, in nats, by enumeration."""
    pasts, middles = (list(product(range(len(process.tokens)), repeat=n)) for n in (side, between))
    operator = {
        w: np.linalg.multi_dot([np.eye(len(process.states)), *(process.T[x] for x in w), np.eye(len(process.states))])
        for w in {*pasts, *middles}
    }
    before = np.stack([process.eta @ operator[w] for w in pasts])
    after = np.stack([operator[w] @ process.r for w in pasts], axis=1)
    total = 0.0
    for w in middles:
        joint = np.maximum(before @ operator[w] @ after, 0)
        if joint.sum() > 0:
            total += float(joint.sum()) * mutual_information(joint / joint.sum())
    return total


@pytest.mark.parametrize("name", ["bloch_walk", "moon", "fanizza"])
@pytest.mark.parametrize("between", [0, 1, 2])
def test_no_words_tell_more_than_the_bound(library: dict[str, Process], name: str, between: int) -> None:
    process = library[name]
    *_, ensemble = follow(process, from_start(process), 10_000, between)
    told = still_told(process, 3, between)
    assert 0 < told <= most_still_told(process)(ensemble)


def test_purer_beliefs_tell_less(library: dict[str, Process]) -> None:
    walk = library["bloch_walk"]
    bounds = [most_still_told(walk)(ensemble) for ensemble in follow(walk, from_start(walk), 10_000, 6)]
    assert bounds[0] == pytest.approx(log(2))
    assert (np.diff(bounds) < 0).all()


@pytest.mark.parametrize("length", [2, 3, 5])
def test_a_memory_that_is_told_whole_has_the_largest_excess_entropy(length: int) -> None:
    known = as_generalized(cycle(length))
    found = by_depth(known, entropy_rate(known)).excess_entropy
    assert found.upper_bits == pytest.approx(log2(length), abs=1e-9)
    assert found.lower_bits == pytest.approx(log2(length), abs=1e-6)


@pytest.mark.parametrize("known", [golden_mean(), even(), rrxor(), mess3()], ids=lambda known: known.name)
def test_bounds_hold_what_is_known_of_the_states(known: Process) -> None:
    exact = complexity(known, entropy_rate(known)).excess_entropy
    rate = entropy_rate(as_generalized(known))
    found = by_depth(as_generalized(known), replace(rate, exact=False)).excess_entropy
    assert rate.lower_bits <= entropy_rate(known).value_bits <= rate.upper_bits + 1e-12
    assert exact.bits is not None
    assert found.lower_bits is not None
    assert found.upper_bits is not None
    assert found.lower_bits - 1e-9 <= exact.bits <= found.upper_bits + 1e-9
    assert found.upper_bits <= log2(len(known.states)) + 1e-9


def test_merged_beliefs_prove_bounds_that_hold_those_by_depth(library: dict[str, Process]) -> None:
    walk = library["bloch_walk"]
    rate = entropy_rate(walk)
    coarse, fine = merged_bounds(walk, 500, 60), merged_bounds(walk)
    assert coarse is not None
    assert fine is not None
    for (low, high), (lower, upper) in zip((coarse.rate, coarse.excess), (fine.rate, fine.excess), strict=True):
        assert low < lower < upper < high
    assert coarse.rate[0] < rate.value_nats < coarse.rate[1]
    assert rate.upper_bits - rate.lower_bits < 1e-3
    excess = by_depth(walk, rate).excess_entropy
    assert excess.lower_bits is not None
    assert excess.upper_bits is not None
    # The first terms of the sum are exact, and no term is negative.
    assert sum(h - rate.upper_bits for h in myopic_entropies(walk, 9).bits) < excess.lower_bits
    assert excess.upper_bits - excess.lower_bits < 0.06


def test_merged_beliefs_hold_what_is_solved_exactly() -> None:
    """A measured qubit with few causal states, which are not told to be so few."""
    process = compile_text(LEVELS, "x.hmm", kinds()).declared["measured"]
    exact = complexity(minimize(process), entropy_rate(minimize(process)))
    bounds = merged_bounds(process)
    assert bounds is not None
    assert exact.excess_entropy.bits is not None
    assert bounds.excess[0] / log(2) - 1e-9 <= exact.excess_entropy.bits <= bounds.excess[1] / log(2) + 1e-9
    assert bounds.rate[0] - 1e-9 <= entropy_rate(minimize(process)).value_nats <= bounds.rate[1] + 1e-9


QUBIT = [
    np.array([[5.3, 0], [0, -3.3]]),
    np.array([[-3.3, 0], [0, 5.3]]),
    np.array([[1, 4.3], [4.3, 1]]),
    np.array([[1, -4.3], [-4.3, 1]]),
]
QUTRIT = [
    [np.diag([0.6, 0, 0])],
    [np.array([[0, 0, 0], [0, 0, 0.6j], [0.8, 0, 0]]), np.diag([0, 0.6, 0])],
    [np.array([[0, 0.8, 0], [0, 0, 0], [0, 0, 0.8]])],
]


@pytest.mark.parametrize(("name", "kraus"), [("qubit", [[K / (2 * sqrt(1 + 4.3**2))] for K in QUBIT]), ("qutrit", QUTRIT)])
def test_beliefs_are_the_density_matrices_that_kraus_operators_leave(name: str, kraus: list[list[np.ndarray]]) -> None:
    process = compile_text(LEVELS, "x.hmm", kinds()).declared[name]
    spectrum = density_spectrum(process)
    assert spectrum is not None
    size = len(kraus[0][0])
    found, expected = [], []
    for word in product(range(len(kraus)), repeat=3):
        rho, belief = np.diag([1.0 + 0j, *[0.0] * (size - 1)]), process.eta
        for x in word:
            rho, belief = sum(K @ rho @ K.conj().T for K in kraus[x]), belief @ process.T[x]
        if np.trace(rho).real > 1e-12:
            found.append(spectrum((belief / (belief @ process.r))[None])[0])
            expected.append(np.linalg.eigvalsh(rho / np.trace(rho)))
    np.testing.assert_allclose(np.sort(found), np.sort(expected), atol=1e-7)


def test_what_leaves_the_ball_is_no_qubit(library: dict[str, Process]) -> None:
    walk = library["bloch_walk"]
    assert density_spectrum(walk) is not None
    assert density_spectrum(library["moon"]) is None
    assert density_spectrum(library["fanizza"]) is None
    stretched = tuple(
        {place: value * (2 if place == (1, 1) else 1) for place, value in entries.items()} for entries in walk.operators
    )
    assert density_spectrum(replace(walk, operators=stretched)) is None
    assert merged_bounds(replace(walk, operators=stretched)) is None
