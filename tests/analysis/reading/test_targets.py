"""Beliefs about the parts of a composed process, as targets of a regression."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from hmmdsl.analysis.reading.result_path import ResultPath
from hmmdsl.analysis.reading.targets import known_targets, target_values
from hmmdsl.analysis.regression.record import Regression, place_of
from hmmdsl.process.algebra.mixture import mixture
from hmmdsl.process.algebra.product import product
from hmmdsl.process.algebra.switch import switch
from hmmdsl.process.history_tree import build_history_tree
from hmmdsl.process.process import Process
from tests.analysis.invented import inputs_of, invented_run, mess3, rrxor, surroundings
from tests.analysis.shapes import assert_shape

HALF = Fraction(1, 2)
COIN = Process("coin", ("h", "t"), ("C",), ({(0, 0): HALF}, {(0, 0): HALF}), (Fraction(1),))
TASKS = mixture({"A": rrxor(), "B": mess3()}, [HALF, HALF])
PAIR = product({"left": TASKS, "right": COIN})
WHICH = switch(COIN, {"h": rrxor(), "t": mess3()})
EVERY = ["belief", "factor.left", "factor.left.component", "factor.left.within.A", "factor.right"]
CONTROLS = [{"kind": "held_out", "folds": 3}, {"kind": "shuffled", "repeats": 2}, "untrained", "noise"]


def _regression(**options: Any) -> Regression:
    return Regression.model_validate({"of": "fit", **options})


def test_the_factors_belief_is_the_marginal_of_the_joint_one() -> None:
    tree = build_history_tree(PAIR, 3)
    left = target_values(PAIR, tree, "factor.left")
    assert np.allclose(left, tree.belief.reshape(len(tree), 8, 1).sum(axis=2))
    component = target_values(PAIR, tree, "factor.left.component")
    assert np.allclose(component, np.stack([left[:, :5].sum(axis=1), left[:, 5:].sum(axis=1)], axis=1))
    assert np.allclose(component.sum(axis=1), 1)


def test_within_a_component_the_belief_is_that_of_the_component_alone() -> None:
    """After words that rrxor can emit, the belief given A is rrxor's own; after others it is undefined."""
    tree, own = build_history_tree(TASKS, 4), build_history_tree(rrxor(), 4)
    within = target_values(TASKS, tree, "within.A")
    defined = np.isfinite(within).all(axis=1)
    assert defined.sum() == len(own)
    assert np.allclose(np.unique(within[defined].round(9), axis=0), np.unique(own.belief.round(9), axis=0))
    assert not defined.all()


@pytest.mark.parametrize(
    ("process", "target", "at"),
    [
        (PAIR, "factor.left", "concat"),
        (PAIR, EVERY, ["blocks", "concat"]),
        (PAIR, EVERY, "concat"),
        (WHICH, "within.h", "concat"),
        (WHICH, ["component", "within.h", "next_token"], ["concat"]),
    ],
)
@pytest.mark.parametrize("bos", [True, False])
def test_results_have_the_announced_shape(process: Process, target: Any, at: Any, bos: bool) -> None:
    analysis = _regression(target=target, at=at, controls=CONTROLS)
    run = invented_run(process=process, context=3, bos=bos, width=5)
    around = surroundings(run)
    assert analysis.problems(around) == []
    outcome = analysis.compute(inputs_of("x", run, x=analysis))
    assert_shape(outcome.results, analysis.results(around))
    assert analysis.figures(outcome, inputs_of("x", run, x=analysis))


def test_the_best_map_of_a_linear_image_of_the_belief_reads_its_parts() -> None:
    """A part's belief is a linear image of the joint one, so what holds the one holds the other."""
    run = invented_run(process=PAIR, context=3, width=40)
    outcome = _regression(target=EVERY, at="concat").compute(inputs_of("x", run))
    left = outcome.results["factor"]["left"]
    assert left["component"]["r2"] > 0.9
    assert left["r2"] > 0.9
    assert outcome.results["factor"]["right"]["r2"] is None


def test_histories_that_leave_a_target_undefined_are_left_out_and_told() -> None:
    run = invented_run(process=WHICH, context=3, width=5)
    outcome = _regression(target="within.h", at="concat").compute(inputs_of("x", run))
    assert "left out, where a target is undefined" in outcome.facts["histories"]
    assert len(outcome.arrays["belief"]) == len(outcome.arrays["within.h.concat.predicted"]) < len(run.tree)
    assert outcome.arrays["weights"].sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("process", "target", "path"),
    [
        (PAIR, "factor.middle", ("target",)),
        (PAIR, ["belief", "component"], ("target", 1)),
        (rrxor(), "component", ("target",)),
        (WHICH, "within.top", ("target",)),
    ],
)
def test_a_target_that_is_not_there_is_known_before_the_run(process: Process, target: Any, path: tuple[str | int, ...]) -> None:
    (problem,) = _regression(target=target).problems(surroundings(invented_run(process=process, context=3)))
    assert (problem.code, problem.path) == ("E0825", path)
    if "top" not in str(target):
        assert all(known in problem.help for known in known_targets(process))


@pytest.mark.parametrize(
    ("process", "target"),
    [
        (WHICH, ["component", "within.h", "within.t"]),
        (product({"x": WHICH, "y": COIN}), ["factor.x.within.h", "factor.y", "factor.x.within.t"]),
        # The tasks of two switches may differ, but each is told at once: no pair of one switch goes together.
        (product({"x": WHICH, "y": WHICH}), ["factor.x.within.h", "factor.y.within.t", "factor.x.within.t"]),
    ],
)
def test_targets_that_no_history_defines_together_are_known_before_the_run(process: Process, target: list[str]) -> None:
    (problem,) = _regression(target=target).problems(surroundings(invented_run(process=process, context=3)))
    assert problem.code == "E0431"
    assert all(f"`{one}`" in problem.message for one in (target[-3], target[-1]) if "within" in one)
    assert all(f"`{one}`" not in problem.message for one in target if "within" not in one)


@pytest.mark.parametrize(
    ("process", "target", "bos"),
    [
        # Before the first token both tasks are possible.
        (switch(COIN, {"h": rrxor(), "t": mess3()}, seen=False), ["within.h", "within.t"], True),
        (product({"x": WHICH, "y": WHICH}), ["factor.x.within.h", "factor.y.within.t"], False),
        (mixture({"A": rrxor(), "B": rrxor(Fraction(1, 3))}, [HALF, HALF]), ["component", "within.A", "within.B"], False),
    ],
)
def test_targets_that_some_history_defines_together_are_read(process: Process, target: list[str], bos: bool) -> None:
    run = invented_run(process=process, context=3, bos=bos)
    assert not {found.code for found in _regression(target=target).problems(surroundings(run))} & {"E0431", "E0825"}
    values = [target_values(process, run.tree, one) for one in target]
    assert np.all([np.isfinite(one).all(axis=1) for one in values], axis=0).any()


def test_the_tops_own_state_is_read_where_the_network_sees_the_beginning() -> None:
    run = invented_run(process=WHICH, context=3, bos=True)
    assert "E0825" not in {found.code for found in _regression(target="within.top").problems(surroundings(run))}


def test_a_result_path_leads_through_a_dotted_target() -> None:
    run = invented_run(process=PAIR, context=3)
    analysis = _regression(target=EVERY, at=["concat", "embedding"])
    around = surroundings(run)
    for target in EVERY:
        found = place_of(analysis, ResultPath.of(f"x.{target}.concat").below, around)
        assert found is not None
        assert (found[0], found[1].name) == (target, "concat")
    assert place_of(analysis, ("factor", "concat"), around) is None
