"""Learning curves against myopic entropies, and laws against ordinary regression and curves of known law."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import linregress
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import LeaveOneOut, cross_val_predict

from hmmdsl.analysis.learning.compute import fit_law, fit_laws
from hmmdsl.analysis.learning.record import Learning
from tests.analysis.invented import inputs_of, invented_run, mess3, rrxor, surroundings
from tests.analysis.shapes import assert_shape


def _learning(**options: Any) -> Learning:
    return Learning.model_validate({"of": "fit", **options})


@pytest.mark.parametrize("bos", [False, True])
def test_results_have_the_announced_shape(bos: bool) -> None:
    run = invented_run(bos=bos)
    for options in ({}, {"shortest": 5}, {"histories": {"kind": "sampled", "words": 200}}):
        analysis = _learning(**options)
        assert_shape(analysis.compute(inputs_of("x", run)).results, analysis.results(surroundings(run)))


def test_the_optimum_is_the_myopic_entropy_and_its_excess_is_over_the_entropy_rate() -> None:
    results = _learning().compute(inputs_of("x", invented_run(context=5))).results
    bits = np.log(2)
    assert results["entropy_rate"] / bits == pytest.approx(2 / 3)
    assert [one["optimum"] / bits for one in results["position"]] == pytest.approx([1, 0.9183, 0.9067, 0.8637, 0.8333], abs=5e-5)
    assert results["position"][0]["excess_optimum"] / bits == pytest.approx(1 / 3)


def test_the_loss_is_above_the_optimum_and_the_untrained_network_learns_nothing_in_context() -> None:
    results = _learning().compute(inputs_of("x", invented_run(mess3(), context=6))).results
    assert all(one["loss"] > one["optimum"] for one in results["position"])
    assert [one["untrained"] for one in results["position"]] == pytest.approx([np.log(3)] * 6)
    assert results["untrained"]["exponential"]["rate"] == pytest.approx(0, abs=1e-9)


def test_mess3_forgets_exponentially() -> None:
    """Its beliefs contract, so that the myopic entropies settle exponentially: no power law fits."""
    results = _learning().compute(inputs_of("x", invented_run(mess3(), context=8))).results
    assert results["theory"]["aic_difference"] > 20
    assert results["theory"]["held_out_ratio"] > 10
    assert results["network"]["exponential"]["rate"] == pytest.approx(results["theory"]["exponential"]["rate"], rel=0.02)


def test_a_law_is_the_line_of_scipy_with_its_standard_errors() -> None:
    random = np.random.default_rng(0)
    x = np.arange(1.0, 11)
    y = 0.3 - 0.7 * x + 0.1 * random.normal(size=10)
    law, known = fit_law(x, y), linregress(x, y)
    assert law.decay == pytest.approx(-known.slope)
    assert law.decay_se == pytest.approx(known.stderr)
    assert law.amplitude == pytest.approx(np.exp(known.intercept))
    assert law.amplitude_se == pytest.approx(np.exp(known.intercept) * known.intercept_stderr)
    left_out = cross_val_predict(LinearRegression(), x[:, None], y, cv=LeaveOneOut())
    assert law.held_out == pytest.approx(np.mean((y - left_out) ** 2))


def test_each_law_is_found_in_its_own_curve() -> None:
    x = np.arange(1, 13)
    wobble = 1 + 0.01 * np.cos(7.0 * x)
    exponential = fit_laws(x, 0.2 * np.exp(-0.5 * x) * wobble, 1e-12)
    power = fit_laws(x, 0.2 * x**-1.5 * wobble, 1e-12)
    assert exponential.exponential is not None
    assert exponential.power is not None
    assert power.exponential is not None
    assert power.power is not None
    assert exponential.exponential.decay == pytest.approx(0.5, abs=4 * exponential.exponential.decay_se)
    assert power.power.decay == pytest.approx(1.5, abs=4 * power.power.decay_se)
    assert exponential.exponential.aic < exponential.power.aic
    assert power.power.aic < power.exponential.aic
    assert power.power.held_out < power.exponential.held_out


def test_what_is_not_above_the_rate_is_left_out() -> None:
    found = fit_laws(np.arange(1, 6), np.array([0.1, 0.01, 1e-13, 1e-3, -1e-3]), 1e-12)
    assert found.points == 3
    assert fit_laws(np.arange(1, 4), np.array([0.1, 0.01, 0.0]), 1e-12).exponential is None


def test_two_lengths_leave_the_laws_undefined_and_warn() -> None:
    run, analysis = invented_run(context=6), _learning(shortest=5)
    assert [problem.code for problem in analysis.problems(surroundings(run))] == ["W0984"]
    results = analysis.compute(inputs_of("x", run)).results
    assert results["theory"]["power"]["exponent"] is None
    assert results["theory"]["aic_difference"] is None
    assert results["theory"]["lengths"] == 2


@pytest.mark.parametrize("options", [{"longest": 7}, {"shortest": 7}, {"shortest": 4, "longest": 3}])
def test_lengths_that_the_network_does_not_read_are_a_mistake(options: dict[str, int]) -> None:
    assert [one.code for one in _learning(**options).problems(surroundings(invented_run(context=6)))] == ["E0586"]


def test_another_process_needs_the_same_tokens() -> None:
    around = surroundings(invented_run(), {"other": mess3(), "same": rrxor()})
    assert [problem.code for problem in _learning(on="other").problems(around)] == ["E0820"]
    assert _learning(on="same").problems(around) == []
