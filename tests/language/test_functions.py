"""The functions of the language work the same in params and in claims, and stand in one table."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from contextlib import nullcontext
from fractions import Fraction
from pathlib import Path

import pytest

from hmmdsl.analysis import kinds
from hmmdsl.cli.manual import kind_text
from hmmdsl.language.claims.resolution import judge, resolve_claim
from hmmdsl.language.diagnostics import Diagnostics, SpecError
from hmmdsl.language.elaborate import compile_text
from hmmdsl.language.parser import parse_expression
from hmmdsl.language.source import Source
from hmmdsl.language.values.failure import ConstantError
from hmmdsl.language.values.functions import FUNCTIONS, OF_CLAIMS
from hmmdsl.language.values.value import Array, Value
from hmmdsl.schema.results import TRAIN_RESULTS, Group
from tests.language.process_specs import value_of

ROOT = Path(__file__).parents[2]
HALF = Fraction(1, 2)
SCHEMA = Group({"fit": TRAIN_RESULTS})
PARAMS: dict[str, Value] = {"q": Array((HALF, Fraction(1, 3)))}
RESULTS = {"fit": {"loss": 0.5, "optimum": 0.25, "gap": 0.25, "parameters": 2}}


def holds(text: str) -> bool | list[str]:
    """Whether a claim holds, or the codes of what is wrong with it."""
    diagnostics = Diagnostics()
    expression = parse_expression(Source("claim", text), diagnostics)
    claim = resolve_claim(expression, SCHEMA, PARAMS, diagnostics) if expression is not None else None
    return judge(claim, RESULTS).holds if claim is not None else [error.code for error in diagnostics.errors]


def is_in_param(text: str) -> Value | str:
    """The value of a constant, or the code of its mistake."""
    try:
        return value_of(text)
    except ConstantError as error:
        return error.code


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("pi / pi", 1),
        ("sin(0)", 0),
        ("cos(0)", 1),
        ("tan(0)", 0),
        ("float(1/2)", HALF),
        ("median([1, 2, 4])", 2),
        ("median(1, 2, 4, 6)", 3),
        ("mean(1, 2)", Fraction(3, 2)),
        ("sd(1, 1)", 0),
        ("sum(1, 2)", 3),
        ("sum([1, 2, 3])", 6),
        ("max([[1, 2], [3, 4]])", 4),
        ("min([1, 2])", 1),
        ("count([1 < 2, 2 < 1, true])", 2),
        ("len([1, 2])", 2),
        ("abs(-1/2)", HALF),
        ("2^65 / 2^64", 2),
        ("-7 mod 3", 2),
        ("dot([1, 2], [3, 4])", 11),
    ],
)
def test_a_number_is_the_same_in_a_param_and_in_a_claim(text: str, value: Fraction) -> None:
    assert is_in_param(text) == value
    assert holds(f"{text} == {value}") is True
    assert holds(f"{text} != {value}") is False


@pytest.mark.parametrize(
    ("text", "truth"),
    [
        ("all([1 < 2, 2 < 1])", False),
        ("all(1 < 2, true)", True),
        ("any(1 < 2, 2 < 1)", True),
        ("any([])", False),
        ("increasing([1, 2, 2])", False),
        ("increasing([1, 2, 3])", True),
        ("decreasing([2, 1])", True),
    ],
)
def test_a_truth_is_the_same_in_a_param_and_in_a_claim(text: str, truth: bool) -> None:
    assert is_in_param(text) is truth
    assert holds(text) is truth


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("2^100_000", "E0404"),
        ("1 / 0", "E0401"),
        ("sqrt(-1)", "E0402"),
        ("min([])", "E0402"),
        ("sd([1])", "E0402"),
        ("exp(1000)", "E0412"),
        ("lower([1, 2])", "E0544"),
    ],
)
def test_what_has_no_value_is_refused_in_both(text: str, code: str) -> None:
    assert is_in_param(text) == code
    assert holds(f"fit.gap < {text}") == [code]


@pytest.mark.parametrize(
    "claim",
    [
        "sin(fit.gap) == sin(1/4)",
        "cos(fit.gap) < 1",
        "float(fit.gap) == 0.25",
        "fit.gap^2 == 1/16",
        "abs(fit.gap - fit.loss) == fit.optimum",
        "max(fit.gap, fit.loss) == 0.5",
        "sum(fit.gap, fit.loss) == 3/4",
        "0 < fit.gap^2_000 / fit.gap^2_000 or fit.gap^2_000 < 1e-300",
        "count(fit.gap < 1, fit.loss < 0.3) == 1",
        "fit.gap < q[0]",
    ],
)
def test_functions_of_results_are_those_of_constants(claim: str) -> None:
    assert holds(claim) is True


def test_a_function_that_is_too_long_a_fraction_of_results_is_a_float() -> None:
    """A param may not be so long; of results nothing else is to be had."""
    assert holds("(fit.gap + 1/3)^3_000 < 1e-300") is True
    assert is_in_param("(1/4 + 1/3)^3_000") == "E0404"


def test_the_docs_list_the_functions_of_the_table() -> None:
    rows = re.findall(r"^\| `(\w+\([^`]*\))` \| (.*) \|$", (ROOT / "docs" / "language.md").read_text(), re.MULTILINE)
    listed = [row for row in rows if row[0].partition("(")[0] in FUNCTIONS and row[1] == FUNCTIONS[row[0].partition("(")[0]].says]
    assert listed == [(function.usage, function.says) for function in FUNCTIONS.values()]


def test_names_of_functions_that_claims_alone_need_are_free() -> None:
    *most, last = (f"`{name}`" for name in sorted(OF_CLAIMS))
    page = (ROOT / "docs" / "language.md").read_text().replace("\n", " ")
    assert f"but for {', '.join(most)} and {last}, which" in page
    for name in FUNCTIONS:
        checked = nullcontext() if name in OF_CLAIMS else pytest.raises(SpecError, match="would hide a function")
        with checked:
            compile_text(f"param {name} = 2\n", "a.hmm", kinds())


def test_help_lists_the_functions() -> None:
    assert [line.partition("  ")[0] for line in kind_text("functions").splitlines()] == [
        each.usage for each in FUNCTIONS.values()
    ]


def test_a_function_is_added_by_a_row(tmp_path: Path) -> None:
    """Params, claims on results, and lists know it at once."""
    shutil.copytree(ROOT / "hmmdsl", tmp_path / "hmmdsl", ignore=shutil.ignore_patterns("__pycache__"))
    table = tmp_path / "hmmdsl" / "language" / "values" / "functions.py"
    row = '    _real("cube", "the third power", lambda x: x**3, "all numbers"),\n'
    table.write_text(table.read_text().replace("_FUNCTIONS = (\n", "_FUNCTIONS = (\n" + row))
    (tmp_path / "a.hmm").write_text(
        "import std.processes (golden_mean)\nparam eight = cube(2)\nparam both = cube([1, 2])\n"
        "model net: mlp { context = 2, d_model = 4 }\ntrain fit { process = golden_mean(), model = net, steps = 1 }\n"
        "expect cube(fit.gap) < both[1] and fit.gap < eight\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "hmmdsl", "check", "a.hmm"],
        cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
