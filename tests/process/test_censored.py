"""The stationary distribution of large chains in float64: sparse, dense and iterated, against linear algebra."""

from __future__ import annotations

import numpy as np
import pytest

from hmmdsl.process import censored
from hmmdsl.process.censored import UnsolvedError, stationary_weights

Rows = list[dict[int, float]]


def random_rows(states: int, ways: int, seed: int) -> Rows:
    """An irreducible chain: a cycle through all states and some random ways."""
    rng = np.random.default_rng(seed)
    rows: Rows = []
    for i in range(states):
        ends = {int(j) for j in rng.integers(states, size=ways)} | {(i + 1) % states}
        weights = rng.dirichlet(np.ones(len(ends)))
        rows.append(dict(zip(ends, weights.tolist(), strict=True)))
    return rows


def solved(rows: Rows) -> np.ndarray:
    """pi T = pi with the sum in the place of one equation."""
    n = len(rows)
    T = np.zeros((n, n))
    for i, row in enumerate(rows):
        T[i, list(row)] = list(row.values())
    system = T.T - np.eye(n)
    system[0] = 1.0
    return np.linalg.solve(system, np.eye(n)[0])


@pytest.fixture
def iterated(monkeypatch: pytest.MonkeyPatch) -> None:
    """No state is taken out, and no dense matrix is made."""
    monkeypatch.setattr(censored, "LARGEST_SPARSE_WORK", -1)
    monkeypatch.setattr(censored, "LARGEST_DENSE", 1)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.usefixtures("iterated")
def test_the_lazy_chain_settles_to_the_solution(seed: int) -> None:
    rows = random_rows(200, 5, seed)
    assert np.abs(np.array(stationary_weights(rows)) - solved(rows)).sum() < 1e-12


@pytest.mark.usefixtures("iterated")
def test_a_period_is_not_in_the_way_of_the_lazy_chain() -> None:
    rows: Rows = [{1: 0.25, 3: 0.75}, {2: 1.0}, {0: 0.5, 4: 0.5}, {2: 1.0}, {5: 1.0}, {0: 1.0}]
    assert np.array(stationary_weights(rows)) == pytest.approx(solved(rows), abs=1e-12)
    assert stationary_weights([{1: 1.0}, {0: 1.0}]) == pytest.approx([0.5, 0.5])


@pytest.mark.usefixtures("iterated")
def test_a_chain_that_mixes_too_slowly_is_said_not_to_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(censored, "MOST_ITERATIONS", 50)
    slow: Rows = [{0: 1 - 1e-6, 1: 1e-6}, {1: 1 - 3e-6, 0: 3e-6}]
    with pytest.raises(UnsolvedError, match="2 states was not found within the budget"):
        stationary_weights(slow)


@pytest.mark.parametrize("dense_from", [0.0, 2.0], ids=["dense", "sparse"])
def test_taking_states_out_gives_the_solution(monkeypatch: pytest.MonkeyPatch, dense_from: float) -> None:
    monkeypatch.setattr(censored, "DENSE_FROM", dense_from)
    rows = random_rows(120, 4, 7)
    assert np.array(stationary_weights(rows)) == pytest.approx(solved(rows), rel=1e-10)


def test_a_large_chain_that_fills_up_is_iterated() -> None:
    rows = random_rows(2_500, 6, 1)
    found = np.array(stationary_weights(rows))
    after = np.zeros(len(rows))
    for i, row in enumerate(rows):
        for j, value in row.items():
            after[j] += found[i] * value
    assert np.abs(after - found).sum() < 1e-13
    assert found.sum() == pytest.approx(1)
