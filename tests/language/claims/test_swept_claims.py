"""Claims over the axes of a sweep, judged on results that are given."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmmdsl.language.claims.measured import SweepResults
from hmmdsl.language.claims.resolution import judge
from hmmdsl.schema.experiment import Verdict
from tests.language.record_specs import compiled, messages, only

HEAD = """
import std.processes (rrxor, mess3)
model net: transformer { layers = 2, d_model = 16, context = 3 }
train fit { process = rrxor(), model = net, steps = 3 }
analysis beliefs: regression { of = fit, at = [blocks], controls = [held_out] }
sweep it { net.d_model = [4, 8, 16], fit.seed = 0..2 }
train judge { process = rrxor(), model = net, steps = 3 }
sweep twice { fit.seed = 0..2, judge.seed = 0..2 }
sweep other { zip(fit.process = [mess3(0.05), rrxor()], fit.steps = [10, 10]) }
"""

LOSSES = (0.9, 0.8, 0.7, 0.75, 0.5, 0.4)
"""By width, then seed."""


def verdict(claim: str, losses: Sequence[float | str | None] = LOSSES, other: Sequence[float] = (1.0, 2.0)) -> Verdict:
    spec = compiled(f"{HEAD}expect {claim}\n")

    def point(loss: float | str | None) -> Any:
        return loss if isinstance(loss, str) else {"fit": {"loss": loss}, "beliefs": {"block": [{"r2": loss}, {"r2": 0.1}]}}

    results = {
        "it": SweepResults(spec.sweeps["it"].axes, [point(loss) for loss in losses]),
        "other": SweepResults(spec.sweeps["other"].axes, [point(loss) for loss in other]),
        "fit": {"loss": 0.6},
    }
    (claimed,) = spec.claims
    return judge(claimed, results)


@pytest.mark.parametrize(
    "claim",
    [
        "all(it.fit.loss < 1)",
        "any(it.fit.loss < 0.45)",
        "decreasing(mean(it.fit.loss over fit.seed) along net.d_model)",
        "not increasing(mean(it.fit.loss over fit.seed) along net.d_model)",
        "mean(it.fit.loss over fit.seed, net.d_model) ~= 0.675 ± 0.0001",
        "mean(it.fit.loss over (net.d_model, fit.seed)) == mean(it.fit.loss)",
        "it.fit.loss at (net.d_model = 8, fit.seed = 1) == 0.75",
        "max(it.fit.loss at (net.d_model = 8)) == 0.75",
        "median(it.fit.loss at (fit.seed = 0)) == 0.7",
        "all(sd(it.fit.loss over fit.seed) < 0.08)",
        "sum(it.fit.loss over net.d_model, fit.seed) == 4.05",
        "min(max(it.fit.loss over net.d_model)) == 0.8",
        "all(it.fit.loss - fit.loss < 0.31)",
        "all(it.fit.loss > it.fit.loss at (net.d_model = 16) - 0.001)",
        "all(max(it.fit.loss over fit.seed) >= it.fit.loss)",
        "all(it.beliefs.block[..].r2 > 0)",
        "all(mean(it.beliefs.block[1].r2 over fit.seed) == 0.1)",
        "all(any(it.fit.loss > 0.75 over net.d_model))",
        "other.fit.loss at (fit.process = mess3(0.05)) == 1",
        "max(other.fit.loss) > max(it.fit.loss)",
        "len(it.fit.loss) == 6",
    ],
)
def test_a_true_claim_over_a_sweep_holds(claim: str) -> None:
    found = verdict(claim)
    assert found.holds, found.reason


@pytest.mark.parametrize(
    ("claim", "reason"),
    [
        ("increasing(mean(it.fit.loss over fit.seed) along net.d_model)", "from 0.85 to 0.725 between net.d_model = 4 and"),
        ("all(it.fit.loss < 0.85)", "false where net.d_model = 4, fit.seed = 0"),
        ("any(it.fit.loss < 0.1)", "is true nowhere"),
        ("it.fit.loss at (net.d_model = 16, fit.seed = 0) < 0.5", "is 0.5, not below 0.5"),
        ("upper(other.fit.loss over fit.process) < 7", "upper(other.fit.loss over fit.process) is 7.853, not below 7"),
    ],
)  # fmt: skip
def test_a_false_claim_over_a_sweep_says_where(claim: str, reason: str) -> None:
    found = verdict(claim)
    assert not found.holds
    assert reason in found.reason


def test_a_failed_point_fails_the_claims_that_need_it_and_no_others() -> None:
    losses = (0.9, "the loss of fit is not finite at step 3", 0.7, 0.75, 0.5, None)
    failed = verdict("all(it.fit.loss < 1)", losses)
    assert not failed.holds
    assert (
        failed.reason == "`it.fit.loss` has no value where net.d_model = 4, fit.seed = 1: the loss of fit is not finite at step 3"
    )
    assert failed.measured["it.fit.loss"] == (0.9, None, 0.7, 0.75, 0.5, None)
    undefined = verdict("all(it.fit.loss at (net.d_model = 16) < 1)", losses)
    assert not undefined.holds
    assert "undefined where net.d_model = 16, fit.seed = 1" in undefined.reason
    assert verdict("all(it.fit.loss at (net.d_model = 8) < 1)", losses).holds
    assert verdict("all(it.fit.loss at (fit.seed = 0) < 1)", losses).holds


@given(st.lists(st.floats(-1e3, 1e3).map(lambda x: round(x, 3)), min_size=6, max_size=6))
@settings(max_examples=5, deadline=None)
def test_reductions_are_those_of_the_statistics_module(losses: list[float]) -> None:
    rows = [losses[0:2], losses[2:4], losses[4:6]]
    for function, ours in ((statistics.fmean, "mean"), (statistics.median, "median"), (max, "max"), (statistics.stdev, "sd")):
        expected = [function(row) for row in rows]
        for k, width in enumerate((4, 8, 16)):
            claim = f"{ours}(it.fit.loss at (net.d_model = {width}) over fit.seed) ~= {expected[k]:.9f} ± 1e-6"
            assert verdict(claim, losses).holds


@given(st.lists(st.floats(-1e3, 1e3).map(lambda x: round(x, 3)), min_size=6, max_size=6))
@settings(max_examples=5, deadline=None)
def test_the_ends_of_an_interval_are_student_s(losses: list[float]) -> None:
    for k, width in enumerate((4, 8, 16)):
        pair = losses[2 * k : 2 * k + 2]
        half = 12.7062047362 * statistics.stdev(pair) / 2**0.5  # t with one degree of freedom at 0.975
        for end, value in (("lower", statistics.fmean(pair) - half), ("upper", statistics.fmean(pair) + half)):
            assert verdict(f"{end}(it.fit.loss at (net.d_model = {width}) over fit.seed) ~= {value:.9f} ± 1e-5", losses).holds


def test_a_difference_of_two_results_is_paired_by_its_seeds() -> None:
    # Losses scatter by 0.1 from seed to seed, and what they exceed the other by does not scatter at all.
    losses = (0.5, 0.9, 0.6, 1.0, 0.7, 1.1)
    difference = "it.fit.loss - (it.fit.loss at (net.d_model = 4))"
    assert verdict(f"all(lower({difference} over fit.seed) >= -1e-9)", losses).holds
    assert verdict(f"max(upper({difference} over fit.seed)) ~= 0.2 ± 1e-9", losses).holds
    assert not verdict("lower(it.fit.loss at (net.d_model = 16) over fit.seed) > 0", losses).holds


def test_an_interval_of_one_run_is_undefined_and_fails_its_claim() -> None:
    spec = compiled(HEAD.replace("fit.seed = 0..2", "fit.seed = [0]") + "expect all(lower(it.fit.loss over fit.seed) < 1)\n")
    points = [{"fit": {"loss": 0.5}}] * 3
    (claim,) = spec.claims
    found = judge(claim, {"it": SweepResults(spec.sweeps["it"].axes, points)})
    assert not found.holds
    assert found.reason == "the confidence interval of fewer than two runs is undefined"


@pytest.mark.parametrize(
    ("claim", "code"),
    [
        ("it.fit.loss < 1", "E0720"),
        ("mean(it.fit.loss over fit.seed) < 1", "E0720"),
        ("if any(it.fit.loss < 1 over fit.seed) then true else false", "E0720"),
        ("max([it.fit.loss, 1]) < 1", "E0720"),
        ("mean(it.fit.loss over fit.sead, net.d_model) < 1", "E0721"),
        ("mean(mean(it.fit.loss over fit.seed) over fit.seed) < 1", "E0721"),
        ("it.fit.loss at (net.d_model = 5, fit.seed = 0) < 1", "E0722"),
        ("other.fit.loss at (fit.process = mess3(0.06)) < 1", "E0722"),
        ("all(increasing(it.fit.loss over net.d_model))", "E0723"),
        ("all(mean(it.fit.loss along net.d_model) < 1)", "E0723"),
        ("increasing(it.fit.loss)", "E0723"),
        ("all(sqrt(it.fit.loss over fit.seed) < 1)", "E0723"),
        ("all(lower(it.fit.loss over net.d_model) < 1)", "E0544"),
        ("lower(it.fit.loss over fit.seed, net.d_model) < 1", "E0544"),
        ("lower(it.fit.loss) < 1", "E0544"),
        ("lower(twice.fit.loss over fit.seed, judge.seed) < 1", "E0544"),
        ("lower(it.fit.loss at (net.d_model = 4)) < 1", "E0544"),
        ("upper(0.1, 0.2) < 1", "E0544"),
        ("upper() < 1", "E0544"),
        ("all(lower(it.fit.loss along fit.seed) < 1)", "E0723"),
        ("lower(fit.loss over fit.seed) < 1", "E0709"),
        ("other.fit.loss at (fit.steps = 10) < 1", "E0725"),
        ("all(it.fit.loss at () < 1)", "E0725"),
        ("all(it.fit.loss < other.fit.loss)", "E0726"),
        ("mean(fit.loss over fit.seed) < 1", "E0709"),
        ("all(it.fit.los < 1)", "E0701"),
        ("all(it.beliefs.block[2].r2 < 1)", "E0703"),
        ("all(it.nothing.r2 < 1)", "E0701"),
    ],
)
def test_names_and_axes_are_resolved_before_anything_runs(claim: str, code: str) -> None:
    assert code in {found.code for found in messages(f"{HEAD}expect {claim}\n")}


def test_the_nearest_value_of_an_axis_is_told() -> None:
    found = only(f"{HEAD}expect it.fit.loss at (net.d_model = 9, fit.seed = 0) < 1\n")
    assert found.help.startswith("the nearest is 8")


def test_a_result_that_only_some_points_have_is_no_result_of_the_sweep() -> None:
    text = HEAD.replace("net.d_model = [4, 8, 16]", "beliefs.at = [[blocks], [concat]]").replace("[..]", "[0]")
    assert only(f"{text}expect all(it.beliefs.concat.r2 > 0)\n").code == "E0701"


def test_a_series_of_different_lengths_is_known_only_after_the_run() -> None:
    text = HEAD.replace("net.d_model = [4, 8, 16]", "net.layers = [1, 2]")
    assert messages(f"{text}expect all(it.beliefs.block[1].r2 at (net.layers = 2) > 0)\n") == []
