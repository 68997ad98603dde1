"""Processes made of processes, in the language: what the algebra gives, or an error at its place."""

from __future__ import annotations

from fractions import Fraction

import pytest

from hmmdsl.analysis import kinds
from hmmdsl.language.elaborate import compile_text
from hmmdsl.process.algebra.mixture import mixture
from hmmdsl.process.algebra.parts import part_targets
from hmmdsl.process.algebra.product import product
from hmmdsl.process.algebra.random_hmm import random_hmm
from hmmdsl.process.algebra.switch import switch
from hmmdsl.process.algebra.transforms import leak, minimize, noise, relabel, reverse
from hmmdsl.process.process import Process
from tests.language.process_specs import Declared, declared

LIBRARY = "import std.processes (mess3, rrxor, coin)\nparam half = 1/2\n"
HALF = Fraction(1, 2)


def spec(text: str = "") -> Declared:
    return declared(LIBRARY + text)


def made(call: str) -> Process:
    found = spec()
    process = found.process(call)
    assert not found.codes
    return process


def error(value: str) -> tuple[str, str]:
    """The code and the underlined text of the one mistake in `process x = value`."""
    found = spec(f"process x = {value}\nprocess y = x").only
    assert found.span is not None
    return found.code, found.span.text


MESS3, RRXOR, COIN = made("mess3()"), made("rrxor()"), made("coin()")


@pytest.mark.parametrize(
    ("call", "wanted"),
    [
        ("product(left = mess3(), right = rrxor())", product({"left": MESS3, "right": RRXOR})),
        ("mixture(A = mess3(), B = rrxor(), weights = [half, 1/2])", mixture({"A": MESS3, "B": RRXOR}, [HALF, HALF])),
        (
            "mixture(weights = [1/3, 2/3], A = mess3(), B = rrxor())",
            mixture({"A": MESS3, "B": RRXOR}, [HALF * 2 / 3, HALF * 4 / 3]),
        ),
        ("leak(rrxor(), 0.02)", leak(RRXOR, Fraction(1, 50))),
        ("leak(eps = 0.02, process = rrxor())", leak(RRXOR, Fraction(1, 50))),
        ("noise(rrxor(), half)", noise(RRXOR, HALF)),
        ("relabel(rrxor(), [0 -> heads, 1 -> tails])", relabel(RRXOR, {"0": "heads", "1": "tails"})),
        (
            "relabel(mess3(), [t[0] -> 0, t[half + 1/2] -> (0, a), t[2] -> 0])",
            relabel(MESS3, {"t[0]": "0", "t[1]": "(0, a)", "t[2]": "0"}),
        ),
        ('relabel(coin(), [heads -> "a b", tails -> u[2 * half]])', relabel(COIN, {"heads": '"a b"', "tails": "u[1]"})),
        ("switch(top = coin(), heads = mess3(), tails = rrxor())", switch(COIN, {"heads": MESS3, "tails": RRXOR})),
        ("switch(coin(), [heads -> mess3(), tails -> rrxor()])", switch(COIN, {"heads": MESS3, "tails": RRXOR})),
        (
            "switch(top = coin(), heads = mess3(), tails = rrxor(), end = 0.1, seen = false)",
            switch(COIN, {"heads": MESS3, "tails": RRXOR}, Fraction(1, 10), False),
        ),
        ("reverse(rrxor())", reverse(RRXOR)),
        ("minimize(rrxor())", minimize(RRXOR)),
        ("random_hmm(states = 5, tokens = 2, seed = 3)", random_hmm(5, 2, 3)),
        ("random_hmm(5, 3, 3, outcomes = 2, unifilar = true, denominator = 100)", random_hmm(5, 3, 3, 2, True, 100)),
    ],
)
def test_a_call_is_the_process_of_the_algebra_with_its_parts(call: str, wanted: Process) -> None:
    process = made(call)
    assert (process.tokens, process.states, process.operators) == (wanted.tokens, wanted.states, wanted.operators)
    assert (process.start, process.start_kind) == (wanted.start, wanted.start_kind)
    assert part_targets(process) == part_targets(wanted)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        ("product(left = mess3(), right = rrxor(1/3))", "product(left = mess3, right = rrxor(p=1/3))"),
        ("mixture(A = coin(), B = coin(1/3), weights = [0.5, half])", "mixture(A = coin, B = coin(p=1/3), weights = [1/2, 1/2])"),
        ("leak(rrxor(), 1/50)", "leak(rrxor, 0.02)"),
        ("relabel(coin(), [heads -> 2*half, tails -> b])", "relabel(coin, [heads -> 1, tails -> b])"),
        ("switch(coin(), [heads -> mess3(), tails -> coin()])", "switch(top = coin, heads = mess3, tails = coin)"),
        ("random_hmm(3, 2, seed = 0)", "random_hmm(states = 3, tokens = 2, seed = 0)"),
    ],
)
def test_a_result_is_called_by_its_canonical_expression(call: str, name: str) -> None:
    assert made(call).name == name


def test_names_do_not_grow_without_end() -> None:
    inner = "coin()"
    for _ in range(12):
        inner = f"leak({inner}, 1/1000)"
    assert len(made(inner).name) <= 120


def test_a_named_process_keeps_its_parts() -> None:
    found = spec(
        "process tasks = mixture(A = mess3(), B = rrxor(), weights = [half, half])\n"
        "process worn(e = 0.1) = noise(tasks, e)\n"
        "process two = product(left = worn(), right = coin())"
    )
    assert part_targets(found.process("worn(0.2)")) == ("component", "within.A", "within.B")
    assert part_targets(found.process("two")) == (
        "factor.left",
        "factor.left.component",
        "factor.left.within.A",
        "factor.left.within.B",
        "factor.right",
    )
    assert found.process("two").name == "two"
    assert not found.codes


def test_processes_are_arguments_of_templates() -> None:
    found = spec("process double(p) = product(left = p, right = p)\nprocess quiet(p = coin()) = noise(p, 0)")
    pair = found.process("double(rrxor())")
    assert pair.operators == product({"left": RRXOR, "right": RRXOR}).operators
    assert pair.name == "double(p=rrxor)"
    assert found.process("double(rrxor())") is pair
    assert found.process("quiet()").operators == COIN.operators
    assert found.process("quiet(coin(1/3))").operators == made("coin(1/3)").operators
    assert not found.codes


def test_equal_processes_of_different_parts_are_told_apart() -> None:
    found = spec("process same(p) = noise(p, 0)")
    first, second = found.process("same(product(A = coin()))"), found.process("same(product(B = coin()))")
    assert first.operators == second.operators
    assert (part_targets(first), part_targets(second)) == (("factor.A",), ("factor.B",))


@pytest.mark.parametrize(
    ("value", "code", "place"),
    [
        ("product(left = 3, right = coin())", "E0403", "3"),
        ("product()", "E0339", "product()"),
        ("product(coin())", "E0339", "coin()"),
        ("mixture(A = coin())", "E0209", "mixture(A = coin())"),
        ("mixture(weights = [1])", "E0339", "mixture(weights = [1])"),
        ("mixture(A = coin(), weights = 1)", "E0403", "1"),
        ("mixture(A = coin(), B = coin(), weights = [1])", "E0330", "[1]"),
        ("mixture(A = coin(), B = coin(), weights = [3/2, -1/2])", "E0330", "[3/2, -1/2]"),
        ("mixture(A = coin(), A = coin(), weights = [1/2, 1/2])", "E0333", "A = coin()"),
        ("leak(coin())", "E0209", "leak(coin())"),
        ("leak(coin(), -0.1)", "E0336", "-0.1"),
        ("leak(coin(), 0.1, 2)", "E0210", "2"),
        ("leak(coin(), rate = 0.1)", "E0208", "rate"),
        ("product(t[0] = coin(), b = coin())", "E0208", "t[0]"),
        ("leak(coin(), eps = 0.1, eps = 0.1)", "E0211", "eps = 0.1"),
        ("noise(coin(), coin())", "E0403", "coin()"),
        ("leak(coin, 0.1)", "E0207", "coin"),
        ("relabel(coin(), [heads -> a])", "E0331", "relabel(coin(), [heads -> a])"),
        ("relabel(coin(), [heads -> a, heads -> b])", "E0331", "heads"),
        ("relabel(coin(), [heads -> a, tail -> b])", "E0331", "tail"),
        ("relabel(coin(), [heads, tails])", "E0339", "heads"),
        ("relabel(coin(), 3)", "E0339", "3"),
        ("relabel(coin(), [heads -> 1/2, tails -> b])", "E0339", "1/2"),
        ("relabel(coin(), [heads -> half, tails -> b])", "E0339", "half"),
        ("switch(top = coin(), heads = mess3())", "E0337", "switch(top = coin(), heads = mess3())"),
        ("switch(coin(), [heads -> mess3(), tails -> 1])", "E0403", "1"),
        ("switch(coin(), [heads -> mess3()], tails = coin())", "E0339", "[heads -> mess3()]"),
        ("switch(top = coin(), heads = coin(), tails = coin(), end = 2)", "E0336", "2"),
        ("switch(top = coin(), heads = coin(), tails = coin(), seen = 2)", "E0403", "2"),
        (
            "reverse(switch(top = coin(), heads = coin(), tails = coin()))",
            "E0334",
            "reverse(switch(top = coin(), heads = coin(), tails = coin()))",
        ),
        ("minimize(mess3())", "E0335", "minimize(mess3())"),
        ("random_hmm(states = 1/2, tokens = 2, seed = 0)", "E0403", "1/2"),
        ("random_hmm(states = 0, tokens = 2, seed = 0)", "E0338", "random_hmm(states = 0, tokens = 2, seed = 0)"),
        ("random_hmm(states = 10^6, tokens = 10^6, seed = 0)", "E0332", "random_hmm(states = 10^6, tokens = 10^6, seed = 0)"),
        ("mix(A = coin())", "E0205", "mix"),
        ("mixture", "E0206", "mixture"),
    ],
)
def test_mistakes_are_told_once_at_their_place(value: str, code: str, place: str) -> None:
    assert error(value) == (code, place)


def test_a_name_that_is_token_and_param_is_not_guessed() -> None:
    found = spec("param heads = 1\nprocess x = relabel(coin(), [heads -> a, tails -> b])")
    assert found.only.code == "E0314"


def test_the_functions_names_are_taken() -> None:
    assert spec("param noise = 0.1").only.code == "E0203"


def test_work_is_bounded_for_all_calls_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of them is allowed. (A tenth of the usual bound, so that the test takes a tenth of its time.)"""
    monkeypatch.setattr("hmmdsl.language.values.budget.OPERATIONS", 100_000)
    big = "process big = random_hmm(states = 8, tokens = 4, seed = 1)"
    rows = [f"process p{k} = noise(product(a = big, b = mess3()), 1/10)" for k in range(20)]
    assert not spec(f"{big}\n{rows[0]}").codes
    assert set(spec("\n".join([big, *rows])).codes) == {"E0405"}


def test_long_fractions_are_refused() -> None:
    value = "coin(1/3^900)"
    found = spec(f"process x = noise(product(a = {value}, b = {value}, c = {value}), 1/2)")
    assert found.only.code == "E0404"


TRAIN = """
model net: transformer { layers = 1, heads = 1, d_head = 4, d_model = 8, d_mlp = 8, context = 3, activation = relu }
train fit { process = PROCESS, model = net, optimizer = adamw { lr = 1e-3 }, steps = 1 }
"""


def compiled(process: str) -> dict[str, Process]:
    return dict(compile_text(LIBRARY + TRAIN.replace("PROCESS", process), "spec", kinds()).processes)


def test_a_train_takes_an_expression() -> None:
    processes = compiled("product(left = coin(), right = rrxor())")
    assert list(processes) == ["product(left = coin, right = rrxor)"]
    assert part_targets(next(iter(processes.values()))) == ("factor.left", "factor.right")


@pytest.mark.parametrize(
    ("call", "cure"),
    [
        ("noise(five, 0.1)", "product(a = noise("),
        ("leak(five, 0.1)", "product(a = leak("),
        ("minimize(five)", "product(a = minimize("),
        ("mixture(A = five, B = five, weights = [1/2, 1/2])", "a product of mixtures"),
        ("switch(top = coin(), tasks = [heads -> five, tails -> five])", "a product of switches"),
    ],
)
def test_what_would_write_a_large_product_out_says_how_it_stays_apart(call: str, cure: str) -> None:
    head = "import std.processes (mess3, coin)\n"
    five = "process five = product(a = mess3(), b = mess3(), c = mess3(), d = mess3(), e = mess3())\n"
    (found,) = declared(f"{head}{five}process large = {call}\n").diagnostics.errors
    assert found.code == "E0332"
    assert cure in found.help
