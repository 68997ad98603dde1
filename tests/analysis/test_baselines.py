"""Short memories against brute force, probes against scikit-learn, rival geometries against their definitions."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.metrics import r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from hmmdsl.analysis.baselines.compute import (
    last_tokens,
    markov_beliefs,
    one_hot,
    rival_geometries,
    with_fourier_features,
    word_probabilities,
)
from hmmdsl.analysis.baselines.record import Baselines
from hmmdsl.analysis.fitting.folds import draw_folds
from hmmdsl.analysis.fitting.ridge import PENALTIES
from hmmdsl.process.entropies import myopic_entropies
from hmmdsl.process.history_tree import build_history_tree, history_weights, sample_history_tree, words_of
from hmmdsl.process.process import Process
from hmmdsl.training.streams import generator
from tests.analysis.invented import inputs_of, invented_run, mess3, rrxor, surroundings
from tests.analysis.shapes import assert_shape


def _baselines(**options: Any) -> Baselines:
    return Baselines.model_validate({"of": "fit", "features": 32, **options})


@pytest.mark.parametrize("bos", [False, True])
@pytest.mark.parametrize("at", ["final_norm", ["embedding", "blocks", "concat"]])
def test_results_have_the_announced_shape(bos: bool, at: Any) -> None:
    run, analysis = invented_run(context=4, bos=bos), _baselines(at=at)
    around = surroundings(run)
    assert analysis.problems(around) == []
    assert_shape(analysis.compute(inputs_of("x", run)).results, analysis.results(around))


def test_the_same_seed_gives_the_same_bits() -> None:
    one, two = (_baselines().compute(inputs_of("x", invented_run(context=4))).results for _ in range(2))
    assert one == two


# ---------------------------------------------------------------- short memories


@pytest.mark.parametrize("bos", [False, True])
def test_the_last_tokens_are_those_of_the_word(bos: bool) -> None:
    tree = build_history_tree(rrxor(), 5, bos)
    for word, length, last in zip(words_of(tree), tree.length, last_tokens(tree, 3), strict=True):
        expected = [-1] * max(0, 3 - length) + [int(x) for x in word[:length]][-3:]
        assert list(last) == expected
    assert (one_hot(tree, 3).sum(axis=1) == np.minimum(tree.length, 3)).all()


@pytest.mark.parametrize("k", [0, 1, 2, 3])
@pytest.mark.parametrize("start", ["stationary", "given"])
def test_a_short_memory_knows_the_mean_belief_of_all_histories_with_its_tokens(k: int, start: str) -> None:
    process = rrxor()
    if start == "given":
        process = replace(process, start=(Fraction(1), *[Fraction(0)] * 4), start_kind="given")
    tree = build_history_tree(process, 6)
    belief, last = markov_beliefs(process, tree, k), last_tokens(tree, k)
    keys = [(int(length), *map(int, tokens)) for length, tokens in zip(tree.length, last, strict=True)]
    for key in set(keys):
        rows = [i for i, other in enumerate(keys) if other == key]
        mean = np.average(tree.belief[rows], axis=0, weights=tree.probability[rows])
        assert belief[rows] == pytest.approx(np.repeat(mean[None], len(rows), axis=0), abs=1e-12)


def test_the_loss_of_a_short_memory_is_a_myopic_entropy() -> None:
    """From a stationary start k tokens tell the same of the next wherever they stand: H[X_(k+1) | X_1 … X_k] = h_(k+1)."""
    h = myopic_entropies(mess3(), 7).nats
    results = _baselines(longest=5).compute(inputs_of("x", invented_run(mess3(), context=5))).results
    for k, one in enumerate(results["markov"]):
        assert one["loss"] == pytest.approx(np.mean([h[min(k, length)] for length in range(1, 6)]), abs=1e-12)
    assert results["markov"][5]["gap"] == pytest.approx(0, abs=1e-12)
    assert results["markov"][5]["r2"] == pytest.approx(1)


def test_no_map_from_the_last_tokens_knows_more_than_their_optimal_observer() -> None:
    results = _baselines(longest=4).compute(inputs_of("x", invented_run(mess3(), context=5))).results
    for markov, tokens in zip(results["markov"], results["tokens"], strict=True):
        assert tokens["r2"] <= markov["r2"] + 1e-9
    assert all(after["r2"] > before["r2"] for before, after in pairwise(results["markov"]))
    assert results["tokens"][0]["r2"] == pytest.approx(0, abs=1e-12)


def test_beliefs_from_tokens_are_those_of_scikit_learn() -> None:
    run = invented_run(mess3(), context=4)
    results = _baselines().compute(inputs_of("x", run)).results
    X, w = one_hot(run.tree, 2), history_weights(run.tree)
    fitted = LinearRegression().fit(X, run.tree.belief, sample_weight=w).predict(X)
    expected = r2_score(run.tree.belief, fitted, sample_weight=w, multioutput="variance_weighted")
    assert results["tokens"][2]["r2"] == pytest.approx(expected, abs=1e-7)


def test_the_order_is_the_longest_memory_that_the_network_beats() -> None:
    results = _baselines(longest=4).compute(inputs_of("x", invented_run(mess3(), context=5))).results
    order = int(results["network"]["order"])
    assert results["network"]["loss"] < results["markov"][order]["loss"]
    assert order == 4 or results["network"]["loss"] >= results["markov"][order + 1]["loss"]


# ---------------------------------------------------------------- probes


def test_a_nonlinear_map_is_found_by_the_nonlinear_probe_alone() -> None:
    random = np.random.default_rng(0)
    x, weights = random.normal(size=(600, 3)), np.full(600, 1 / 600)
    y = np.cos(x[:, 0]) * x[:, 1]
    features = with_fourier_features(x, weights, 400, np.random.default_rng(1))

    def unseen(columns: np.ndarray) -> float:
        return float(
            r2_score(
                y[400:], Ridge(1e-2).fit(columns[:400].astype(np.float64), y[:400]).predict(columns[400:].astype(np.float64))
            )
        )

    assert features.shape == (600, 403)
    assert unseen(features) > unseen(x) + 0.2
    assert unseen(features) > 0.9


@pytest.mark.parametrize("by", ["history", "belief"])
def test_the_nonlinear_probe_is_scikit_learn_s_which_sees_nothing_of_the_fold(by: str) -> None:
    """Frequencies' scale, scaler, penalty and map are those of the other folds."""
    run, analysis = invented_run(context=5), _baselines(at="final_norm", features=12, folds=3, by=by)
    found = analysis.compute(inputs_of("x", run)).results["nonlinear"]
    x, Y, w = run.activations()["final_norm"].astype(np.float64), run.tree.belief, history_weights(run.tree)
    (fold,) = draw_folds(run.tree, slice(None), analysis.by, 3, 1, run.train.seed)
    predicted = np.empty_like(Y)
    for k in range(3):
        rows = fold != k
        random = generator(run.train.seed, "baselines fourier final_norm")
        waves = with_fourier_features(x, w, 12, random, rows).astype(np.float64)

        def fit(chosen: np.ndarray, penalty: float, X: np.ndarray = waves) -> np.ndarray:
            model = make_pipeline(StandardScaler(), Ridge(penalty * w[chosen].sum()))
            model.fit(X[chosen], Y[chosen], standardscaler__sample_weight=w[chosen], ridge__sample_weight=w[chosen])
            return np.asarray(model.predict(X))

        inner = [j for j in range(3) if j != k]
        lost = [
            sum(float((w[fold == j] @ (Y[fold == j] - fit(rows & (fold != j), penalty)[fold == j]) ** 2).sum()) for j in inner)
            for penalty in PENALTIES
        ]
        predicted[fold == k] = fit(rows, PENALTIES[int(np.argmin(lost))])[fold == k]
    expected = r2_score(Y, predicted, sample_weight=w, multioutput="variance_weighted")
    assert found["held_out"]["r2"] == pytest.approx(expected, abs=1e-6)


def test_fourier_features_of_the_fit_know_nothing_of_other_histories() -> None:
    random = np.random.default_rng(0)
    x, rows = random.normal(size=(40, 3)), np.arange(40) < 30
    moved = np.where(rows[:, None], x, 1000 * x + 5)
    one, other = (with_fourier_features(each, np.ones(40), 8, np.random.default_rng(1), rows)[rows] for each in (x, moved))
    assert (one == other).all()


def test_fourier_features_approximate_the_gaussian_kernel() -> None:
    random = np.random.default_rng(0)
    x, weights = random.normal(size=(200, 4)), np.full(200, 1 / 200)
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    waves = with_fourier_features(x, weights, 20_000, np.random.default_rng(1))[:, 4:].astype(np.float64)
    kernel = np.exp(-((z[:, None] - z[None]) ** 2).sum(axis=2) / 8)
    assert waves @ waves.T * (2 / 20_000) == pytest.approx(kernel, abs=0.05)
    y = np.sin(x[:, 0])
    exact = KernelRidge(alpha=0.1, kernel="rbf", gamma=1 / 8).fit(z, y).predict(z)
    assert Ridge(0.1 * 10_000, fit_intercept=False).fit(waves, y).predict(waves) == pytest.approx(exact, abs=0.05)


def test_probes_tell_beliefs_from_noise_and_permutations() -> None:
    run = invented_run(mess3(), context=6)
    results = _baselines(at=["concat"]).compute(inputs_of("x", run)).results["concat"]
    for probe in ("linear", "nonlinear"):
        one = results[probe]
        assert one["held_out"]["r2"] > 0.95
        assert one["untrained"]["held_out"]["r2"] < one["held_out"]["r2"] - 0.05
        assert one["noise"]["held_out"]["r2"] < 0.1
        assert one["shuffled"]["held_out"]["r2"]["mean"] < 0.1
    assert results["nonlinear"]["r2"] > results["linear"]["r2"]


# ---------------------------------------------------------------- rival geometries


def test_rival_geometries_are_what_they_are_called() -> None:
    process, tree = mess3(), build_history_tree(mess3(), 4)
    rivals = rival_geometries(process, tree, 2)
    for node in (0, 7, 60, 119):
        eta = process.eta
        for x in words_of(tree)[node]:
            eta = eta @ process.T[x] if x >= 0 else eta
        assert rivals["unnormalized"][node] == pytest.approx(eta)
        assert np.exp(rivals["log_belief"][node]) == pytest.approx(eta / eta.sum())


def test_a_drawn_word_has_the_probability_that_the_process_gives_it() -> None:
    tree = sample_history_tree(rrxor(), 5, 400, 0)
    exact = build_history_tree(rrxor(), 5)
    known = {tuple(word): p for word, p in zip(words_of(exact), exact.probability, strict=True)}
    found = word_probabilities(rrxor(), tree)
    assert found == pytest.approx([known[tuple(word)] for word in words_of(tree)])


def test_the_logarithm_of_a_belief_that_rules_states_out_is_undefined() -> None:
    results = _baselines().compute(inputs_of("x", invented_run(rrxor(), context=4))).results
    assert results["rivals"]["log_belief"]["r2"] is None
    assert results["rivals"]["log_belief"]["untrained"]["held_out"]["r2"] is None
    assert results["rivals"]["belief"]["r2"] == pytest.approx(results["linear"]["r2"])


def test_a_constant_belief_has_no_r2() -> None:
    coin = Process("coin", ("h", "t"), ("S",), ({(0, 0): Fraction(1, 2)}, {(0, 0): Fraction(1, 2)}), (Fraction(1),))
    run, analysis = invented_run(coin, context=3), _baselines()
    results = analysis.compute(inputs_of("x", run)).results
    assert_shape(results, analysis.results(surroundings(run)))
    assert results["markov"][1]["r2"] is None
    assert results["linear"]["r2"] is None
    assert results["network"]["order"] == -1


@pytest.mark.parametrize(
    ("options", "codes"),
    [
        ({"longest": 7}, ["E0587"]),
        ({"future": 30}, ["E0560"]),
        ({"at": {"kind": "block", "index": 9}}, ["E0821"]),
        ({"at": ["concat", "concat"]}, ["E0822"]),
        ({"on": "other"}, ["E0820"]),
    ],
)
def test_mistakes_are_found_before_the_run(options: dict[str, Any], codes: list[str]) -> None:
    around = surroundings(invented_run(), {"other": mess3()})
    found = _baselines(**options).problems(around)
    assert [problem.code for problem in found] == codes
    assert all(problem.help for problem in found)
