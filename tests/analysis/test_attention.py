"""Mean attention by lag, its fitted decay, and the eigenvalues it is compared with."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hmmdsl.analysis.attention.compute import decay, deviation, followed_eigenvalue, mean_attention
from hmmdsl.analysis.attention.record import AttentionByLag
from hmmdsl.models.layout import tree_layouts, word_layout
from hmmdsl.process.algebra.mixture import mixture
from hmmdsl.process.history_tree import build_history_tree, words_of
from hmmdsl.process.process import Process
from hmmdsl.schema.models.transformer import Transformer
from tests.analysis.invented import inputs_of, surroundings
from tests.analysis.real_networks import random_network, real_run
from tests.analysis.shapes import assert_shape
from tests.process.known_processes import HALF
from tests.process.known_processes import mess3 as mess3_of

SMALL = {"layers": 2, "d_model": 12, "d_head": 4, "d_mlp": 20, "context": 5, "initial_sd": 0.5}


@pytest.mark.parametrize("bos", [False, True])
@pytest.mark.parametrize("controls", [[], [{"kind": "untrained"}]])
def test_results_have_the_announced_shape(bos: bool, controls: Any, mess3: Process) -> None:
    run = real_run(mess3, 4, heads=2, bos=bos)
    analysis = AttentionByLag(of="fit", controls=controls)
    around = surroundings(run)
    assert analysis.problems(around) == []
    outcome = analysis.compute(inputs_of("x", run))
    assert_shape(outcome.results, analysis.results(around))
    assert set(analysis.figures(outcome, inputs_of("x", run))) == {"lags"}
    assert "eigenvalue" in analysis.caption("lags", outcome)


@pytest.mark.parametrize("options", [{}, {"heads": 3, "positions": "rotary"}, {"bos": True}], ids=str)
def test_rows_of_attention_sum_to_one_and_see_no_later_position(options: dict[str, Any], rrxor: Process) -> None:
    spec = Transformer(**SMALL, **options)
    network, tree = random_network(spec, 2), build_history_tree(rrxor, 5, spec.bos)
    found = mean_attention(network, tree)
    assert found.shape == (2, spec.heads, tree.positions, tree.positions)
    np.testing.assert_allclose(found.sum(axis=3), 1, atol=1e-12)
    assert not np.triu(np.ones(found.shape[2:]), 1).astype(bool)[None, None].repeat(2, 0).repeat(spec.heads, 1)[found > 0].any()
    for layout in tree_layouts(tree):
        for weights in network.attention(layout):
            torch.testing.assert_close(weights.sum(dim=-1), torch.ones(weights.shape[:-1]), atol=1e-5, rtol=0)


@pytest.mark.parametrize("options", [{}, {"heads": 3, "positions": "rotary"}], ids=str)
def test_the_mean_over_the_tree_is_that_over_all_words(options: dict[str, Any], rrxor: Process) -> None:
    spec = Transformer(**SMALL, **options)
    network, tree = random_network(spec, 2), build_history_tree(rrxor, 5)
    full = slice(tree.levels[-2], None)
    words = torch.tensor(words_of(tree)[full])
    weights = torch.tensor(tree.probability[full])
    expected = np.zeros((2, spec.heads, 5, 5))
    for i, attention in enumerate(network.attention(word_layout(words))):
        mean = (weights[:, None, None, None] * attention.double()).sum(dim=0).numpy()
        for query in range(5):
            for key in range(query + 1):
                expected[i, :, query, query - key] = mean[:, query, key]
    np.testing.assert_allclose(mean_attention(network, tree), expected, atol=1e-6)


def test_attention_is_what_the_forward_pass_uses(mess3: Process) -> None:
    """Queries, keys and values by hand, from the module's weights."""
    network = random_network(Transformer(**{**SMALL, "layers": 1}), 3)
    words = torch.tensor([[0, 1, 2, 2, 1]])
    block = network.blocks[0]
    x = network.residuals(words)["embedding"][0]
    q, k, v = block.attention.qkv(block.norm_attention(x)).chunk(3, dim=1)
    scores = (q @ k.T / 2).masked_fill(torch.ones(5, 5).triu(1) > 0, -torch.inf).softmax(dim=1)
    (weights,) = network.attention(word_layout(words))
    torch.testing.assert_close(weights[0, 0], scores, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(
        block.attention(block.norm_attention(x), word_layout(words), None), block.attention.out(scores @ v), atol=1e-5, rtol=1e-5
    )


def powers(rate: float, size: int, bos: bool = False) -> np.ndarray:
    """Attention that falls by `rate`, at every position, and half of which is on the bos token where there is one."""
    found = np.zeros((size, size))
    for position in range(size):
        lags = np.arange(position + (0 if bos else 1))
        found[position, lags] = rate**lags
        if bos:
            found[position, position] = found[position, lags].sum() or 1.0
    return found / found.sum(axis=1, keepdims=True)


@given(st.floats(0.05, 1.5), st.integers(5, 12), st.integers(0, 1), st.booleans())
def test_powers_are_fitted_exactly(rate: float, size: int, from_lag: int, bos: bool) -> None:
    fit = decay(powers(rate, size, bos), from_lag, bos)
    assert fit.rate == pytest.approx(rate, rel=1e-6)
    assert fit.error == pytest.approx(0, abs=1e-6)
    assert deviation(powers(rate, size, bos), rate, from_lag, bos) == pytest.approx(0, abs=1e-9)


def test_the_error_is_that_of_weighted_least_squares() -> None:
    """Beside an independent solution: one column for each position's constant, one for the lag."""
    random = np.random.default_rng(0)
    noisy = powers(0.6, 7) * np.exp(0.2 * random.normal(size=(7, 7)))
    rows, y, w = [], [], []
    for position in range(2, 7):
        for lag in range(1, position + 1):
            rows.append([*np.eye(7)[position][2:], lag])
            y.append(np.log(noisy[position, lag]))
            w.append(noisy[position, lag])
    A, b, W = np.array(rows), np.array(y), np.diag(w)
    covariance = np.linalg.inv(A.T @ W @ A)
    solution = covariance @ A.T @ W @ b
    left = b - A @ solution
    error = np.sqrt(left @ W @ left / (len(b) - A.shape[1]) * covariance[-1, -1])
    fit = decay(noisy, 1, False)
    assert fit.rate == pytest.approx(np.exp(solution[-1]), rel=1e-9)
    assert fit.error == pytest.approx(np.exp(solution[-1]) * error, rel=1e-9)


def test_too_few_lags_leave_the_rate_undefined() -> None:
    assert decay(powers(0.5, 2), 1, False).rate is None
    assert deviation(powers(0.5, 2), 0.5, 1, False) is None


def test_what_is_followed_is_a_positive_number() -> None:
    assert followed_eigenvalue(np.array([0.85, 0.85, -0.2], complex)) == 0.85
    assert followed_eigenvalue(np.array([-0.5, 0.2], complex)) is None
    assert followed_eigenvalue(np.array([0.5, -0.5 + 1e-12j], complex)) is None
    assert followed_eigenvalue(np.exp(2j * np.pi * np.array([1, 2]) / 3)) is None
    assert followed_eigenvalue(np.zeros(0, complex)) is None


def test_a_mixture_is_compared_with_how_its_components_forget(mess3: Process) -> None:
    """Each component brings an eigenvalue 1 of its own; none of them is a rate of forgetting."""
    run = real_run(mixture({"A": mess3, "B": mess3_of(Fraction(15, 100))}, [HALF, HALF]), 4)
    analysis = AttentionByLag(of="fit")
    outcome = analysis.compute(inputs_of("x", run))
    assert_shape(outcome.results, analysis.results(surroundings(run)))
    assert [value["modulus"] for value in outcome.results["eigenvalue"]] == pytest.approx([0.85, 0.85, 0.55, 0.55])
    head = outcome.results["layer"][0]["head"][0]
    by_lag = outcome.arrays["attention"][0, 0]
    assert head["deviation"] == pytest.approx(deviation(by_lag, 0.85, 1, False))
    axes = next(axes for axes in analysis.figures(outcome, inputs_of("x", run))["lags"].axes if axes.lines)
    assert "powers of 0.85" in [line.get_label() for line in axes.lines]


def test_nothing_follows_the_roots_of_unity(rrxor: Process) -> None:
    run = real_run(rrxor, 4)
    analysis = AttentionByLag(of="fit")
    outcome = analysis.compute(inputs_of("x", run))
    assert_shape(outcome.results, analysis.results(surroundings(run)))
    assert outcome.results["layer"][0]["head"][0]["deviation"] is None
    axes = next(axes for axes in analysis.figures(outcome, inputs_of("x", run))["lags"].axes if axes.lines)
    assert not [line for line in axes.lines if str(line.get_label()).startswith("powers")]
    assert "no positive numbers" in analysis.caption("lags", outcome)
