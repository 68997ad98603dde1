"""Moves along what a probe reads."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmmdsl.analysis.fitting.least_squares import AffineMap
from hmmdsl.analysis.intervention.compute import Subspace, scaled_like


def a_probe(seed: int, along: Any) -> tuple[Subspace, np.ndarray, np.ndarray]:
    """Activations of 9 dimensions that move with beliefs over 4 states, the probe's subspace, and the beliefs."""
    random = np.random.default_rng(seed)
    belief = random.dirichlet(np.ones(4), 300)
    x = belief @ random.normal(size=(4, 9)) + 0.3 * random.normal(size=(300, 9)) @ random.normal(size=(9, 9)) + 1
    weights = random.dirichlet(np.ones(300))
    centred, root = x - weights @ x, np.sqrt(weights)[:, None]
    slope, *_ = np.linalg.lstsq(root * centred, root * (belief - weights @ belief), rcond=None)
    return Subspace.of(AffineMap(slope, weights @ belief - weights @ x @ slope, 9), x, weights, along), x, belief


@given(st.integers(0, 1000), st.sampled_from(["encoding", "weights"]))
def test_the_probe_reads_what_was_written(seed: int, along: str) -> None:
    subspace, x, _ = a_probe(seed, along)
    new = np.random.default_rng(seed + 1).dirichlet(np.ones(4), len(x))
    moved = x + subspace.change(new - subspace.reading(x))
    np.testing.assert_allclose(subspace.reading(moved), new, atol=1e-6)
    assert subspace.basis.shape == (9, 3)  # beliefs sum to one


def test_along_the_weights_no_shorter_change_is_read_as_the_same() -> None:
    subspace, x, belief = a_probe(0, "weights")
    change = subspace.change(belief - subspace.reading(x))
    longer = a_probe(0, "encoding")[0].change(belief - subspace.reading(x))
    np.testing.assert_allclose(longer @ subspace.probe.slope, change @ subspace.probe.slope, atol=1e-8)
    assert (np.linalg.norm(change, axis=1) <= np.linalg.norm(longer, axis=1) + 1e-9).all()


def test_along_the_encoding_activations_move_as_their_regression_on_the_reading() -> None:
    random = np.random.default_rng(5)
    belief = random.dirichlet(np.ones(3), 4000)
    pattern = random.normal(size=(3, 6))
    x = belief @ pattern + 0.01 * random.normal(size=(4000, 6)) * np.array([1, 1, 1, 50, 50, 50])
    weights = np.full(4000, 1 / 4000)
    mean_x, mean_b = x.mean(axis=0), belief.mean(axis=0)
    slope, *_ = np.linalg.lstsq(x - mean_x, belief - mean_b, rcond=None)
    probe = AffineMap(slope, mean_b - mean_x @ slope, 6)
    subspace = Subspace.of(probe, x, weights, "encoding")
    read = subspace.reading(x) - mean_b
    regressed, *_ = np.linalg.lstsq(read, x - mean_x, rcond=None)
    change = np.array([[0.5, -0.3, -0.2], [0.1, 0.1, -0.2]])
    np.testing.assert_allclose(subspace.change(change), change @ regressed, atol=1e-8)


@given(st.integers(0, 1000))
def test_elsewhere_lengths_and_angles_stay(seed: int) -> None:
    subspace, x, belief = a_probe(seed, "encoding")
    change = subspace.change(belief - subspace.reading(x))
    other = subspace.elsewhere(change, np.random.default_rng(seed))
    np.testing.assert_allclose(other @ other.T, change @ change.T, atol=1e-8 * float(np.abs(change @ change.T).max()))


def test_scaled_changes_have_the_wanted_lengths() -> None:
    change = np.array([[3.0, 4.0], [0.0, 0.0], [1.0, 0.0]])
    like = np.array([[0.0, 1.0], [1.0, 1.0], [0.0, 0.0]])
    assert scaled_like(change, like).tolist() == [[pytest.approx(0.6), pytest.approx(0.8)], [0, 0], [0, 0]]
