"""Sweeps as a user writes them: axes, points, what is wrong with them, and the way through YAML."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmmdsl.analysis import kinds
from hmmdsl.language.diagnostics import SpecError
from hmmdsl.language.elaborate import compile_text
from hmmdsl.language.experiment_file import read_experiment, write_experiment
from hmmdsl.language.resolved import compile_experiment
from hmmdsl.language.sweeps.compiled import Point
from hmmdsl.schema.sweep import places
from tests.language.record_specs import at, compiled, messages, only

HEAD = """
import std.processes (rrxor, mess3)
param eps = 0.02
param heads = 2
process noisy = leak(rrxor(), eps)
model net: transformer { layers = 1, heads = heads, d_model = 16, context = 3 }
train fit { process = noisy, model = net, steps = 3, optimizer = adamw { lr = 3e-3 } }
analysis beliefs: regression { of = fit, at = [blocks], controls = [held_out] }
"""


def points(sweep: str) -> tuple[Point, ...]:
    return compiled(f"{HEAD}sweep it {{ {sweep} }}\n").sweeps["it"].points


def numbers_of(point: Point) -> object:
    """The records of a point, its process in the place of its name."""
    train = point.experiment.trains["fit"]
    process = point.experiment.processes[train.process].model_copy(update={"name": ""})
    return point.experiment.models, train.model_copy(update={"process": ""}), process, point.experiment.analyses


def test_axes_are_a_product_with_the_last_fastest() -> None:
    found = points("net.d_model = [8, 16], fit.seed = 0..3")
    seen = [(p.experiment.models["net"].d_model, p.experiment.trains["fit"].seed) for p in found]
    assert seen == [(8, 0), (8, 1), (8, 2), (16, 0), (16, 1), (16, 2)]
    assert [p.at for p in found] == list(places([2, 3]))


def test_zipped_paths_go_together() -> None:
    found = points("zip(fit.steps = [10, 20], fit.optimizer.lr = [1e-3, 1e-4]), fit.seed = [5]")
    assert [(p.experiment.trains["fit"].steps, p.experiment.trains["fit"].optimizer.lr) for p in found] == [
        (10, 1e-3),
        (20, 1e-4),
    ]


@pytest.mark.parametrize(
    ("axis", "settings"),
    [
        ("fit.process = [mess3(0.05), rrxor()]", [{"fit.process": "mess3(0.05)"}, {"fit.process": "rrxor()"}]),
        ("eps = [0.01, 1/10]", [{"eps": "0.01"}, {"eps": "1/10"}]),
        ("heads = 1..=2", [{"heads": "1"}, {"heads": "2"}]),
        ("fit.optimizer = [sgd, adam { lr = 0.1 }]", [{"fit.optimizer": "sgd"}, {"fit.optimizer": "adam { lr = 0.1 }"}]),
        ("fit.optimizer.lr = linspace(1/10, 2/10, 2)", [{"fit.optimizer.lr": "0.1"}, {"fit.optimizer.lr": "0.2"}]),
        ("net.activation = [relu, gelu]", [{"net.activation": "relu"}, {"net.activation": "gelu"}]),
        ("beliefs.at = [[blocks], [concat]]", [{"beliefs.at": "[blocks]"}, {"beliefs.at": "[concat]"}]),
        ("net.bos = [true, false]", [{"net.bos": "true"}, {"net.bos": "false"}]),
    ],
)  # fmt: skip
def test_a_point_is_the_experiment_with_those_settings(axis: str, settings: list[dict[str, str]]) -> None:
    found = points(axis)
    assert len(found) == len(settings)
    for point, setting in zip(found, settings, strict=True):
        alone = compiled(HEAD, setting)
        assert numbers_of(point) == numbers_of(Point((), alone.experiment, alone.processes))
        assert point.experiment.params == alone.experiment.params


@given(widths=st.lists(st.sampled_from([4, 8, 12, 16]), min_size=1, max_size=3, unique=True), seeds=st.integers(1, 4),
       rates=st.lists(st.integers(1, 9), min_size=1, max_size=3, unique=True))  # fmt: skip
@settings(max_examples=15, deadline=None)
def test_a_sweep_has_as_many_points_as_its_axes_have_places_together(widths: list[int], seeds: int, rates: list[int]) -> None:
    zipped = f"zip(fit.optimizer.lr = {[r / 10 for r in rates]}, fit.steps = {rates})"
    spec = f"net.d_model = {widths}, fit.seed = 0..{seeds}, {zipped}"
    found = points(spec)
    assert len(found) == math.prod([len(widths), seeds, len(rates)])
    assert len({p.at for p in found}) == len(found)
    for point in found:
        train = point.experiment.trains["fit"]
        assert train.optimizer.lr == train.steps / 10


def test_records_that_no_axis_touches_are_the_experiments_own() -> None:
    spec = compiled(f"{HEAD}sweep it {{ fit.seed = 0..3 }}\n")
    for point in spec.sweeps["it"].points:
        assert point.experiment.models["net"] is spec.experiment.models["net"]
        assert point.processes["noisy"] is spec.processes["noisy"]


def test_the_longer_of_two_paths_completes_the_shorter_in_whatever_order() -> None:
    for axes in ("fit.optimizer.lr = [0.5], fit.optimizer = [sgd]", "fit.optimizer = [sgd], fit.optimizer.lr = [0.5]"):
        optimizer = points(axes)[0].experiment.trains["fit"].optimizer
        assert (optimizer.kind, optimizer.lr) == ("sgd", 0.5)


def test_a_profile_and_a_setting_may_give_an_axis_other_values() -> None:
    text = f"{HEAD}sweep it {{ fit.seed = 0..9 }}\nprofile smoke {{ it.fit.seed = [4] }}\n"
    assert len(compiled(text).sweeps["it"].points) == 9
    assert [p.experiment.trains["fit"].seed for p in compiled(text, profile="smoke").sweeps["it"].points] == [4]
    assert len(compiled(text, {"it.fit.seed": "0..2"}).sweeps["it"].points) == 2
    assert only(text, {"it.fit.sed": "0..2"}).code == "E0520"


def test_an_experiment_with_sweeps_goes_through_yaml_and_back() -> None:
    text = (
        f"{HEAD}sweep it {{ eps = [0.01, 0.1], zip(net.d_model = [8, 16], fit.process = [mess3(), noisy]), fit.seed = 0..2 }}\n"
    )
    spec = compiled(f"{text}expect all(it.fit.loss < 3)\n")
    written = write_experiment(spec.experiment)
    again = compile_experiment(read_experiment(written, "experiment.yaml", kinds()), kinds())
    assert write_experiment(again.experiment) == written
    assert [numbers_of(p) for p in again.sweeps["it"].points] == [numbers_of(p) for p in spec.sweeps["it"].points]
    assert [claim.text for claim in again.claims] == [claim.text for claim in spec.claims]


def test_a_changed_experiment_file_is_checked_point_by_point() -> None:
    written = write_experiment(compiled(f"{HEAD}sweep it {{ fit.seed = 0..2 }}\n").experiment)
    for wrong, code in (("{seed: -1}", "E0542"), ("{process: nowhere}", "E0510")):
        changed = read_experiment(written.replace("{seed: 1}", wrong), "experiment.yaml", kinds())
        with pytest.raises(SpecError) as caught:
            compile_experiment(changed, kinds())
        (message,) = caught.value.diagnostics
        assert message.code == code
        assert "fit.seed = 1" in message.message


@pytest.mark.parametrize(
    ("axes", "code", "place"),
    [
        ("fit.sede = 0..3", "E0501", "sede"),
        ("fit.seed = [0, -1]", "E0505", "-1"),
        ("net.d_model = [8, relu]", "E0504", "relu"),
        ("net.activation = [relu, tanh]", "E0506", "tanh"),
        ("fit.process = [rrxor(), mess(0.1)]", "E0510", "mess"),
        ("fit.process = [rrxor(), mess3(2)]", "E0302", None),
        ("fit = [1, 2]", "E0550", "fit"),
        ("eps.x = [1, 2]", "E0550", "x"),
        ("rrxor = [1, 2]", "E0550", "rrxor"),
        ("beliefs.at = [[block], [blocks]]", "E0506", None),
        ("fit.seed = 0..10^9", "E0555", "0..10^9"),
        ("fit.optimizer.lr = 0..0.5", "E0551", "0..0.5"),
        ("zip(fit.seed)", "E0557", "fit.seed"),
        ("zip(fit.seed = 0..2, fit.seed = 0..2)", "E0554", "fit.seed"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_an_axis_is_told_at_its_place(axes: str, code: str, place: str | None) -> None:
    found = [d for d in messages(f"{HEAD}sweep it {{ {axes} }}\n") if d.severity == "error"]
    assert found
    if place is not None:
        assert (found[0].code, at(found[0])) == (code, place)


def test_fields_that_do_not_fit_together_are_told_of_the_combination() -> None:
    text = HEAD.replace("heads = heads, ", "")
    assert messages(f"{text}sweep it {{ net.heads = [1, 3], net.d_model = [9, 27] }}\n") == []
    found = only(f"{text}sweep it {{ net.heads = [1, 3], net.d_model = [8, 9] }}\n")
    assert "3 heads do not divide d_model = 8" in found.message


def test_an_analysis_that_does_not_fit_one_point_is_told_with_the_point() -> None:
    text = HEAD.replace("layers = 1", "layers = 2") + "analysis far: distances { of = beliefs.block[1], against = [belief] }\n"
    assert messages(text) == []
    found = only(f"{text}sweep it {{ net.layers = [2, 1] }}\n")
    assert "where net.layers = 1" in found.message
    assert at(found) == "1"


STARTS = """
import std.processes (golden_mean, mess3)
model net: transformer { layers = 1, d_model = 8, context = 3 }
model wide: rnn { layers = 1, d_model = 16, context = 30 }
model table: ngram { n = 2, context = 3 }
train a { process = golden_mean(), model = net, steps = 2 }
train b { process = golden_mean(), model = net, freeze = [unembedding], steps = 2, objective = future { k = 2 } }
train c { process = golden_mean(), model = net, start_from = a, steps = 2 }
train d { process = golden_mean(), model = table }
train e { process = golden_mean(), model = table, start_from = d }
train g { process = golden_mean(), model = net, steps = 2, objective = adversarial, data = exact }
"""


@pytest.mark.parametrize(
    ("axis", "code", "place"),
    [
        ("zip(c.start_from = [a, b], b.start_from = [a, c])", "E0840", "b"),
        ("c.model = [net, wide]", "E0841", "wide"),
        ("a.model = [net, wide]", "E0841", "wide"),  # of the train that starts from it
        ("b.freeze = [[unembedding], [embedding, body, unembedding]]", "E0842", "[embedding, body, unembedding]"),
        ("b.freeze = [[body], [block { index = 5 }]]", "E0843", "[block { index = 5 }]"),
        ("b.objective.k = [2, 40]", "E0844", "40"),
        ("g.model = [net, wide]", "E0845", "wide"),
        ("g.data.withhold = [0, 0.2]", "E0846", "0.2"),
        ("e.process = [golden_mean(), mess3()]", "E0847", "mess3()"),
    ],
)
def test_a_point_is_refused_for_what_the_spec_itself_is_refused_for(axis: str, code: str, place: str) -> None:
    told = messages(f"{STARTS}sweep it {{ {axis} }}\n")
    assert {(message.code, at(message)) for message in told if message.severity == "error"} == {(code, place)}
    assert all(message.help and " where " in message.message for message in told if message.severity == "error")


def test_a_point_of_an_experiment_file_is_refused_for_it_too() -> None:
    written = write_experiment(compiled(f"{STARTS}sweep it {{ b.objective.k = [2, 3] }}\n").experiment)
    changed = written.replace("k: 3", "k: 40")
    assert changed != written
    with pytest.raises(SpecError) as raised:
        compile_experiment(read_experiment(changed, "experiment.yaml", kinds()), kinds())
    assert "E0844" in {message.code for message in raised.value.diagnostics}


def test_the_number_of_points_may_be_allowed() -> None:
    text = f"{HEAD}sweep it {{ fit.seed = 0..11, fit.steps = 1..=10 }}\n"
    with pytest.raises(SpecError, match="110 points"):
        compile_text(text, "spec.hmm", kinds(), max_points=109)
    assert len(compile_text(text, "spec.hmm", kinds(), max_points=110).sweeps["it"].points) == 110


def test_a_network_that_only_a_sweep_trains_is_no_network_that_is_never_trained() -> None:
    text = HEAD + "model other: gru { d_model = 16, context = 3 }\nmodel idle: lstm { d_model = 16, context = 3 }\n"
    warned = messages(f"{text}sweep it {{ fit.model = [net, other] }}\n")
    assert [(warning.code, at(warning)) for warning in warned if warning.code == "W0954"] == [("W0954", "idle")]
