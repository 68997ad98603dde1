"""Information against block entropies, brute force and scikit-learn's logistic regression."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from hmmdsl.analysis.fitting.folds import draw_folds
from hmmdsl.analysis.information.compute import Futures, _classification, _regression
from hmmdsl.analysis.information.record import Information
from hmmdsl.analysis.information.softmax import PENALTIES, fit_path, principal_axes
from hmmdsl.analysis.reading.held_out import ByHistory
from hmmdsl.process.entropies import myopic_entropies
from hmmdsl.process.futures import future_space, word_vectors
from hmmdsl.process.history_tree import history_weights
from hmmdsl.process.process import Process
from tests.analysis.invented import InventedRun, inputs_of, invented_run, mess3, rrxor, surroundings
from tests.analysis.shapes import assert_shape


def _information(**options: Any) -> Information:
    return Information.model_validate({"of": "fit", "at": "final_norm", "folds": 3, "controls": [], **options})


class KnowingRun(InventedRun):
    """Activations are the beliefs themselves."""

    def activations(self, step: Any = None, tree: Any = None) -> dict[str, np.ndarray]:
        histories = tree if tree is not None else self.tree
        return dict.fromkeys(self.model.points(), histories.belief.astype(np.float32))


def _knowing(process: Process, context: int) -> KnowingRun:
    run = invented_run(process, context)
    return KnowingRun(**{name: getattr(run, name) for name in InventedRun.__dataclass_fields__})


@pytest.mark.parametrize("bos", [False, True])
@pytest.mark.parametrize("at", ["final_norm", "blocks"])
def test_results_have_the_announced_shape(bos: bool, at: Any) -> None:
    run, analysis = invented_run(context=3, bos=bos), _information(at=at, controls=["untrained", "shuffled", "noise"], k=1)
    around = surroundings(run)
    assert analysis.problems(around) == []
    assert_shape(analysis.compute(inputs_of("x", run)).results, analysis.results(around))


@pytest.mark.parametrize("k", [1, 3])
def test_what_the_history_tells_is_a_difference_of_block_entropies(k: int) -> None:
    """I(X_1 … X_l; next k) = H(l) + H(k) - H(l + k) of the stationary process."""
    block = (0.0, *myopic_entropies(rrxor(), 9).block_bits)
    results = _information(k=k).compute(inputs_of("x", invented_run(rrxor(), context=5))).results
    for i, one in enumerate(results["position"]):
        length = i + 1
        assert one["history"] == pytest.approx(block[length] + block[k] - block[length + k], abs=1e-10)
    assert results["history"] == pytest.approx(np.mean([one["history"] for one in results["position"]]), abs=1e-10)
    assert results["future_entropy"] == pytest.approx(block[k])
    assert results["finite_excess_entropy"] == pytest.approx(block[k] - k * 2 / 3)
    assert results["excess_entropy"] == pytest.approx(np.log2(108) / 3)
    assert results["finite_excess_entropy"] >= max(one["history"] for one in results["position"])


@pytest.mark.parametrize("process", [rrxor(), mess3()], ids=["rrxor", "mess3"])
def test_beliefs_tell_all_that_the_history_tells(process: Process) -> None:
    """The future is linear in the belief, so the regression's bound is met, but for what keeps probabilities from zero."""
    results = _information(k=2).compute(inputs_of("x", _knowing(process, 5))).results
    assert results["regression"] == pytest.approx(results["history"], rel=2e-3)
    assert results["held_out"]["regression"] == pytest.approx(results["history"], rel=2e-3)
    assert results["share"] == pytest.approx(1, abs=2e-3)


def test_no_reader_finds_more_than_the_history_tells() -> None:
    run = invented_run(rrxor(), context=6, width=24)
    results = _information(at=["concat"], controls=["untrained", "noise"]).compute(inputs_of("x", run)).results
    concat = results["concat"]
    for one in (concat, concat["untrained"], concat["noise"]):
        assert max(one["classification"], one["regression"]) <= results["history"] + 1e-12
        assert one["held_out"]["bits"] <= results["history"] + 1e-12
    for read, known in zip(concat["read"], results["position"], strict=True):
        assert read["bits"] <= known["history"] + 1e-12


def test_controls_know_less() -> None:
    run = invented_run(mess3(), context=6, width=12)
    results = _information(controls=["untrained", "shuffled", "noise"], k=1, folds=5).compute(inputs_of("x", run)).results
    assert results["held_out"]["share"] > 0.9
    assert results["untrained"]["held_out"]["bits"] < results["held_out"]["bits"] - 0.05
    assert results["shuffled"]["held_out"]["bits"] < 0.05
    assert results["noise"]["held_out"]["bits"] < 0.05


@pytest.mark.parametrize("reader", ["classification", "regression"])
def test_a_history_held_out_is_no_matter_to_the_fit_that_predicts_its_fold(reader: str) -> None:
    """Move one held-out history far away, in features and in its future: predictions of the others in its fold are the same, as
    axes, penalties and the mean that is mixed in are those of the other folds."""
    run = invented_run(mess3(), context=4)
    process, tree = run.process, run.tree
    space, weights = future_space(process, 2), history_weights(tree)
    (fold,) = draw_folds(tree, slice(None), ByHistory(), 3, 1, 0)
    x = run.activations()["final_norm"].astype(np.float64)
    rows = np.flatnonzero(fold == 0)
    moved, others = rows[5], np.delete(rows, 5)
    found = []
    for change in (False, True):
        belief, y = tree.belief.copy(), x.copy()
        if change:
            belief[moved], y[moved] = (0, 0, 1), 50 * y[moved] + 100
        future = belief @ word_vectors(process, 2)
        known = Futures(future, belief @ space.coordinates, space.words, weights, fold, tree)
        _, outside = (_classification if reader == "classification" else _regression)(known, y)
        assert outside is not None
        found.append(outside[others])
    np.testing.assert_allclose(found[0], found[1], rtol=0, atol=1e-9)


def test_the_softmax_is_scikit_learns_logistic_regression() -> None:
    """With the weight of each class as the weight of a row of its own; the penalty is on standardized features."""
    random = np.random.default_rng(0)
    x = random.normal(size=(120, 4)) * [1, 3, 0.1, 1]
    weights = random.uniform(0.1, 1, 120)
    weights /= weights.sum()
    future = random.dirichlet(np.ones(3) * 0.7, 120)
    axes = principal_axes(x, weights)
    path = fit_path(axes, future, weights, slice(None))
    mean = weights @ x
    standard = (x - mean) / np.sqrt(weights @ (x - mean) ** 2)
    rows, labels = np.repeat(standard, 3, axis=0), np.tile(np.arange(3), 120)
    mass = (weights[:, None] * future).ravel()
    for penalty, fitted in zip(PENALTIES[:4], path, strict=False):
        peer = LogisticRegression(C=1 / penalty, tol=1e-10, max_iter=5000).fit(rows, labels, sample_weight=mass)
        expected = peer.predict_log_proba(standard)
        assert fitted.log_probabilities(axes.z) == pytest.approx(expected, abs=1e-3)
        lost = -float(weights @ (future * fitted.log_probabilities(axes.z)).sum(axis=1))
        assert lost == pytest.approx(log_loss(labels, peer.predict_proba(rows), sample_weight=mass), abs=1e-6)


def test_a_process_without_memory_has_no_share() -> None:
    coin = Process("coin", ("h", "t"), ("S",), ({(0, 0): Fraction(1, 2)}, {(0, 0): Fraction(1, 2)}), (Fraction(1),))
    results = _information().compute(inputs_of("x", invented_run(coin, context=3))).results
    assert results["history"] == pytest.approx(0, abs=1e-12)
    assert results["share"] is None


def test_a_process_that_does_not_start_stationary_has_no_excess_entropy() -> None:
    process = replace(rrxor(), start=(Fraction(1), *[Fraction(0)] * 4), start_kind="given")
    results = _information().compute(inputs_of("x", invented_run(process, context=3))).results
    assert results["finite_excess_entropy"] is None
    assert results["excess_entropy"] is None
    assert results["history"] > 0


@pytest.mark.parametrize(
    ("options", "codes"),
    [
        ({"k": 13}, ["E0585"]),
        ({"at": {"kind": "block", "index": 2}}, ["E0821"]),
        ({"at": ["concat", "concat"]}, ["E0822"]),
        ({"controls": ["noise", "noise"]}, ["E0822"]),
        ({"on": "other"}, ["E0820"]),
    ],
)
def test_mistakes_are_found_before_the_run(options: dict[str, Any], codes: list[str]) -> None:
    around = surroundings(invented_run(), {"other": mess3()})
    assert [problem.code for problem in _information(**options).problems(around)] == codes
