"""What theory says of a process, as results: against publications, and under the paths that `hmmdsl show --json` has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from functools import cache
from math import log, log2
from typing import Any

import pytest

from hmmdsl.analysis.outcome import Inputs, Outcome
from hmmdsl.analysis.portrait.record import PortraitOf, schema
from hmmdsl.exchange.finding import find_processes
from hmmdsl.process.algebra.mixture import mixture
from hmmdsl.process.algebra.product import product
from hmmdsl.process.portraying import portrait
from hmmdsl.process.process import Process
from hmmdsl.schema.analysis import Surroundings
from hmmdsl.schema.results import quantities
from tests.analysis.invented import mess3, rrxor
from tests.analysis.shapes import assert_shape

CARDINALITIES = ("finite", "countable", "uncountable", "undecided")

HALF = Fraction(1, 2)


def told(process: Process, depth: int = 6) -> Outcome:
    inputs = Inputs("about", {}, {}, {}, {"p": process})
    return PortraitOf(process="p", depth=depth).compute(inputs)


@cache
def of_mess3() -> Outcome:
    """Its cloud of beliefs takes a second."""
    return told(mess3(), depth=40)


@pytest.mark.parametrize("depth", [3, 10, 12])
def test_a_portrait_that_is_known_is_not_computed_again(depth: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless more myopic entropies are asked for than it has."""
    known = {"p": portrait(rrxor()).as_json()}
    found = told(rrxor(), depth)
    again = Inputs("about", {}, {}, {}, {"p": rrxor()}, known)
    computed: list[int] = []
    monkeypatch.setattr(
        "hmmdsl.analysis.portrait.compute.portrait", lambda process, depth: computed.append(depth) or portrait(process, depth)
    )
    assert PortraitOf(process="p", depth=depth).compute(again) == found
    assert computed == ([12] if depth == 12 else [])


def simple_nonunifilar() -> Process:
    zeros, ones = {(0, 0): HALF, (0, 1): HALF, (1, 1): HALF}, {(1, 0): HALF}
    return Process("sns", ("0", "1"), ("A", "B"), (zeros, ones), (HALF, HALF))


def named(name: str) -> Process:
    """A process of the library."""
    return find_processes("std.processes", name, {}, None)[name]


def coin(p: Fraction) -> Process:
    return Process(f"coin({p})", ("0", "1"), ("C",), ({(0, 0): p}, {(0, 0): 1 - p}), (Fraction(1),))


@pytest.mark.parametrize(
    "process",
    [
        rrxor(),
        simple_nonunifilar(),
        product({"left": rrxor(), "right": coin(Fraction(1, 3))}),
        mixture({"A": coin(Fraction(1, 3)), "B": coin(Fraction(2, 3))}, [HALF, HALF]),
        named("bloch_walk"),
    ],
    ids=lambda process: process.name,
)
def test_results_have_the_announced_shape(process: Process) -> None:
    announced = PortraitOf(process="p", depth=6).results(Surroundings({"p": process}, {}, {}, {}))
    assert_shape(told(process).results, announced)


def test_random_random_xor_has_its_published_numbers() -> None:
    """Shai et al. 2024: 36 beliefs, 35 of them after some token; C_mu = E = log2(108) / 3 bits."""
    found = told(rrxor()).results
    assert found["beliefs"] == {"closed": 1, "count": 36, "closed_at": 6, "found": 36, "recurrent": found["beliefs"]["recurrent"]}
    assert found["period"] == 3
    assert found["unifilar"] == found["ergodic"] == 1
    assert found["entropy_rate"]["bits"] == pytest.approx(2 / 3)
    assert found["statistical_complexity"]["bits"] == pytest.approx(log2(108) / 3)
    assert found["excess_entropy"]["bits"] == pytest.approx(log2(108) / 3)
    assert found["crypticity"]["bits"] == pytest.approx(0)
    assert found["myopic_entropies"]["bits"] == pytest.approx([1, 1, 0.9183, 0.9067, 0.8637, 0.8333], abs=5e-5)
    assert found["myopic_entropies"]["nats"][0] == pytest.approx(log(2))
    assert found["cloud"]["information"]["dimension"] == 0


@pytest.mark.parametrize("kind", ["finite", "countable", "uncountable"])
def test_exactly_one_cardinality_is_true(kind: str) -> None:
    outcome = {"finite": lambda: told(rrxor()), "countable": lambda: told(simple_nonunifilar()), "uncountable": of_mess3}[kind]()
    found = outcome.results["causal_cardinality"]
    assert {name: found[name] for name in CARDINALITIES} == {name: float(name == kind) for name in CARDINALITIES}
    assert found["proven"] == 1


def test_the_countable_process_has_the_published_complexity_and_the_fractal_a_dimension() -> None:
    """Marzen & Crutchfield 2017: C_mu = 2.711468724 bits at p = q = 1/2. Mess3's beliefs lie in a triangle."""
    assert told(simple_nonunifilar()).results["statistical_complexity"]["bits"] == pytest.approx(2.711468724, abs=1e-8)
    cloud = of_mess3().results["cloud"]
    assert 0.5 < cloud["information"]["dimension"] < 2
    assert cloud["information"]["error"] < 0.1


def test_what_theory_leaves_open_is_undefined_with_the_reason() -> None:
    pair = told(mixture({"A": coin(Fraction(1, 3)), "B": coin(Fraction(2, 3))}, [HALF, HALF]))
    assert pair.results["ergodic"] == 0
    assert set(pair.results["causal_cardinality"].values()) == {None}
    assert "2 ergodic components" in pair.facts["causal_cardinality"]
    assert pair.results["entropy_rate"]["bits"] == pytest.approx(log2(3) - 2 / 3)
    assert told(simple_nonunifilar()).results["beliefs"]["count"] is None


def test_every_number_stands_where_show_has_it() -> None:
    """A reader of `hmmdsl show --json` knows the names that claims use."""
    plain = portrait(simple_nonunifilar(), 6).as_json()
    known = dict(_paths(plain))
    extra = {f"causal_cardinality.{name}" for name in CARDINALITIES}
    assert {path for path, _ in quantities(schema(6))} - extra <= set(known)
    for path, value in _paths(told(simple_nonunifilar()).results):
        if path not in extra and known[path] is not None:
            shown = known[path] if isinstance(known[path], list) else float(known[path])
            assert value == pytest.approx(shown)


def test_myopic_entropies_that_would_take_too_many_words_are_undefined() -> None:
    """Mess3's beliefs never merge: 3^l words of length l."""
    bits = of_mess3().results["myopic_entropies"]["bits"]
    assert len(bits) == 40
    assert bits[0] == pytest.approx(log2(3))
    assert bits[-1] is None


def _paths(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every number by its path as the schema writes it."""
    if isinstance(value, Mapping):
        for name, below in value.items():
            yield from _paths(below, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        yield f"{path}[..]", value
    else:
        yield path, value
