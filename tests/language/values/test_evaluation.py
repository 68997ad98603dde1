"""Constants: exact arithmetic, its types, and its limits."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmmdsl.language import syntax
from hmmdsl.language.source import Source, Span
from hmmdsl.language.values.budget import OPERATIONS, Budget
from hmmdsl.language.values.evaluation import evaluate
from hmmdsl.language.values.failure import ConstantError
from hmmdsl.language.values.scope import Scope
from hmmdsl.language.values.value import Array, Complex, text_of
from tests.language.process_specs import declared, failure_of, hmm, value_of

Exact = tuple[str, Fraction | None]
"""An expression's text, and its value by independent arithmetic; None where it divides by zero."""


def _number(value: tuple[int, int]) -> Exact:
    whole, places = value
    digits = str(whole).zfill(places + 1)
    text = f"{digits[:-places]}.{digits[-places:]}" if places else digits
    return text, Fraction(whole, 10**places)


def _joined(parts: tuple[Exact, str, Exact]) -> Exact:
    (a, x), operator, (b, y) = parts
    text = f"({a} {operator} {b})"
    if x is None or y is None or (operator in ("/", "mod") and y == 0):
        return text, None
    results = {"+": lambda: x + y, "-": lambda: x - y, "*": lambda: x * y, "/": lambda: x / y, "mod": lambda: x - y * (x // y)}
    return text, results[operator]()


numbers = st.tuples(st.integers(0, 999), st.integers(0, 3)).map(_number)
expressions = st.recursive(
    numbers,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "mod"]), inner).map(_joined),
        inner.map(lambda part: (f"(-{part[0]})", None if part[1] is None else -part[1])),
        st.tuples(inner, st.integers(0, 3)).map(lambda p: (f"({p[0][0]})^{p[1]}", None if p[0][1] is None else p[0][1] ** p[1])),
        st.tuples(inner, inner).map(
            lambda p: (f"max({p[0][0]}, {p[1][0]})", None if None in (p[0][1], p[1][1]) else max(p[0][1], p[1][1]))
        ),
    ),
    max_leaves=8,
)


@settings(deadline=None)
@given(expressions)
def test_rational_expressions_are_exact(case: Exact) -> None:
    text, expected = case
    if expected is None:
        assert failure_of(text).code == "E0401"
    else:
        assert value_of(text) == expected
        assert isinstance(value_of(text), Fraction)


@settings(deadline=None)
@given(st.lists(st.sampled_from(["1", "2", "3/4", "0.5"]), min_size=1, max_size=12), st.data())
def test_operators_bind_as_in_mathematics(terms: list[str], data: st.DataObject) -> None:
    operators = data.draw(st.lists(st.sampled_from(["+", "-", "*"]), min_size=len(terms) - 1, max_size=len(terms) - 1))
    text = terms[0] + "".join(f" {o} {t}" for o, t in zip(operators, terms[1:], strict=True))
    # `3/4` binds as tightly as `*`, and to the left: the product of fractions is the same either way.
    total, product, sign = Fraction(0), Fraction(terms[0]), 1
    for operator, term in zip(operators, terms[1:], strict=True):
        if operator == "*":
            product *= Fraction(term)
        else:
            total, product, sign = total + sign * product, Fraction(term), 1 if operator == "+" else -1
    assert value_of(text) == total + sign * product


@settings(deadline=None)
@given(st.fractions(-1000, 1000, max_denominator=10**6))
def test_the_text_of_a_number_means_the_number(value: Fraction) -> None:
    assert value_of(text_of(value)) == value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.1 + 0.2 == 0.3", True),
        ("-2^2", Fraction(-4)),
        ("2^3^2", Fraction(512)),
        ("2^-2", Fraction(1, 4)),
        ("0^0", Fraction(1)),
        ("-7 mod 3", Fraction(2)),
        ("1_000", Fraction(1000)),
        ("1 < 2 <= 2 != 3", True),
        ("1 < 3 < 2", False),
        ("not 1 > 2 and true", True),
        ('"a" == "a"', True),
        ("if 1 < 2 then 3 else 1 / 0", Fraction(3)),
        ("true or 1 / 0 > 1", True),
        ("false and 1 / 0 > 1", False),
        ("abs(-1/2)", Fraction(1, 2)),
        ("min(3, 1/2, 2)", Fraction(1, 2)),
        ("max([3, 1/2])", Fraction(3)),
        ("(1 + 2i) / (3 - 1i)", Complex(Fraction(1, 10), Fraction(7, 10))),
        ("(1 + 1i)^8", Fraction(16)),
        ("1i * 1i", Fraction(-1)),
        ("1..=3", Array((Fraction(1), Fraction(2), Fraction(3)))),
        ("mean([1, 2, 4])", Fraction(7, 3)),
        ("median(1, 4, 2, 8) + mean(1/2, 1/3)", Fraction(41, 12)),
        ("sd(1, 2, 3)", 1.0),
    ],
)
def test_values(text: str, expected: object) -> None:
    assert value_of(text) == expected


def test_a_float_function_makes_a_float_and_it_spreads() -> None:
    assert value_of("sqrt(4) / 3") == pytest.approx(2 / 3)
    assert isinstance(value_of("sqrt(4) * 0 + 1"), float)


def test_float_is_the_nearest_one_of_each_number() -> None:
    assert value_of("float([1/3, 0.1])") == Array((1 / 3, 0.1))
    assert isinstance(value_of("float(1)"), float)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("1 / 0", "E0401"),
        ("0^-1", "E0401"),
        ("1 mod 0", "E0401"),
        ("sqrt(-1)", "E0402"),
        ("mean([])", "E0402"),
        ("sd([1])", "E0402"),
        ("(-8)^(1/3)", "E0402"),
        ("log(0)", "E0402"),
        ('1 + "1"', "E0403"),
        ("true + 1", "E0403"),
        ('-"a"', "E0403"),
        ("if 1 then 2 else 3", "E0403"),
        ("not 3", "E0403"),
        ('1 < "a"', "E0403"),
        ("10^10^10", "E0404"),
        ("(1/3)^1_000_000_000", "E0404"),
        ("10^300 * 10^300 * 10^300 * 10^300 * 10^300", "E0404"),
        ("3..1", "E0406"),
        ("0..1/2", "E0406"),
        ("exp(1000)", "E0412"),
        ("[0 -> 1]", "E0413"),
        ("(1, 2)", "E0413"),
        ("0..10^12", "E0414"),
        ("pie", "E0201"),
        ("rest", "E0305"),
        ("factorial(3)", "E0205"),
        ("sqrt", "E0206"),
        ("sqrt(1, 2)", "E0407"),
        ("sqrt(x = 1)", "E0208"),
    ],
)
def test_what_has_no_value_says_why_and_what_to_do(text: str, code: str) -> None:
    failure = failure_of(text)
    assert failure.code == code
    assert failure.help
    assert failure.message[0].islower() or not failure.message[0].isalpha()


def test_a_sum_of_very_many_terms_needs_no_nesting() -> None:
    source = Source("sum", "1")
    span = Span(source, 0, 1)
    one = syntax.Number(span, Fraction(1), True)
    tree: syntax.Expression = one
    for _ in range(20_000):
        tree = syntax.Binary(span, "+", tree, one)
    assert evaluate(tree, Scope(), Budget()) == 20_001


def test_nesting_is_limited_without_a_recursion_error() -> None:
    span = Span(Source("nested", "1"), 0, 1)
    tree: syntax.Expression = syntax.Number(span, Fraction(1), True)
    for _ in range(5_000):
        tree = syntax.Unary(span, "-", tree)
    with pytest.raises(ConstantError) as failure:
        evaluate(tree, Scope(), Budget())
    assert failure.value.diagnostic is not None
    assert failure.value.diagnostic.code == "E0411"


@pytest.mark.parametrize(
    "lines",
    [
        "let x = 10^10^10",
        "for i in 0..1_000_000_000 { A -[0]-> A }",
        "for i in 0..100_000, j in 0..100_000 if i + j < 0 { A -[0]-> A }",
        "let f(n) = n * f(n - 1)\nlet x = f(1000)",
        "let a = identity(400)\nlet b = kron(a, a)",
        "\n".join(["let g0 = 2", *(f"let g{i + 1} = g{i} * g{i}" for i in range(40))]),
        "\n".join(["let h0(x) = x", *(f"let h{i + 1}(x) = h{i}(x) + h{i}(x)" for i in range(28)), "let y = h28(1)"]),
    ],
)
def test_what_would_take_too_long_meets_a_limit(lines: str) -> None:
    found = declared(hmm(lines + "\n A -[0]-> A"))
    assert {"E0404", "E0405", "E0213", "E0414"} & set(found.codes)


def test_a_refused_loop_leaves_the_budget_to_others() -> None:
    found = declared("hmm y {\n states A\n tokens 0\n for i in 0..10^9 { A -[0]-> A }\n}\n" + hmm("A -[0]-> B\n B -[1]-> A"))
    assert found.codes == ["E0405"]
    assert found.budget.operations < OPERATIONS


def test_functions_and_constants_of_a_body() -> None:
    found = declared(hmm("let f(a, b = 2 * a) = a / b\n let h = f(1)\n A -[0]-> A : h\n A -[1]-> B : f(1, 2)\n B -[0]-> A"))
    assert not found.codes


def test_an_error_in_a_function_leads_to_its_call() -> None:
    found = declared(hmm("let f(a) = 1 / a\n let h = f(0)\n A -[0]-> B\n B -[1]-> A"))
    assert found.only.code == "E0401"
    assert [note.message for note in found.only.notes] == ["in `f` with a = 0, called here"]


class TestParams:
    def test_params_see_those_above_them(self) -> None:
        found = declared("param a = 1/3\nparam b = 2 * a")
        assert found.value("b") == Fraction(2, 3)

    def test_a_failed_param_is_told_once(self) -> None:
        assert declared("param a = 1 / 0\nparam b = a + 1\nparam c = a + b").codes == ["E0401"]

    def test_names_are_declared_once_and_hide_nothing(self) -> None:
        assert declared("param a = 1\nparam a = 2").codes == ["E0202"]
        assert declared("param sum = 1").codes == ["E0203"]

    def test_an_unknown_name_gets_the_nearest(self) -> None:
        found = declared("param epsilon = 1\nparam b = epsilom")
        assert (found.only.code, found.only.help) == ("E0201", "did you mean `epsilon`?")
