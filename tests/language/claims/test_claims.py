"""Claims: resolved against the results there will be, judged on those there are."""

from __future__ import annotations

import math
import sys
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmmdsl.language.claims.judging import ResolvedClaim
from hmmdsl.language.claims.resolution import judge, resolve_claim
from hmmdsl.language.diagnostics import Diagnostic, Diagnostics
from hmmdsl.language.parser import parse_expression
from hmmdsl.language.source import Source
from hmmdsl.language.values.value import Array, Value
from hmmdsl.schema.experiment import Verdict
from hmmdsl.schema.results import TRAIN_RESULTS, Group, Quantity, Series

R2 = Group({"r2": Quantity("1", "share of variance"), "mse": Quantity("1", "mean squared error")})
POINT = Group({**R2.members, "position": Series(R2, 10), "held_out": R2})
SCHEMA = Group(
    {
        "fit": TRAIN_RESULTS,
        "beliefs": Group({"block": Series(POINT, 4), "final_norm": POINT, "concat": POINT}),
        "unseen": Group({"block": Series(R2, 3)}),
        "steps": Series(R2, None),
        "parts": Group({"factor": Group({"left": R2, "right": R2, "other": R2})}),
    }
)
PARAMS: dict[str, Value] = {
    "eps": Fraction(1, 50),
    "last": Fraction(3),
    "strict": True,
    "name": "text",
    "limits": Array((Fraction(1, 2), Fraction(3, 4))),
}


def point(r2: float | None, mse: float = 0.1) -> dict[str, Any]:
    score = {"r2": r2, "mse": mse}
    return {**score, "position": [score] * 10, "held_out": score}


RESULTS: dict[str, Any] = {
    "fit": {"loss": 0.578, "optimum": 0.5779, "gap": 1e-4, "parameters": 1000},
    "beliefs": {"block": [point(0.1), point(0.4), point(0.3), point(0.75)], "final_norm": point(None), "concat": point(0.9)},
    "unseen": {"block": [{"r2": 0.1, "mse": 0.3}, {"r2": 0.2, "mse": 0.2}, {"r2": 0.3, "mse": 0.1}]},
    "steps": [{"r2": 0.0, "mse": 1.0}, {"r2": 0.5, "mse": 0.5}],
    "parts": {"factor": {"left": {"r2": 0.2, "mse": 0.3}, "right": {"r2": 0.6, "mse": 0.2}, "other": {"r2": 0.9, "mse": 0.1}}},
}


def resolve(text: str) -> tuple[ResolvedClaim | None, list[Diagnostic]]:
    diagnostics = Diagnostics()
    expression = parse_expression(Source("claim", text), diagnostics)
    assert expression is not None, diagnostics.found
    return resolve_claim(expression, SCHEMA, PARAMS, diagnostics, "a label"), diagnostics.found


def verdict(text: str, results: dict[str, Any] | None = None) -> Verdict:
    claim, found = resolve(text)
    assert claim is not None, [f"{d.code}: {d.message}" for d in found]
    return judge(claim, RESULTS if results is None else results)


@pytest.mark.parametrize(
    "text",
    [
        "fit.gap < 1e-3",
        "fit.gap <= 0.0001",
        "1e-5 < fit.gap < 1e-3",
        "beliefs.concat.r2 ~= 0.9 ± 0.05",
        "beliefs.concat.r2 > max(beliefs.block[..].r2) + 0.1",
        "max(beliefs.block[..].r2) == beliefs.block[last].r2",
        "min(beliefs.block[..].r2) == beliefs.block[0].r2",
        "mean(unseen.block[..].r2) ~= 0.2 ± 1e-12",
        "sum(unseen.block[..].mse) > 0.5",
        "increasing(unseen.block[..].r2)",
        "decreasing(unseen.block[..].mse)",
        "not increasing(beliefs.block[..].r2)",
        "all(beliefs.block[..].r2 > eps)",
        "any(beliefs.block[..].r2 > 0.5) and not all(beliefs.block[..].r2 > 0.5)",
        "count(beliefs.block[..].r2 > 0.25) == 3 and count(fit.gap < 1, fit.gap > 1, strict) == 2",
        "count(beliefs.block[..].r2 > 0.5, unseen.block[..].r2 > 0.15) == 3",
        "min(parts.factor[..].r2) == 0.2 and count(parts.factor[..].r2 > 0.5) == len(parts.factor[..].mse) - 1",
        "increasing(parts.factor[..].r2)",
        "len(beliefs.block[..].r2) == 4",
        "len(steps[..].r2) == 2",
        "increasing(steps[..].r2)",
        "sqrt(beliefs.concat.mse) < 1/3",
        "exp(fit.loss) > 1 and log(fit.loss) < 0 and abs(-fit.loss) == fit.loss",
        "max(beliefs.block[0].r2, beliefs.block[1].r2, 0.2) == beliefs.block[1].r2",
        "beliefs.concat.r2 mod 1 == beliefs.concat.r2 and fit.parameters mod 2 == 0",
        "fit.loss - fit.optimum < 2 * fit.gap",
        "if strict then fit.gap < 1 else fit.gap < 0",
        "strict and fit.gap < 1",
        "max(limits) < beliefs.concat.r2",
        "all(beliefs.block[..].position[..].r2 < 0.8)",
        "all([fit.gap, fit.loss] < [1, 2])",
        "beliefs.concat.r2^2 < beliefs.concat.r2",
        "beliefs.block[last - 1].r2 == beliefs.block[2].r2",
    ],
)
def test_a_claim_that_holds(text: str) -> None:
    found = verdict(text)
    assert found.holds
    assert found.reason == ""
    assert found.label == "a label"


@pytest.mark.parametrize(
    ("text", "margin"),
    [
        ("fit.gap < 10^400", sys.float_info.max),
        ("fit.gap ~= 1 ± float(1/10)", -0.8999),
        ("fit.gap < sin(1) * pi", math.sin(1) * math.pi - 1e-4),
        ("fit.gap < limits[1]", 0.7499),
        ("beliefs.concat.r2 > mean([eps, 0.5])", 0.64),
    ],
)
def test_the_constants_of_a_claim_are_those_of_the_language(text: str, margin: float) -> None:
    found = verdict(text)
    assert found.margin is not None
    assert found.margin.value == pytest.approx(margin)
    assert found.holds == (margin > 0)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("fit.gap < 1/0", "E0401"),
        ("strict and fit.gap < 1 + 2/(eps - eps)", "E0401"),
        ("fit.gap < sqrt(-1)", "E0402"),
        ("fit.gap < sd([1])", "E0402"),
        ("fit.gap ~= 0 ± log(0)", "E0402"),
        ("fit.gap < 2^100_000", "E0404"),
        ("fit.gap < exp(1000)", "E0412"),
        ("fit.gap < limits[2]", "E0409"),
        ("fit.gap ~= 1 ± foo(2)", "E0707"),
        ("len(linspace(0, fit.gap, 3)) < 1", "E0707"),
    ],
)
def test_a_claim_that_no_result_can_save_is_refused(text: str, code: str) -> None:
    claim, found = resolve(text)
    assert claim is None
    assert [each.code for each in found] == [code]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("beliefs.block[3].r2 ~= 0.95 ± 0.05", "beliefs.block[3].r2 is 0.75, and 0.95 ± 0.05 allows 0.9 to 1"),
        ("fit.gap < 1e-5", "fit.gap is 10⁻⁴, not below 10⁻⁵"),
        ("1e-3 < fit.gap < 1", "fit.gap is 10⁻⁴, and 0.001 is not below it"),
        (
            "beliefs.concat.r2 > max(beliefs.block[..].r2) + 0.2",
            "beliefs.concat.r2 is 0.9, not above max(beliefs.block[..].r2) + 0.2 = 0.95",
        ),
        ("increasing(beliefs.block[..].r2)", "beliefs.block[..].r2 goes from 0.4 to 0.3 between elements 1 and 2"),
        ("all(beliefs.block[..].r2 > 0.2)", "beliefs.block[..].r2 > 0.2 is false of element 0"),
        ("any(beliefs.block[..].r2 > 0.8)", "beliefs.block[..].r2 > 0.8 is true of no element"),
        ("fit.gap < 1 and fit.gap < 1e-5", "fit.gap is 10⁻⁴, not below 10⁻⁵"),
        ("fit.gap > 1 or fit.loss > 1", "fit.gap is 10⁻⁴, not above 1; and fit.loss is 0.578, not above 1"),
        ("not fit.gap < 1", "fit.gap < 1 holds"),
        ("beliefs.final_norm.r2 > 0.9", "`beliefs.final_norm.r2` is undefined"),
        ("not beliefs.final_norm.r2 > 0.9", "`beliefs.final_norm.r2` is undefined"),
        ("fit.gap / (fit.loss - fit.loss) > 0", "10⁻⁴ / 0 divides by zero"),
        ("log(0 - fit.gap) < 0", "log(−10⁻⁴) is undefined"),
        ("(0 - fit.gap)^0.5 < 1", "−10⁻⁴ to the power 0.5 is not a real number"),
    ],
)
def test_a_claim_that_fails_says_why(text: str, reason: str) -> None:
    found = verdict(text)
    assert not found.holds
    assert found.reason == reason


def test_numbers_that_round_to_the_same_are_told_apart() -> None:
    results = {"fit": {**RESULTS["fit"], "gap": 0.1000000001}}
    assert verdict("fit.gap < 0.1", results).reason == "fit.gap is 0.1000000001, not below 0.1"


def test_a_nan_fails_a_claim_and_its_negation() -> None:
    results = {"fit": {**RESULTS["fit"], "gap": math.nan}}
    assert not verdict("fit.gap < 1", results).holds
    assert not verdict("not fit.gap < 1", results).holds
    assert verdict("fit.gap < 1", results).measured == {"fit.gap": None}


def test_what_was_measured_is_told_by_path() -> None:
    found = verdict("beliefs.concat.r2 > max(unseen.block[..].r2)")
    assert found.measured == {"beliefs.concat.r2": 0.9, "unseen.block[..].r2": (0.1, 0.2, 0.3)}


def test_a_result_that_is_missing_fails_its_claim() -> None:
    assert verdict("fit.gap < 1", {}).reason == "`fit.gap` is not among the results"


def test_lists_of_unknown_length_must_fit_when_they_are_read() -> None:
    found = verdict("all(steps[..].r2 <= unseen.block[..].r2)")
    assert not found.holds
    assert found.reason == "lists of 2 and 3 results do not go together"


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        ("fitt.gap < 1", "E0701", "fitt"),
        ("fit.gapp < 1", "E0701", "gapp"),
        ("beliefs.ln_final.r2 > 0", "E0701", "ln_final"),
        ("beliefs.concat.r3 > 0", "E0701", "r3"),
        ("beliefs.concat > 0", "E0702", "beliefs.concat"),
        ("fit < 1", "E0702", "fit"),
        ("steps[0] < 1", "E0702", "steps[0]"),
        ("beliefs.block[..] < 1", "E0702", "beliefs.block[..]"),
        ("beliefs.block[4].r2 < 1", "E0703", "[4]"),
        ("beliefs.block[-1].r2 < 1", "E0703", "[-1]"),
        ("beliefs.block[0.5].r2 < 1", "E0703", "0.5"),
        ("beliefs.block[fit.gap].r2 < 1", "E0703", "fit.gap"),
        ("beliefs.block[0, 1].r2 < 1", "E0703", "[0, 1]"),
        ("beliefs.block.r2 < 1", "E0704", "r2"),
        ("beliefs[0].r2 < 1", "E0704", "[0]"),
        ("fit.gap[0] < 1", "E0704", "[0]"),
        ("fit.gap.mean < 1", "E0704", "mean"),
        ("fit.gap", "E0705", "fit.gap"),
        ("beliefs.block[..].r2", "E0705", "beliefs.block[..].r2"),
        ("beliefs.block[..].r2 > 0", "E0706", "beliefs.block[..].r2 > 0"),
        ("if beliefs.block[..].r2 > 0 then strict else strict", "E0706", "beliefs.block[..].r2 > 0"),
        ("maximum(beliefs.block[..].r2) > 0", "E0707", "maximum"),
        ("a.b(beliefs.block[..].r2) > 0", "E0707", "a.b"),
        ("max(fit.gap) > 0", "E0708", "max(fit.gap)"),
        ("max() > 0", "E0708", "max()"),
        ("sqrt(fit.gap, 2) > 0", "E0708", "sqrt(fit.gap, 2)"),
        ("increasing(beliefs.block[..].r2, 1)", "E0708", "increasing(beliefs.block[..].r2, 1)"),
        ("increasing(beliefs.block[..].position[..].r2)", "E0708", "increasing(beliefs.block[..].position[..].r2)"),
        ("max(values = beliefs.block[..].r2) > 0", "E0708", "values = beliefs.block[..].r2"),
        ("mean(fit.gap over seed) > 0", "E0709", "fit.gap over seed"),
        ("increasing(fit.gap along net.d_model)", "E0709", "fit.gap along net.d_model"),
        ("fit.gap at (seed = 0) > 0", "E0709", "fit.gap at (seed = 0)"),
        ("fit.gap + strict > 0", "E0710", "strict"),
        ("fit.gap and strict", "E0710", "fit.gap"),
        ("all(beliefs.block[..].r2)", "E0710", "beliefs.block[..].r2"),
        ("fit.gap ~= 1 ± -eps", "E0712", "-eps"),
        ('fit.gap < "1"', "E0713", '"1"'),
        ("fit.gap < name", "E0713", "name"),
        ("fit.gap < 1i", "E0713", "1i"),
        ("fit.gap < (1, 2)", "E0713", "(1, 2)"),
        ("all(beliefs.block[..].r2 < unseen.block[..].r2)", "E0715", "beliefs.block[..].r2 < unseen.block[..].r2"),
        ("1 < 2", "W0950", "1 < 2"),
    ],
)
def test_a_wrong_claim_is_told_at_its_place(text: str, code: str, place: str) -> None:
    _, found = resolve(text)
    assert [d.code for d in found] == [code], [d.message for d in found]
    assert found[0].span is not None
    assert found[0].span.text == place
    assert found[0].help


def test_one_mistake_in_a_claim_does_not_hide_another() -> None:
    _, found = resolve("fitt.gap < 1 and beliefs.block[9].r2 > maximum(fit.loss)")
    assert [d.code for d in found] == ["E0701", "E0703", "E0707"]


def test_other_words_for_points_lead_to_ours() -> None:
    _, found = resolve("beliefs.resid_post[0].r2 > 0")
    assert "block[0]" in found[0].help
    _, found = resolve("unseen.ln_final.r2 > 0")
    assert "final_norm" in found[0].help


finite = st.floats(0.0, 1.0)


@given(finite, st.fractions(0, 1), st.fractions(0, 1))
def test_a_tolerance_is_exact(measured: float, target: Fraction, tolerance: Fraction) -> None:
    claim, _ = resolve(f"fit.gap ~= {target} ± {tolerance}")
    assert claim is not None
    holds = judge(claim, {"fit": {"gap": measured}}).holds
    assert holds == (abs(Fraction(repr(measured)) - target) <= tolerance)


@given(finite, finite)
def test_comparisons_agree_with_their_negations(a: float, b: float) -> None:
    results = {"fit": {"gap": a, "loss": b}}
    for operator, opposite in (("<", ">="), (">", "<="), ("==", "!=")):
        assert verdict(f"fit.gap {operator} fit.loss", results).holds != verdict(f"fit.gap {opposite} fit.loss", results).holds


@given(st.lists(finite, min_size=3, max_size=3))
def test_reducers_agree_with_python(values: list[float]) -> None:
    results = {"unseen": {"block": [{"r2": v, "mse": v} for v in values]}}
    assert verdict(f"max(unseen.block[..].r2) == {Fraction(repr(max(values)))}", results).holds
    assert verdict(f"sum(unseen.block[..].r2) == {sum(Fraction(repr(v)) for v in values)}", results).holds
    assert verdict("increasing(unseen.block[..].r2)", results).holds == (values[0] < values[1] < values[2])
