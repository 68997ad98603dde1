"""Replication in the language: the seeds, how often a claim must hold, which claims a seed changes, and what is refused."""

from __future__ import annotations

import pytest

from hmmdsl.analysis import kinds
from hmmdsl.language.diagnostics import Diagnostics, SpecError
from hmmdsl.language.elaborate import compile_experiment, compile_text
from hmmdsl.language.experiment_file import read_experiment, write_experiment
from hmmdsl.language.formatting.formatter import format_file
from hmmdsl.language.parser import parse
from hmmdsl.language.replication import member, seeds_of
from hmmdsl.language.source import Source
from tests.language.record_specs import compiled, only

HEAD = """
import std.processes (golden_mean)
model net: transformer { layers = 1, d_model = 8, context = 3 }
train fit { process = golden_mean(), model = net, steps = 3, seed = 5 }
train late { process = golden_mean(), model = net, steps = 3, seed = 7, start_from = fit }
analysis beliefs: regression { of = late, at = [blocks], controls = [held_out] }
analysis about: portrait { process = golden_mean() }
sweep wide { net.d_model = [4, 8] }
sweep again { net.d_model = [4, 8], fit.seed = 0..3 }
"""
SEEDS = HEAD + "replicate { seeds = 0..8 }\n"


def test_it_is_kept_with_the_experiment_and_the_claim() -> None:
    found = compiled(
        SEEDS + 'expect "most" in 6 of 8: fit.gap < 1\nexpect in 8 of 8: fit.gap < 2\nexpect fit.gap < 3\n'
    ).experiment
    assert found.replicate is not None
    assert found.replicate.seeds == tuple(range(8))
    assert [claim.often for claim in found.expect] == [(6, 8), (8, 8), None]
    assert found.expect[0].claim == "fit.gap < 1"


def test_the_one_layout_of_how_often() -> None:
    text = 'expect  "a"   in 6  of 8 :x<1\nexpect in 1_0 of 12:x<1\n'
    assert format_file(parse(Source("a.hmm", text), Diagnostics())) == (
        'expect "a" in 6 of 8: x < 1\nexpect in 10 of 12: x < 1\n'
    )


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("expect in 9 of 8: fit.gap < 1", "E0727"),
        ("expect in 0 of 8: fit.gap < 1", "E0727"),
        ("expect in 0 of 0: fit.gap < 1", "E0727"),
        ("expect in 3 of 4: fit.gap < 1", "E0728"),
        ("expect in 8 of 8: about.entropy_rate.bits < 1", "E0729"),
        ("expect in 8 of 8: all(mean(again.fit.gap over fit.seed) < 1)", "E0729"),
        ("replicate { seeds = [1, 2] }", "E0223"),
        ("profile quick { replicate.seeds = 0..2 }", "E0224"),
        ("profile quick { replicate { seeds = 0..2 } }", "E0224"),
    ],
)
def test_what_does_not_go_with_eight_seeds(text: str, code: str) -> None:
    assert only(SEEDS + text).code == code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("expect in 6 of 8: fit.gap < 1", "E0728"),
        ("replicate { seeds = 8 }", "E0504"),
        ("replicate { seeds = 0..0 }", "E0519"),
        ("replicate { seeds = [] }", "E0519"),
        ("replicate { seeds = [0, 3, 0] }", "E0519"),
        ("replicate { seeds = [-1, 2] }", "E0505"),
        ("replicate { seeds = 0..10^12 }", "E0513"),
        ("replicate { seeds = 0..3400 }", "E0555"),
        ("replicate { seeds = [2^63 - 7] }", "E0505"),
        ("replicate { }", "E0503"),
        ("replicate all { seeds = 0..2 }", "E0221"),
        ("sweep s { replicate.seeds = 0..2 }", "E0550"),
        ("expect in 6: fit.gap < 1", "E0147"),
        ('expect "a" 6 of 8: fit.gap < 1', "E0147"),
        ('expect "a": in 6 of 8: fit.gap < 1', "E0147"),
    ],
)
def test_what_is_wrong_with_seeds(text: str, code: str) -> None:
    assert only(HEAD + text).code == code


def test_a_claim_that_is_judged_once_may_say_so() -> None:
    assert compiled(HEAD + "expect in 1 of 1: about.entropy_rate.bits < 1\n").claims[0].often == (1, 1)


def test_seeds_of_the_command_line_stand_for_those_of_the_file() -> None:
    text = SEEDS + "expect fit.gap < 1\n"
    found = compile_text(text, "a.hmm", kinds(), seeds=(0, 4)).experiment.replicate
    assert found is not None
    assert found.seeds == (0, 4)
    assert compile_text(text, "a.hmm", kinds(), seeds=(0,)).experiment.replicate is None
    with pytest.raises(SpecError) as told:
        compile_text("import std.processes (coin)\nanalysis a: portrait { process = coin() }\n", "a.hmm", kinds(), seeds=(0, 1))
    assert [each.code for each in told.value.diagnostics] == ["E0556"]


def test_an_experiment_file_passes_the_same_checks() -> None:
    written = write_experiment(compiled(SEEDS + "expect in 6 of 8: fit.gap < 1\n").experiment)
    for wrong, code in {"often: [6, 8]": "", "often: [9, 8]": "E0727", "often: [3, 4]": "E0728"}.items():
        experiment = read_experiment(written.replace("often: [6, 8]", wrong), "e.yaml", kinds())
        try:
            compile_experiment(experiment, kinds())
            found = ""
        except SpecError as error:
            found = error.diagnostics[-1].code
        assert found == code
    with pytest.raises(SpecError):
        read_experiment(written.replace("seeds: [0, 1,", "seeds: [1, 1,"), "e.yaml", kinds())


@pytest.mark.parametrize("text", ["0", "-1", "x", "1.5", "3..3", "5..2", "0,0", "9" * 19, "0..=9_000_000_000", "", "1,"])
def test_what_is_no_seeds(text: str) -> None:
    with pytest.raises(ValueError, match=r"seed"):
        seeds_of(text)


def test_a_seed_is_added_to_every_train_and_to_sweeps_without_seeds() -> None:
    spec = compiled(SEEDS)
    found = member(spec.experiment, spec.sweeps, 3)
    assert {name: train.seed for name, train in found.experiment.trains.items()} == {"fit": 8, "late": 10}
    assert list(found.sweeps) == ["wide"]
    assert [point.experiment.trains["fit"].seed for point in found.sweeps["wide"].points] == [8, 8]
    assert [point.experiment.models for point in found.sweeps["wide"].points] == [
        point.experiment.models for point in spec.sweeps["wide"].points
    ]
    assert member(spec.experiment, spec.sweeps, 0).experiment == spec.experiment


@pytest.mark.parametrize(
    ("claim", "changes"),
    [
        ("fit.gap < 1", True),
        ("beliefs.block[0].r2 < 1", True),
        ("about.entropy_rate.bits < 1", False),
        ("about.entropy_rate.bits < fit.gap", True),
        ("fit.optimum < 1", False),
        ("all(wide.fit.gap < 1)", True),
        ("all(wide.about.entropy_rate.bits < 1)", False),
        ("all(mean(again.fit.gap over fit.seed) < 1)", False),
        ("all(mean(again.fit.gap over fit.seed) < fit.gap)", True),
    ],
)
def test_which_claims_another_seed_changes(claim: str, changes: bool) -> None:
    spec = compiled(SEEDS + f"expect {claim}\n")
    assert spec.claims[0].reseeded is changes
