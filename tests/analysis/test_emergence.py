"""Analyses along the checkpoints."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hmmdsl.analysis.attention.record import AttentionByLag
from hmmdsl.analysis.baselines.record import Baselines
from hmmdsl.analysis.distances.record import Distances
from hmmdsl.analysis.distinctions.record import Distinctions
from hmmdsl.analysis.emergence.record import Emergence
from hmmdsl.analysis.information.record import Information
from hmmdsl.analysis.intervention.record import Intervention
from hmmdsl.analysis.learning.record import Learning
from hmmdsl.analysis.loss.record import Loss
from hmmdsl.analysis.patching.record import Patching
from hmmdsl.analysis.pca.record import Pca
from hmmdsl.analysis.reading.controls import Untrained
from hmmdsl.analysis.regression.record import Regression
from hmmdsl.analysis.subspaces.record import Subspaces
from hmmdsl.schema.analysis import Analysis
from tests.analysis.invented import inputs_of, invented_run, rrxor, surroundings
from tests.analysis.real_networks import real_run
from tests.analysis.shapes import assert_shape

BELIEFS = Regression.model_validate({"of": "fit", "at": ["blocks", "concat"], "controls": ["held_out", "noise"]})
BOTH = Regression.model_validate({"of": "fit", "at": "concat", "target": ["next_token", "belief"]})


@pytest.mark.parametrize(
    "inner", [BELIEFS, BOTH, Distances(of="beliefs.concat", against=["belief", "next_token"]), Loss(of="fit")]
)
def test_the_last_checkpoint_is_the_analysis_itself(inner: Analysis) -> None:
    run = invented_run()
    analyses: dict[str, Analysis] = {"beliefs": BELIEFS, "inner": inner}
    around = surroundings(run, **analyses)
    analysis = Emergence(of="inner")
    assert analysis.problems(around) == []
    outcomes = {"beliefs": BELIEFS.compute(inputs_of("beliefs", run))}
    outcomes["inner"] = inner.compute(inputs_of("inner", run, outcomes, **analyses))
    found = analysis.compute(inputs_of("along", run, outcomes, **analyses))
    assert_shape(found.results, analysis.results(around))
    assert [one["step"] for one in found.results["checkpoint"]] == list(run.steps)
    _assert_part_of(found.results["checkpoint"][-1], outcomes["inner"].results)


READERS: tuple[Analysis, ...] = (
    Pca(of="fit"),
    Distinctions(of="fit"),
    Information(of="fit", at=["blocks"], k=1),
    Learning(of="fit"),
    Baselines(of="fit", features=8, folds=3, longest=1),
    Subspaces(between="both.concat"),
)
NETWORKS: tuple[Analysis, ...] = (
    AttentionByLag(of="fit", controls=[Untrained()]),
    Patching(of="fit", source="0 1 1", base="0 0 1"),
    Intervention(probe="beliefs.block[1]", controls=["random", "untrained"], strengths=()),
)


@pytest.mark.parametrize("inner", [*READERS, *NETWORKS], ids=lambda inner: inner.kind)
def test_every_kind_is_repeated_and_ends_in_the_analysis_itself(inner: Analysis) -> None:
    run = real_run(rrxor()) if inner in NETWORKS else invented_run(context=5)
    both = Regression.model_validate({"of": "fit", "at": ["concat"], "target": ["belief", "next_token"]})
    analyses: dict[str, Analysis] = {"beliefs": BELIEFS, "both": both, "inner": inner}
    around = surroundings(run, **analyses)
    analysis = Emergence(of="inner")
    assert analysis.problems(around) == []
    whole = inner.compute(inputs_of("inner", run, **analyses))
    found = analysis.compute(inputs_of("along", run, {"inner": whole}, **analyses))
    assert_shape(found.results, analysis.results(around))
    _assert_part_of(found.results["checkpoint"][-1], whole.results)
    first, last = found.results["checkpoint"][0], found.results["checkpoint"][-1]
    assert {**first, "step": 0} != {**last, "step": 0}
    drawn = analysis.figures(found, inputs_of("along", run, **analyses))
    (axes,) = drawn["curve"].axes
    assert axes.lines
    assert axes.get_ylabel() == inner.headline


def _assert_part_of(part: Any, whole: Any) -> None:
    if isinstance(part, dict):
        for name in part:
            if name != "step":
                _assert_part_of(part[name], whole[name])
    elif isinstance(part, list):
        for one, other in zip(part, whole, strict=True):
            _assert_part_of(one, other)
    else:
        assert part == pytest.approx(whole, abs=1e-12)


def test_the_geometry_of_some_checkpoints_is_kept() -> None:
    run = invented_run()
    outcomes = {"beliefs": BELIEFS.compute(inputs_of("beliefs", run))}
    arrays = Emergence(of="beliefs").compute(inputs_of("x", run, outcomes, beliefs=BELIEFS)).arrays
    kept = {int(name.split(".")[0]) for name in arrays if name.endswith("predicted")}
    assert {0, run.steps[-1]} <= kept <= set(run.steps)
    final = arrays[f"{run.steps[-1]}.belief.concat.predicted"]
    assert np.array_equal(final, outcomes["beliefs"].arrays["belief.concat.predicted"])


def test_an_emergence_of_an_emergence_is_a_mistake() -> None:
    around = surroundings(invented_run(), beliefs=BELIEFS, along=Emergence(of="beliefs"))
    (problem,) = Emergence(of="along").problems(around)
    assert (problem.code, problem.path) == ("E0824", ("of",))
