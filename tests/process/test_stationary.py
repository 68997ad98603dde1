import random
import subprocess
import sys
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings

from hmmdsl.process.process import Process, Scalar
from hmmdsl.process.stationary import closed_classes, components, period, reachable, stationary_distribution
from tests.process.known_processes import ALL, golden_mean, leaky, rrxor, zero_one_random
from tests.process.random_processes import processes

Chain = dict[tuple[int, int], Scalar]


def random_chain(states: int, degree: int, seed: int) -> Chain:
    rng = random.Random(seed)
    chain: Chain = {}
    for i in range(states):
        targets = {(i + 1) % states, *(rng.randrange(states) for _ in range(degree - 1))}
        weights = {j: rng.randint(1, 100) for j in targets}
        for j, weight in weights.items():
            chain[i, j] = Fraction(weight, sum(weights.values()))
    return chain


def after_one_step(distribution: tuple[Scalar, ...], chain: Chain) -> list[Scalar]:
    result: list[Scalar] = [Fraction(0)] * len(distribution)
    for (i, j), value in chain.items():
        result[j] = result[j] + distribution[i] * value
    return result


def test_known_stationary_distributions_are_exact() -> None:
    third, sixth = Fraction(1, 3), Fraction(1, 6)
    assert rrxor().start == (third, sixth, sixth, sixth, sixth)
    assert zero_one_random().start == (third, third, third)
    assert golden_mean().start == (Fraction(2, 3), third)
    assert float(leaky(rrxor(), Fraction(2, 100)).start[0]) == pytest.approx(0.33198, abs=5e-6)


@pytest.mark.parametrize(("states", "degree"), [(1, 1), (2, 2), (30, 2), (30, 30), (200, 3)])
def test_a_large_chain_is_solved_exactly(states: int, degree: int) -> None:
    chain = random_chain(states, degree, seed=states)
    pi = stationary_distribution(chain, states)
    assert all(isinstance(value, Fraction) for value in pi)
    assert sum(pi) == 1
    assert after_one_step(pi, chain) == list(pi)


@pytest.mark.parametrize("states", [2, 60, 300])
def test_floats_agree_with_fractions_in_every_weight(states: int) -> None:
    chain = random_chain(states, 3, seed=states)
    exact = stationary_distribution(chain, states)
    approximate = stationary_distribution({place: float(value) for place, value in chain.items()}, states)
    assert all(isinstance(value, float) for value in approximate)
    np.testing.assert_allclose(approximate, [float(value) for value in exact], rtol=1e-12)


def test_beyond_the_budget_of_digits_floats_are_given() -> None:
    tiny = Fraction(1, 3**4000)
    pi = stationary_distribution({(0, 1): tiny, (0, 0): 1 - tiny, (1, 0): Fraction(1)}, 2)
    assert pi == pytest.approx((1.0, 0.0))
    assert all(isinstance(value, float) for value in pi)


@given(processes())
def test_stationary_starts_are_invariant(process: Process) -> None:
    if process.start_kind == "stationary":
        assert after_one_step(process.start, process.transitions()) == list(process.start)
        assert sum(process.start) == 1


def test_transient_states_have_weight_zero() -> None:
    chain: Chain = {(0, 1): Fraction(1), (1, 2): Fraction(1), (2, 1): Fraction(1)}
    assert stationary_distribution(chain, 3) == (0, Fraction(1, 2), Fraction(1, 2))
    assert closed_classes(chain, 3) == (frozenset({1, 2}),)
    assert components(chain, 3) == (frozenset({1, 2}), frozenset({0}))
    assert reachable(chain, [1], 3) == {1, 2}


def test_two_closed_classes_leave_the_start_open() -> None:
    chain: Chain = {(0, 0): Fraction(1), (1, 1): Fraction(1)}
    assert closed_classes(chain, 2) == (frozenset({0}), frozenset({1}))
    with pytest.raises(ValueError, match="2 closed classes"):
        stationary_distribution(chain, 2)


@settings(max_examples=50)
@given(processes(most_states=6))
def test_closed_classes_are_those_of_the_transitive_closure(process: Process) -> None:
    n = len(process.states)
    reach = np.linalg.matrix_power(np.eye(n) + (process.T.sum(axis=0) > 0), n) > 0
    expected = {
        frozenset(np.flatnonzero(reach[i]).tolist()) for i in range(n) if all(reach[j, i] for j in np.flatnonzero(reach[i]))
    }
    assert set(closed_classes(process.transitions(), n)) == expected


@pytest.mark.parametrize(("cycle", "expected"), [([3], 3), ([2, 3], 1), ([4, 6], 2), ([1], 1)])
def test_the_period_is_the_common_divisor_of_cycles(cycle: list[int], expected: int) -> None:
    chain: Chain = {}
    fresh = 1
    for length in cycle:
        path = [0, *range(fresh, fresh + length - 1), 0]
        fresh += length - 1
        for i, j in pairwise(path):
            chain[i, j] = Fraction(1, len(cycle)) if i == 0 else Fraction(1)
    assert period(chain, range(fresh)) == expected


def test_periods_of_the_known_processes() -> None:
    periods = {process.name: period(process.transitions(), range(len(process.states))) for process in ALL}
    assert (periods["rrxor"], periods["zero_one_random"], periods["matching_parens"], periods["mess3"]) == (3, 3, 2, 1)


def test_a_long_chain_needs_no_recursion() -> None:
    n = 5000
    chain: Chain = {(i, (i + 1) % n): Fraction(1) for i in range(n)}
    assert period(chain, range(n)) == n
    assert len(closed_classes(chain, n)) == 1


def test_checking_needs_no_numpy() -> None:
    modules = ", ".join(f"hmmdsl.process.{name}" for name in ("process", "stationary", "counting", "structure"))
    code = f"import sys, {modules}; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
