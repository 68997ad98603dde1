"""By how much claims hold, and how far other seeds would move that: on results that are given."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from functools import cache
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmmdsl.language.claims.margins import MOST_GROUPS
from hmmdsl.language.claims.measured import SweepResults
from hmmdsl.language.claims.resolution import judge
from hmmdsl.language.compiled import Compiled
from hmmdsl.schema.confidence import interval
from hmmdsl.schema.experiment import Margin, Verdict
from tests.language.record_specs import compiled

HEAD = """
import std.processes (rrxor)
param wanted = true
model net: transformer { layers = 2, d_model = 16, context = 3 }
train fit { process = rrxor(), model = net, steps = 3 }
train judge { process = rrxor(), model = net, steps = 3 }
train later { process = rrxor(), model = net, steps = 3, start_from = judge }
analysis beliefs: regression { of = fit, at = [blocks] }
sweep it { net.d_model = [4, 8], fit.seed = 0..4 }
sweep shorter { net.d_model = [4, 8], fit.seed = 0..4, fit.steps = [1] }
sweep apart { judge.seed = 0..3 }
sweep single { net.d_model = [4, 8] }
"""

LOSSES = ((0.51, 0.52, 0.53, 0.56), (0.41, 0.49, 0.44, 0.42))
"""By width, then seed."""


def point(loss: float) -> Any:
    train = {"loss": loss, "gap": loss / 10, "optimum": 0.4, "parameters": 100}
    return {
        "fit": train,
        "judge": train,
        "later": train,
        "beliefs": {"block": [{"r2": loss, "mse": 0.2}, {"r2": 0.9, "mse": loss}]},
    }


@cache
def resolved(*claims: str) -> Compiled:
    return compiled(HEAD + "".join(f"expect {claim}\n" for claim in claims))


def verdicts(*claims: str, losses: Sequence[Sequence[float]] = LOSSES) -> list[Verdict]:
    spec = resolved(*claims)
    points = [point(loss) for by_seed in losses for loss in by_seed]
    results = {
        "it": SweepResults(spec.sweeps["it"].axes, points),
        "shorter": SweepResults(spec.sweeps["shorter"].axes, points),
        "apart": SweepResults(spec.sweeps["apart"].axes, [point(loss) for loss in (0.3, 0.4, 0.6)]),
        "single": SweepResults(spec.sweeps["single"].axes, [point(0.5), point(0.4)]),
        **point(0.6),
    }
    return [judge(claim, results) for claim in spec.claims]


def verdict(claim: str, losses: Sequence[Sequence[float]] = LOSSES) -> Verdict:
    return verdicts(claim, losses=losses)[0]


def margin(claim: str, losses: Sequence[Sequence[float]] = LOSSES) -> Margin:
    found = verdict(claim, losses).margin
    assert found is not None
    return found


DISTANCES = [
    ("fit.loss < 0.7", 0.1),
    ("fit.loss > 0.7", -0.1),
    ("fit.loss <= 0.6", 0.0),
    ("0.5 < fit.loss < 0.9", 0.1),
    ("fit.loss ~= 0.5 ± 0.3", 0.2),
    ("fit.loss ~= 0.9 ± 0.1", -0.2),
    ("fit.loss == 0.6", 0.0),
    ("fit.loss == 0.5", -0.1),
    ("fit.loss != 0.5", 0.1),
    ("not fit.loss < 0.7", -0.1),
    ("fit.loss < 0.7 and fit.gap < 0.1", 0.04),
    ("fit.loss < 0.5 or fit.gap < 0.1", 0.04),
    ("all(beliefs.block[..].r2 > 0.5)", 0.1),
    ("any(beliefs.block[..].r2 > 0.5)", 0.4),
    ("increasing(beliefs.block[..].r2)", 0.3),
    ("decreasing(beliefs.block[..].r2)", -0.3),
    ("if fit.loss < 1 then fit.gap < 0.1 else fit.loss < 9", 0.04),
    ("wanted and fit.loss < 0.7", 0.1),
    ("fit.parameters == 100 and fit.loss < 0.7", 0.1),
    ("fit.parameters == 101 and fit.loss < 0.7", -1),
    ("fit.parameters == 101 or fit.loss < 0.7", 0.1),
    ("all(single.fit.loss < 0.6)", 0.1),
    ("decreasing(single.fit.loss along net.d_model)", 0.1),
]


def test_a_margin_is_the_distance_to_the_bound_of_what_decides() -> None:
    for (claim, value), found in zip(DISTANCES, verdicts(*(claim for claim, _ in DISTANCES)), strict=True):
        assert found.margin is not None, claim
        assert found.margin.value == pytest.approx(value, abs=1e-15), claim
        assert found.holds == (found.margin.value > 0 or claim in ("fit.loss <= 0.6", "fit.loss == 0.6")), claim


def test_a_single_run_tells_no_spread_and_theory_has_none() -> None:
    single, theory, truth = margin("fit.loss < 0.7"), margin("fit.optimum < fit.parameters"), margin("wanted or fit.loss < 0.7")
    assert (single.spread, single.source, single.fragile) == (None, "", None)
    assert (theory.spread, theory.source, theory.fragile) == (0.0, "theory", False)
    assert (truth.value, truth.fragile) == (None, None)
    undefined = verdict("log(fit.loss - 1) < 2")
    assert undefined.margin is None
    assert not undefined.holds


@given(st.lists(st.floats(0.125, 8), min_size=4, max_size=4))
@settings(deadline=None)
def test_the_spread_of_a_mean_over_seeds_is_its_standard_error(losses: list[float]) -> None:
    bound = 1.5
    found = margin(f"mean(it.fit.loss at (net.d_model = 8)) < {bound}", [LOSSES[0], losses])
    assert found.source == "seeds"
    assert found.spread == pytest.approx(statistics.stdev(losses) / 2, rel=1e-9, abs=1e-12)
    assert found.value == pytest.approx(bound - statistics.fmean(losses), rel=1e-9, abs=1e-9)


def test_a_bound_a_tenth_of_a_spread_below_the_mean_is_fragile_whether_it_holds_or_not() -> None:
    error = statistics.stdev(LOSSES[1]) / 2
    mean = statistics.fmean(LOSSES[1])
    for away in (-3.1, -2.9, -0.1, 0.1, 2.9, 3.1):
        found = verdict(f"mean(it.fit.loss at (net.d_model = 8)) > {mean - away * error!r}")
        assert found.margin is not None
        assert found.holds == (away > 0)
        assert found.margin.spreads == pytest.approx(away, rel=1e-6)
        assert found.margin.fragile == (abs(away) < 3)


def test_the_spread_of_other_reductions_leaves_each_half_of_the_seeds_out() -> None:
    for claim, reduce in (("min(it.fit.loss)", min), ("median(it.fit.loss at (net.d_model = 8))", statistics.median)):
        halves = [reduce(pair) for pair in combinations(LOSSES[1], 2)]  # two of four seeds are as many left as left out
        assert margin(f"{claim} > 0.4").spread == pytest.approx(statistics.pstdev(halves))
    near = margin("all(it.fit.loss at (net.d_model = 8) > 0.4)", (LOSSES[0], (0.5, 0.41, 0.41, 0.6)))
    assert near.spread is not None
    assert near.spread > 0.01  # that the least two agree is an accident: another seed may well be below
    total = margin("sum(it.fit.loss at (net.d_model = 8)) < 2")
    assert total.spread == pytest.approx(4 * statistics.stdev(LOSSES[1]) / 2)  # of all four, though two are read at a time
    assert margin("len(it.fit.loss) > 7").spread == 0
    falls = margin("decreasing(mean(it.fit.loss over fit.seed) along net.d_model)")
    assert falls.value == pytest.approx(0.09)
    assert falls.spread == pytest.approx(statistics.stdev(a - b for a, b in zip(*LOSSES, strict=True)) / 2)
    assert margin("lower(it.fit.loss at (net.d_model = 8) over fit.seed) > 0.3").source == "seeds"


def test_the_part_that_is_fewest_spreads_from_its_bound_decides() -> None:
    """The first part is nearer to its bound in its unit, and the second in spreads."""
    losses = ((0.5001, 0.5002, 0.5003, 0.5004), (0.2, 0.3, 0.5, 0.6))
    narrow = "mean(it.fit.loss at (net.d_model = 4)) < 0.51"
    wide = "mean(it.fit.loss at (net.d_model = 8)) < 0.5"
    for both in (f"{narrow} and {wide}", f"{wide} and {narrow}", f"all({narrow}, {wide})"):
        found = margin(both, losses)
        assert found.value == pytest.approx(0.1)
        assert found.fragile
    either = margin(f"{narrow} or {wide}", losses)
    assert either.value == pytest.approx(0.00975)
    assert either.fragile is False
    assert margin("all(mean(it.fit.loss over fit.seed) < 0.51)", losses).value == pytest.approx(0.51 - 0.4)
    assert margin("all(it.fit.loss < 0.61)", losses).value == pytest.approx(0.01)


def test_seeds_that_the_claim_does_not_repeat_tell_nothing() -> None:
    assert margin("mean(it.fit.loss) < fit.loss").source == ""
    assert margin("mean(it.fit.loss) < fit.parameters").source == "seeds"
    assert margin("mean(it.judge.loss) < 1").source == ""  # its own seed is always the same
    assert margin("mean(apart.judge.loss) < 1").source == "seeds"
    assert margin("mean(apart.later.loss) < 1").source == ""  # it starts from judge, and draws with a seed of its own
    assert margin("it.fit.loss at (net.d_model = 4, fit.seed = 1) < 1").source == ""
    assert margin("mean(single.fit.loss over net.d_model) < 1").source == ""


def test_sweeps_over_the_same_seeds_are_one_and_others_add_up() -> None:
    paired = margin("mean(it.fit.loss at (net.d_model = 4)) > mean(shorter.fit.loss at (net.d_model = 8))")
    assert paired.spread == pytest.approx(statistics.stdev(a - b for a, b in zip(*LOSSES, strict=True)) / 2)
    independent = margin("mean(it.fit.loss at (net.d_model = 4)) > mean(apart.judge.loss)")
    errors = statistics.stdev(LOSSES[0]) / 2, statistics.stdev((0.3, 0.4, 0.6)) / math.sqrt(3)
    assert independent.spread == pytest.approx(math.hypot(*errors))


def test_many_seeds_are_left_out_in_groups() -> None:
    count = MOST_GROUPS * 5 // 2
    spec = compiled(HEAD.replace("0..3 }", f"0..{count} }}") + "expect mean(apart.judge.loss) < 1\n")
    losses = [math.sin(k * k) for k in range(count)]
    results = {"apart": SweepResults(spec.sweeps["apart"].axes, [point(loss) for loss in losses])}
    found = judge(spec.claims[0], results).margin
    assert found is not None
    assert found.spread is not None
    assert found.spread == pytest.approx(statistics.stdev(losses) / math.sqrt(count), rel=0.5)


def test_what_was_compared_is_told_with_its_axes() -> None:
    found = verdict("increasing(mean(it.fit.loss over fit.seed) along net.d_model)")
    (term,) = found.judged
    assert (term.expression, [axis.name for axis in term.axes]) == ("mean(it.fit.loss over fit.seed)", ["net.d_model"])
    assert term.numbers == pytest.approx([statistics.fmean(losses) for losses in LOSSES])
    ends = [interval(losses) for losses in LOSSES]
    assert (term.lower, term.upper) == (tuple(one.lower for one in ends), tuple(one.upper for one in ends))


@pytest.mark.parametrize(
    ("claim", "terms"),
    [
        ("fit.loss < 0.7 + fit.gap", ["fit.loss", "fit.gap"]),
        ("abs(fit.loss - 0.5) <= 0.2", ["fit.loss"]),
        ("max(beliefs.block[..].r2) > 0.5", ["max(beliefs.block[..].r2)", "beliefs.block[..].r2"]),
        ("all(mean(it.fit.loss over fit.seed) < 1)", ["mean(it.fit.loss over fit.seed)"]),
        ("min(it.fit.loss at (net.d_model = 8)) > 0.1", ["min(it.fit.loss at (net.d_model = 8))"]),
        ("max(sd(it.fit.loss over fit.seed)) < 1", ["max(sd(it.fit.loss over fit.seed))", "sd(it.fit.loss over fit.seed)"]),
        ("if wanted then fit.gap < 1 else fit.loss < 1", ["fit.gap"]),
        ("log(fit.loss - 1) < 2 or fit.gap < 1", ["fit.loss", "fit.gap"]),
    ],
)
def test_the_terms_of_a_claim_are_its_results_and_reductions(claim: str, terms: list[str]) -> None:
    assert [term.expression for term in verdict(claim).judged] == terms


def test_an_end_of_an_interval_stands_with_the_other() -> None:
    (term,) = verdict("upper(it.fit.loss at (net.d_model = 8) over fit.seed) < 1").judged
    whole = interval(LOSSES[1])
    assert (term.numbers, term.lower, term.upper) == ((whole.upper,), (whole.lower,), (whole.upper,))


def test_a_measured_number_that_must_equal_another_is_warned_of() -> None:
    exact = ("fit.loss == 0.5", "fit.loss != 0.5", "0 < fit.loss == 0.3 < 2", "mean(it.fit.loss) == mean(shorter.fit.loss)")
    fine = ("fit.parameters == 100", "0.2 < fit.loss < 0.3", "len(it.fit.loss) == 6", "fit.optimum == max(shorter.fit.optimum)")
    fine += ("count(it.fit.loss < 1) == 6", "count(it.fit.loss < 1) + 1 != 2 * count(fit.loss < 1, fit.gap < 1)")
    for claims, count in ((exact, len(exact)), (fine, 0)):
        assert [each.code for each in resolved(*claims).diagnostics].count("W0955") == count


def test_what_is_drawn_is_no_theory() -> None:
    drawn = HEAD.replace("train judge {", "train judge { histories = sampled { words = 9 },")
    claims = ("fit.optimum < 1", "judge.optimum < 1", "max(apart.fit.optimum) < 1", "max(apart.judge.optimum) < 1")
    drawn += "".join(f"expect {claim}\n" for claim in claims)
    found = [claim.theory for claim in compiled(drawn).claims]
    assert found == [{"fit.optimum"}, set(), {"apart.fit.optimum"}, set()]


def test_a_margin_is_read_back() -> None:
    found = margin("mean(apart.judge.loss) < 0.5")
    assert found.fragile is True
    assert Margin.model_validate(found.model_dump(mode="json")) == found
    with pytest.raises(ValueError, match="Extra inputs"):
        Margin.model_validate({"value": 1.0, "of": 2})
