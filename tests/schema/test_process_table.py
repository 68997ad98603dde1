"""A process as data comes back as it was, with its parts."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from hmmdsl.process.algebra.mixture import mixture
from hmmdsl.process.algebra.parts import part_targets, read_target
from hmmdsl.process.algebra.product import product
from hmmdsl.process.algebra.transforms import noise
from hmmdsl.process.process import Process
from hmmdsl.schema.process import ProcessTable

HALF = Fraction(1, 2)
COIN = Process("coin", ("heads", "tails"), ("C",), ({(0, 0): HALF}, {(0, 0): HALF}), (Fraction(1),))
FLIP = Process("flip", ("heads", "tails"), ("A", "B"), ({(0, 1): Fraction(1)}, {(1, 0): Fraction(1)}), (HALF, HALF))
NESTED = product({"left": mixture({"A": COIN, "B": FLIP}, [HALF, HALF]), "right": FLIP})


def test_a_composed_process_comes_back_with_its_parts() -> None:
    again = ProcessTable.model_validate_json(ProcessTable.of(NESTED).model_dump_json()).process()
    assert again == NESTED
    assert again.parts == NESTED.parts
    assert part_targets(again) == part_targets(NESTED)
    assert read_target(again, "factor.left.within.B") == read_target(NESTED, "factor.left.within.B")


def test_a_plain_process_has_no_parts() -> None:
    assert ProcessTable.of(COIN).process().parts is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"state_of": (0,)}, "must give each"),
        ({"state_of": (0, 1, 7, None, None, None)}, "must give each"),
        ({"name": "right"}, "one name"),
    ],
)
def test_parts_that_do_not_fit_are_refused(change: dict[str, Any], message: str) -> None:
    table = ProcessTable.of(noise(NESTED, HALF))
    first = table.parts[0].model_copy(update=change)
    with pytest.raises(ValueError, match=message):
        table.model_copy(update={"parts": (first, *table.parts[1:])}).process()


def test_two_components_are_not_active_at_once() -> None:
    table = ProcessTable.of(mixture({"A": COIN, "B": COIN}, [HALF, HALF]))
    both = tuple(part.model_copy(update={"state_of": (0, 0)}) for part in table.parts)
    with pytest.raises(ValueError, match="active in one state"):
        table.model_copy(update={"parts": both}).process()


def test_a_product_is_written_as_its_factors_and_comes_back_apart() -> None:
    many = product({f"f{k}": NESTED for k in range(6)})
    text = ProcessTable.of(many).model_dump_json()
    assert len(text) < 30_000
    again = ProcessTable.model_validate_json(text).process()
    assert again == many
    assert again.parts == many.parts
    assert [len(factor.states) for factor in again.factors] == [3, 2] * 6


@pytest.mark.parametrize(
    ("change", "message"),
    [({"tokens": ("a",)}, "nothing else"), ({"factors": "twice"}, "one name"), ({"factors": ()}, "at least one token")],
)
def test_a_product_that_says_more_than_its_factors_is_refused(change: dict[str, Any], message: str) -> None:
    table = ProcessTable.of(NESTED)
    if change.get("factors") == "twice":
        change = {"factors": (*table.factors, table.factors[0])}
    with pytest.raises(ValueError, match=message):
        table.model_copy(update=change).process()


@pytest.mark.parametrize("number", ["1e999", "1e999999999", "-1e999999999", 10**400, "1/0", "9" * 5000, float("nan"), 1e200])
def test_numbers_without_a_float_are_refused(number: Any) -> None:
    table = ProcessTable.of(COIN).model_dump()
    with pytest.raises(ValueError, match="at most 100 digits"):
        ProcessTable.model_validate({**table, "start": [number]})
