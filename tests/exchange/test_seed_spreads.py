"""How far numbers move over seeds, from a replication and from sweeps over seeds, and what that lets another machine change."""

from __future__ import annotations

import statistics
from typing import Any

import pytest

from hmmdsl.exchange.agreement import Comparison, compare, tolerances
from hmmdsl.exchange.seed_spreads import by_seed, known_spreads, spreads, with_seeds
from hmmdsl.runtime.failures import OutputError
from hmmdsl.schema.sweep import SweepAxis

AXES = {
    "wide": (SweepAxis(paths=("net.d_model",), values=((8,), (16,))),),
    "many": (SweepAxis(paths=("net.d_model",), values=((8,), (16,))), SweepAxis(paths=("fit.seed",), values=((0,), (1,), (2,)))),
}
LOSSES = (0.5, 0.6, 0.9, 0.7)
REPLICATION: dict[str, Any] = {
    "seeds": [0, 1, 2, 5],
    "results": {
        "fit": {"loss": list(LOSSES), "steps": [3, 3, 3, 3]},
        "a": {"block": [{"r2": [0.1, 0.2, 0.3, None]}], "list": [], "pairs": [[1.0, 2.0, 3.0, 4.0], [5.0, 5.0, 6.0, 7.0]]},
    },
    "sweeps": {
        "wide": {"fit": {"loss": [[0.5, 1.0], [0.6, 2.0], [0.9, 4.0], [0.7, 4.0]]}, "a": {"block": [{"r2": [[1, 2]] * 4}]}}
    },
}
RESULTS: dict[str, Any] = {
    "fit": {"loss": 0.5, "steps": 3},
    "a": {"block": [{"r2": 0.1}], "list": [], "pairs": [1.0, 5.0]},
    "wide": {"fit": {"loss": [0.5, 1.0]}, "a": {"block": [{"r2": [1, 2]}]}},
    "many": {"fit": {"loss": [[0.1, 0.2, 0.4], [1.0, None, 2.0]]}},
}


def test_each_seed_has_its_numbers_nested_as_the_runs_own() -> None:
    found = by_seed(REPLICATION, AXES)
    assert list(found) == [0, 1, 2, 5]
    assert found[0] == {name: RESULTS[name] for name in ("fit", "a", "wide")}
    assert found[2]["a"] == {"block": [{"r2": 0.3}], "list": [], "pairs": [3.0, 6.0]}
    assert found[5]["wide"]["fit"]["loss"] == [0.7, 4.0]


TORN: tuple[dict[str, Any], ...] = (
    {"seeds": [0, 1, 2, 5, 6]},
    {"results": {"fit": {"loss": [1.0]}}},
    {"sweeps": {"other": {}}},
    {"seeds": None},
)


@pytest.mark.parametrize("torn", TORN)
def test_what_is_no_replication_is_refused(torn: dict[str, Any]) -> None:
    with pytest.raises(OutputError):
        by_seed({**REPLICATION, **torn}, AXES)


def test_spreads_are_standard_deviations_over_seeds() -> None:
    found = spreads(RESULTS, by_seed(REPLICATION, AXES), AXES)
    assert found["fit.loss"] == pytest.approx(statistics.stdev(LOSSES))
    assert found["fit.steps"] == 0
    assert found["a.block[0].r2"] == pytest.approx(statistics.stdev([0.1, 0.2, 0.3]))
    assert found["a.pairs[1]"] == pytest.approx(statistics.stdev([5, 5, 6, 7]))
    assert found["wide.fit.loss[1]"] == pytest.approx(statistics.stdev([1, 2, 4, 4]))
    for seed in range(3):
        assert found[f"many.fit.loss[0][{seed}]"] == pytest.approx(statistics.stdev([0.1, 0.2, 0.4]))
    assert "many.fit.loss[1][0]" not in found  # two seeds say too little


NUMBERS = tuple(f"n{k}" for k in range(12))


def network(numbers: dict[str, float], shifts: dict[int, float] | float = 0.0) -> dict[str, Any]:
    """Twelve numbers of one run with seeds 0 to 7, whose standard deviation over seeds is 1 without shifts."""
    base = (0.0, 1.0, -1.0, 0.5, -0.5, 1.5, -1.5, 0.0)
    sd = statistics.stdev(base)
    shift = shifts if isinstance(shifts, dict) else {0: shifts}
    columns = {name: [value / sd + shift.get(k, 0.0) for k, value in enumerate(base)] for name in NUMBERS}
    for name, by in numbers.items():
        columns[name][0] += by
    return {"seeds": list(range(8)), "results": {"fit": columns}, "sweeps": {}}


def compared(then: dict[str, Any], now: dict[str, Any]) -> Comparison:
    """Two runs, each the first seed of its replication."""
    before, after = by_seed(then, {}), by_seed(now, {})
    known = known_spreads((before[0], before), (after[0], after), {})
    return compare(with_seeds(before[0], before), with_seeds(after[0], after), tolerances(elsewhere=True), known)


def test_elsewhere_a_number_may_move_as_far_as_seeds_are() -> None:
    found = compared(network({"n3": 2.5}), network({}))
    assert found.agree
    assert found.farthest is not None
    assert 1.5 < found.farthest < 2.5  # of the wider run, which has the number
    assert found.spread == 9 * len(NUMBERS)


def test_a_number_that_was_changed_by_five_spreads_is_named() -> None:
    found = compared(network({"n3": 5.0}), network({}))
    assert [each.path for each in found.farther_than_seeds] == ["fit.n3", "seed 0.fit.n3"]
    assert [each.spreads for each in found.farther_than_seeds] == [pytest.approx(5.0)] * 2


@pytest.mark.parametrize("there", [True, False])
def test_a_network_that_trained_to_another_end_is_as_seeds_are(there: bool) -> None:
    """All of its numbers lie far from the others' of one of the two runs, whose spread is wide for it."""
    far, near = network({}, {7: 6.0}), network({})
    assert compared(*((far, near) if there else (near, far))).agree
