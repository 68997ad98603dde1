"""Principal angles between the subspaces of probes, against scipy, and their controls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import orth, subspace_angles
from sklearn.linear_model import LinearRegression

from hmmdsl.analysis.fitting.factors import fold_factors
from hmmdsl.analysis.fitting.spans import overlap, principal_angles, random_span, span
from hmmdsl.analysis.loss.record import Loss
from hmmdsl.analysis.outcome import Outcome
from hmmdsl.analysis.reading.points import places
from hmmdsl.analysis.reading.targets import target_values
from hmmdsl.analysis.regression.record import Regression
from hmmdsl.analysis.subspaces.probes import Probe, pair_names
from hmmdsl.analysis.subspaces.record import Subspaces
from hmmdsl.process.algebra.product import product
from hmmdsl.process.history_tree import history_weights
from tests.analysis.invented import InventedRun, inputs_of, invented_run, mess3, rrxor, surroundings
from tests.analysis.shapes import assert_shape

FACTORS = ["factor.left", "factor.right"]
PAIR = product({"left": mess3(), "right": rrxor()})


def _regression(**options: Any) -> Regression:
    return Regression.model_validate({"of": "fit", "target": FACTORS, **options})


def _compare(analysis: Subspaces, run: InventedRun, **sources: Regression) -> Outcome:
    return analysis.compute(inputs_of("angles", run, **sources))


@dataclass(frozen=True)
class Factored(InventedRun):
    """At every point but the embedding, the factors' beliefs stand in orthogonal subspaces, of 2 and 4 dimensions; the initial
    network holds both in the same coordinates."""

    def activations(self, step: int | None = None, tree: Any = None) -> dict[str, np.ndarray]:
        histories = tree if tree is not None else self.tree
        left, right = (target_values(self.process, histories, target) for target in FACTORS)
        found = {}
        for name, width in self.model.points().items():
            points = np.zeros((len(histories), width), dtype=np.float32)
            points[:, :3] = left
            start = 0 if step == 0 else 3
            points[:, start : start + 5] += right
            found[name] = np.zeros_like(points) if name == "embedding" else points
        return found


def _factored() -> Factored:
    return Factored(**vars(invented_run(PAIR, context=4)))


@pytest.mark.parametrize(
    ("between", "options"),
    [
        ("factors", {"at": ["blocks", "concat"]}),
        ("factors.block[1]", {"at": "blocks"}),
        ("factors", {"at": "concat", "target": ["belief", *FACTORS]}),
        (
            ["factors.factor.left.block[0]", "factors.factor.right.block[1]", "factors.factor.left.final_norm"],
            {"at": ["blocks", "final_norm"]},
        ),
    ],
)
@pytest.mark.parametrize("directions", ["encoding", "readout"])
def test_results_have_the_announced_shape(between: Any, options: Any, directions: Any) -> None:
    run, source = invented_run(PAIR, context=3), _regression(**options)
    analysis = Subspaces.model_validate(
        {
            "between": between,
            "directions": directions,
            "repeats": 3,
            "controls": ["untrained", {"kind": "shuffled", "repeats": 2}],
        }
    )
    around = surroundings(run, factors=source)
    assert analysis.problems(around) == []
    assert analysis.needs() == ("factors",)
    outcome = _compare(analysis, run, factors=source)
    assert_shape(outcome.results, analysis.results(around))
    assert outcome.results == _compare(analysis, run, factors=source).results


def test_orthogonal_factors_are_found_orthogonal_and_shared_ones_not() -> None:
    analysis = Subspaces.model_validate({"between": "factors", "controls": ["untrained"]})
    results = _compare(analysis, _factored(), factors=_regression(at=["final_norm"])).results["final_norm"]
    assert results["dimension"] == [2, 4]
    assert results["overlap"] < 1e-6
    assert results["pair"]["left_and_right"]["angle"] == pytest.approx([90, 90], abs=1e-2)
    assert results["untrained"]["overlap"] > 0.3
    # In one half of the histories the factors are correlated a little: 25 draws of the halves gave 0.91 ± 0.03.
    assert 0.8 < results["halves"]["overlap"] < 1
    assert results["random"]["overlap"]["mean"] == pytest.approx(4 / 8, abs=0.05)


def test_what_a_probe_reads_of_an_exact_image_is_the_same_in_both_halves() -> None:
    analysis = Subspaces(between="factors", directions="readout")
    results = _compare(analysis, _factored(), factors=_regression(at="final_norm")).results
    assert results["halves"]["overlap"] == pytest.approx(1, abs=1e-6)
    assert results["overlap"] < 1e-6


def test_activations_that_do_not_vary_have_no_angles() -> None:
    analysis = Subspaces.model_validate({"between": "factors", "controls": ["untrained", {"kind": "shuffled", "repeats": 2}]})
    source, run = _regression(at="embedding"), _factored()
    for directions in ("encoding", "readout"):
        results = _compare(analysis.model_copy(update={"directions": directions}), run, factors=source).results
        assert_shape(results, analysis.results(surroundings(run, factors=source)))
        assert results["dimension"] == [0, 0]
        assert results["overlap"] is results["halves"]["overlap"] is results["shuffled"]["overlap"]["mean"] is None


@pytest.mark.parametrize("weights", ["probability", "uniform"])
def test_readout_is_the_span_of_scikit_learns_coefficients(weights: Any) -> None:
    run = invented_run(PAIR, context=3, width=16)
    source = _regression(at="final_norm", weights=weights)
    analysis = Subspaces(between="factors", directions="readout")
    found = _compare(analysis, run, factors=source).results["pair"]["left_and_right"]
    features = run.activations()["final_norm"].astype(np.float64)
    bases = []
    for target in FACTORS:
        fit = LinearRegression().fit(
            features, target_values(PAIR, run.tree, target), sample_weight=history_weights(run.tree, weights)
        )
        bases.append(orth(fit.coef_.T, rcond=1e-9))
    angles = subspace_angles(*bases)[::-1]
    assert found["angle"] == pytest.approx(np.degrees(angles), abs=1e-4)
    assert found["overlap"] == pytest.approx((np.cos(angles) ** 2).mean(), abs=1e-6)


def test_encoding_is_the_span_of_the_regression_of_activations_on_the_target() -> None:
    run = invented_run(PAIR, context=3, width=16)
    analysis = Subspaces(between="factors")
    found = _compare(analysis, run, factors=_regression(at="final_norm", weights="words")).results["pair"]["left_and_right"]
    features = run.activations()["final_norm"].astype(np.float64)
    weights = history_weights(run.tree, "words")
    maps = [
        LinearRegression().fit(target_values(PAIR, run.tree, target)[:, :-1], features, sample_weight=weights).coef_
        for target in FACTORS
    ]
    angles = subspace_angles(*maps)[::-1]
    assert found["angle"] == pytest.approx(np.degrees(angles), abs=1e-4)
    assert found["overlap"] == pytest.approx((np.cos(angles) ** 2).mean(), abs=1e-6)


@given(st.integers(1, 4), st.integers(1, 4), st.integers(0, 1000))
def test_overlap_lies_between_0_and_1_and_is_symmetric(first: int, second: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    a, b = random_span(9, first, random), random_span(9, second, random)
    value = overlap(principal_angles(a, b))
    assert value is not None
    assert -1e-12 <= value <= 1 + 1e-12
    assert value == pytest.approx(overlap(principal_angles(b, a)), abs=1e-12)
    assert value == pytest.approx((np.linalg.svd(a.T @ b, compute_uv=False) ** 2).mean(), abs=1e-12)
    assert overlap(principal_angles(a, a)) == pytest.approx(1)


def test_random_subspaces_overlap_by_dimension_over_width() -> None:
    random = np.random.default_rng(0)
    drawn = [overlap(principal_angles(random_span(20, 2, random), random_span(20, 5, random))) for _ in range(400)]
    assert np.mean([one for one in drawn if one is not None]) == pytest.approx(5 / 20, abs=0.01)


def test_a_ridge_penalty_changes_what_is_read_and_not_what_is_encoded() -> None:
    random = np.random.default_rng(0)
    x, y = random.normal(size=(50, 6)) * np.arange(1, 7), random.normal(size=(50, 2))
    (factor,) = fold_factors([x], y, np.full(50, 1 / 50), np.zeros(50, dtype=np.int64))
    for directions, same in (("encoding", True), ("readout", False)):
        angles = principal_angles(*(span(factor, directions, True, ridge) for ridge in ("none", 1.0)))  # type: ignore[arg-type]
        assert bool(angles.max() < 1e-6) is same


@pytest.mark.parametrize(
    ("between", "code", "path"),
    [
        (["factors", "single"], "E0570", ("between", 0)),
        (["factors.factor.left", "single"], "E0570", ("between", 0)),
        (["losses", "single"], "E0570", ("between", 0)),
        ("losses", "E0570", ("between",)),
        ("factors.factor", "E0570", ("between",)),
        ("single", "E0571", ("between",)),
        ("factors.factor.left.block[1]", "E0571", ("between",)),
        (["single", "single"], "E0571", ("between", 1)),
        (["single", "wide"], "E0572", ("between", 1)),
    ],
)
def test_names_that_lead_to_no_two_probes_of_one_space_are_mistakes(between: Any, code: str, path: Any) -> None:
    around = surroundings(
        invented_run(PAIR, context=3),
        factors=_regression(at="blocks"),
        single=_regression(at="final_norm", target="factor.left"),
        wide=_regression(at="concat", target="factor.right"),
        losses=Loss(of="fit"),
    )
    problems = Subspaces(between=tuple(between) if isinstance(between, list) else between).problems(around)
    assert [(problem.code, problem.path) for problem in problems] == [(code, path)]
    assert problems[0].help


def test_the_help_names_the_maps_there_are() -> None:
    around = surroundings(invented_run(PAIR), factors=_regression(at="blocks"))
    (problem, _) = Subspaces(between=("factors.factor.left", "factors.factor.right")).problems(around)
    assert "`factors.factor.left.block[1]`" in problem.help


def test_pairs_are_named_after_both() -> None:
    source = _regression(at=["blocks", "final_norm"], target=["belief", "factor.left", "within.A"])
    run = _factored()

    def names(*probes: tuple[str, str, str]) -> list[str]:
        at = {place.name: place for place in places(source.at, run.model)}
        return pair_names([Probe(name, source, target, at[place]) for name, target, place in probes])

    block = ("factors", "belief", "block[0]")
    assert names(block, ("factors", "factor.left", "block[0]")) == ["belief_and_left"]
    assert names(*(("a", target, "final_norm") for target in ("factor.A", "within.A", "belief")))[0] == "factor_A_and_within_A"
    assert names(block, ("other", "belief", "block[0]")) == ["factors_and_other"]
    assert names(block, ("factors", "belief", "final_norm")) == ["factors_belief_block_0_and_factors_belief_final_norm"]
