"""Targets of a regression as a spec writes them, and what is told of those that are not there."""

from __future__ import annotations

import pytest

from hmmdsl.analysis import kinds
from hmmdsl.analysis.distances.record import Distances
from hmmdsl.analysis.reading.targets import FutureTarget
from hmmdsl.analysis.regression.record import Regression
from hmmdsl.language.experiment_file import read_experiment, write_experiment
from tests.language.record_specs import RUN, compiled, messages, only

PARTS = """
import std.processes (mess3, rrxor, coin, bloch_walk)
process tasks = mixture(A = mess3(), B = mess3(0.15, 0.7), weights = [1/2, 1/2])
process pair  = product(left = tasks, right = coin())
process which = switch(top = coin(), heads = mess3(), tails = rrxor(), end = 0.1)
model net: transformer { layers = 1, context = 3 }
"""


def target(written: str) -> object:
    found = compiled(RUN + f"analysis x: regression {{ of = fit, target = {written}, at = final_norm }}")
    analysis = found.experiment.analyses["x"]
    assert isinstance(analysis, Regression)
    return analysis.target


@pytest.mark.parametrize("written", ["future(3)", "future { k = 3 }", "future(1 + 2)"])
def test_a_future_is_a_call_or_a_record(written: str) -> None:
    assert target(written) == FutureTarget(k=3)
    assert target(f"[belief, {written}, state]") == ("belief", FutureTarget(k=3), "state")


def test_a_future_has_a_path_of_its_own_in_a_list_only() -> None:
    ahead = "analysis x: regression { of = fit, target = [state, future(2)], at = final_norm }\n"
    claims = (
        "expect x.future_2.r2 > 0\nexpect x.state.accuracy > x.state.best_accuracy - 1\nexpect x.state.r2 < x.state.ceiling\n"
    )
    compiled(RUN + ahead + claims)
    compiled(RUN + "analysis x: regression { of = fit, target = future(2), at = final_norm }\nexpect x.r2 > 0\n")
    assert only(RUN + ahead + "expect x.future.r2 > 0\n").code == "E0701"
    assert only(RUN + ahead + "expect x.future_2.accuracy > 0\n").code == "E0701"


def test_distances_are_against_futures_too() -> None:
    text = RUN + "analysis b: regression { of = fit, at = concat }\nanalysis x: distances { of = b, against = %s }\n"
    for written, against in (("future(2)", FutureTarget(k=2)), ("[belief, future(2)]", ("belief", FutureTarget(k=2)))):
        analysis = compiled(text % written).experiment.analyses["x"]
        assert isinstance(analysis, Distances)
        assert analysis.against == against
    compiled(text % "[next_token, future(2)]" + "expect x.future_2.r2 < x.next_token.r2 + 1\n")


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("future", "E0503"),
        ("future {}", "E0503"),
        ("future(0)", "E0505"),
        ("future(1/2)", "E0507"),
        ("future(k = 2)", "E0504"),
        ("future(1, 2)", "E0504"),
        ("future { k = 2, n = 2 }", "E0501"),
        ("future(40)", "E0560"),
        ("block(2)", "E0504"),
        ("[]", "E0513"),
        ("future_2", "E0825"),
        ("[future(2), future { k = 2 }]", "E0822"),
    ],
)
def test_a_wrong_future_is_told_with_a_cure(written: str, code: str) -> None:
    found = only(RUN + f"analysis x: regression {{ of = fit, target = {written}, at = final_norm }}")
    assert found.code == code
    assert found.help


def test_an_experiment_file_keeps_the_targets() -> None:
    text = RUN + "analysis x: regression { of = fit, target = [state, future(2), belief], at = final_norm }\n"
    experiment = compiled(text).experiment
    assert read_experiment(write_experiment(experiment), "experiment.yaml", kinds()) == experiment


@pytest.mark.parametrize(
    ("process", "written", "known"),
    [
        ("tasks", "within.C", ["`component`", "`within.A`", "`within.B`", "`state`", "`future(k)`"]),
        ("tasks", "factor.A", ["`component`", "`within.A`", "`within.B`"]),
        ("pair", "factor.middle", ["`factor.left`", "`factor.left.component`", "`factor.left.within.A`", "`factor.right`"]),
        ("pair", "factor.left.within.C", ["`factor.left.within.A`", "`factor.left.within.B`"]),
        ("which", "within.sides", ["`within.heads`", "`within.tails`", "`component`"]),
        ("rrxor()", "component", ["`belief`", "`next_token`", "`state`", "`future(k)`"]),
        ("bloch_walk()", "state", ["`belief`", "`next_token`", "`future(k)`"]),
    ],
)
def test_a_target_that_is_not_there_lists_those_that_are(process: str, written: str, known: list[str]) -> None:
    text = PARTS + f"train fit {{ process = {process}, model = net }}\n"
    found = [
        one
        for one in messages(text + f"analysis x: regression {{ of = fit, target = [belief, {written}], at = final_norm }}\n")
        if one.code.startswith("E")
    ]
    assert [one.code for one in found] == ["E0561" if written == "state" else "E0825"]
    assert found[0].help is not None
    for one in known:
        assert one in found[0].help


def test_drawn_words_of_fewer_histories_than_features_are_a_warning() -> None:
    analysis = "analysis x: regression { of = fit, at = concat, histories = sampled { words = 30 } }\n"
    found = only(RUN + analysis)
    assert found.code == "W0960"
    assert "300 histories" in found.message
