"""Every kind draws its figures, for processes of two, three and more states."""

from __future__ import annotations

from fractions import Fraction

import pytest

from hmmdsl.analysis.distances.record import Distances
from hmmdsl.analysis.distinctions.record import Distinctions
from hmmdsl.analysis.emergence.record import Emergence
from hmmdsl.analysis.loss.record import Loss
from hmmdsl.analysis.pca.record import Pca
from hmmdsl.analysis.regression.record import Regression
from hmmdsl.analysis.subspaces.record import Subspaces
from hmmdsl.process.process import Process
from hmmdsl.schema.analysis import Analysis
from tests.analysis.invented import inputs_of, invented_run, mess3, rrxor, surroundings
from tests.analysis.shapes import assert_drawn_whole

HALF = Fraction(1, 2)
EVEN = Process(
    "even", ("0", "1"), ("A", "B"), ({(0, 0): HALF}, {(0, 1): HALF, (1, 0): Fraction(1)}), (Fraction(2, 3), Fraction(1, 3))
)
COIN = Process("coin", ("h", "t"), ("S",), ({(0, 0): HALF}, {(0, 0): HALF}), (Fraction(1),))


@pytest.mark.parametrize(
    ("process", "bos"),
    [(rrxor(), True), (mess3(), False), (EVEN, False), (COIN, False)],
    ids=lambda value: value.name if isinstance(value, Process) else "",
)
def test_figures_are_drawn_and_captioned(process: Process, bos: bool) -> None:
    run = invented_run(process, context=4, bos=bos)
    controls = ["held_out", "untrained", {"kind": "shuffled", "repeats": 2}, "noise"]
    analyses: dict[str, Analysis] = {
        "beliefs": Regression.model_validate(
            {"of": "fit", "at": ["blocks", "final_norm", "concat"], "target": ["belief", "next_token"], "controls": controls}
        ),
        "single": Regression.model_validate({"of": "fit", "at": "final_norm"}),
        "geometry": Distances(of="single", against=["belief", "next_token"]),
        "losses": Loss(of="fit"),
        "along": Emergence(of="single"),
        "along_loss": Emergence(of="losses"),
        "along_geometry": Emergence(of="geometry"),
    }
    outcomes = {}
    names: dict[str, set[str]] = {}
    for name, analysis in analyses.items():
        inputs = inputs_of(name, run, outcomes, **analyses)
        assert not [problem for problem in analysis.problems(surroundings(run, **analyses)) if problem.code.startswith("E")]
        outcomes[name] = analysis.compute(inputs)
        figures = analysis.figures(outcomes[name], inputs)
        names[name] = set(figures)
        for figure in figures.values():
            assert_drawn_whole(figure)
        assert all("histories" in analysis.caption(figure, outcomes[name]) for figure in figures)
    assert names["beliefs"] == {"geometry", "points", "positions"}
    assert names["single"] == {"geometry", "positions"}  # one score alone is no picture
    assert names["geometry"] == {"scatter"}
    assert names["losses"] == {"positions"}
    assert names["along"] == {"curve", "strip"}
    assert names["along_loss"] == names["along_geometry"] == {"curve"}


@pytest.mark.parametrize(("process", "bos"), [(rrxor(), True), (COIN, False)], ids=["rrxor", "coin"])
def test_figures_of_the_geometry_of_activations_are_drawn_and_captioned(process: Process, bos: bool) -> None:
    run = invented_run(process, context=4, bos=bos)
    several = ["untrained", {"kind": "shuffled", "repeats": 2}]
    beliefs = Regression.model_validate({"of": "fit", "at": ["blocks"], "target": ["belief", "next_token"]})
    analyses: dict[str, Analysis] = {
        "dims": Pca.model_validate({"of": "fit", "by_position": True, "controls": ["untrained", "held_out"]}),
        "angles": Subspaces.model_validate({"between": "beliefs", "controls": several}),
        "apart": Distinctions.model_validate({"of": "fit", "controls": several}),
    }
    names: dict[str, set[str]] = {}
    for name, analysis in analyses.items():
        inputs = inputs_of(name, run, beliefs=beliefs)
        outcome = analysis.compute(inputs)
        figures = analysis.figures(outcome, inputs)
        names[name] = set(figures)
        for figure in figures.values():
            assert_drawn_whole(figure)
        assert all("istories" in analysis.caption(figure, outcome) for figure in figures)
    assert names["dims"] == {"variance", "positions"}
    assert names["angles"] == {"overlap", "angles"}
    assert names["apart"] == {"scatter", "distances", "followed"} if bos else {"scatter", "distances"}
