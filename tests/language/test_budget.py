"""What would keep the compiler busy or fill its memory is refused, or costs in proportion to its length."""

from __future__ import annotations

import tracemalloc
from itertools import pairwise

import pytest

from hmmdsl.analysis import kinds
from hmmdsl.language.diagnostics import Diagnostic, Diagnostics, SpecError
from hmmdsl.language.elaborate import compile_experiment, compile_text
from hmmdsl.language.experiment_file import read_experiment, write_experiment
from hmmdsl.language.parser import parse
from hmmdsl.language.parsing import scanner
from hmmdsl.language.source import Source
from hmmdsl.language.sweeps import points
from hmmdsl.language.values.budget import RECORDS, STARTS
from hmmdsl.process import allowance
from tests.language.record_specs import RUN


def only(text: str) -> Diagnostic:
    with pytest.raises(SpecError) as error:
        compile_text(text, "spec.hmm", kinds())
    (found,) = error.value.diagnostics
    return found


def chain(length: int) -> list[str]:
    """Trains that start from one another, the first from RUN's own."""
    before = ["fit", *(f"t{k}" for k in range(length))]
    lines = [f"train {name} {{ process = rrxor(), model = net, start_from = {start}" for start, name in pairwise(before)]
    return [f"{line}, steps = 2 }}" for line in lines]


@pytest.mark.parametrize("record", ["profile p{} {{ fit.steps = 3 }}", "model m{}: ngram {{ n = 2, context = 3 }}"])
def test_more_records_than_are_read_are_told_at_the_first(record: str) -> None:
    found = only(RUN + "\n".join(record.format(k) for k in range(RECORDS)))
    assert found.code == "E0405"
    assert found.span is not None
    assert "sweep" in found.help


def test_a_chain_of_starts_has_a_limit_in_whatever_order() -> None:
    for lines in (chain(STARTS), chain(STARTS)[::-1]):
        found = only(RUN + "\n".join(lines))
        assert (found.code, found.span is not None) == ("E0405", True)
        assert f"more than {STARTS} trains in a row" in found.message


def test_a_long_chain_that_is_declared_backwards_is_trained_from_its_first() -> None:
    experiment = compile_text(RUN + "\n".join(chain(STARTS - 1)[::-1]), "spec.hmm", kinds()).experiment
    order = [name for name, _ in experiment.in_order()]
    assert order == ["fit", *(f"t{k}" for k in range(STARTS - 1))]
    again = read_experiment(write_experiment(experiment), "experiment.yaml", kinds())
    assert compile_experiment(again, kinds()).experiment.trains == experiment.trains


def test_an_experiment_file_has_the_same_limits() -> None:
    experiment = compile_text(RUN, "spec.hmm", kinds()).experiment
    (train,) = experiment.trains.values()
    named = {f"t{k}": train.model_copy(update={"start_from": f"t{k - 1}" if k else None}) for k in range(STARTS + 1)}
    many = {f"t{k}": train for k in range(RECORDS)}
    for trains in (named, many):
        with pytest.raises(SpecError, match="E0405"):
            compile_experiment(experiment.model_copy(update={"trains": trains}), kinds())


@pytest.mark.parametrize("inside", ["x" * 900_000, '\\"' * 450_000])
def test_a_long_text_takes_memory_in_proportion(inside: str) -> None:
    source = Source("spec.hmm", f'param a = "{inside}"\n')
    parse(Source("spec.hmm", ""), Diagnostics())  # the tables are loaded once
    tracemalloc.start()
    parse(source, Diagnostics())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20 * len(source.text)


def test_analyses_that_refer_to_one_another_in_a_long_chain_are_read_in_any_order() -> None:
    lines = [f"analysis r{k}: regression {{ of = fit, at = [concat], without = r{k + 1} }}" for k in range(199)]
    compiled = compile_text(RUN + "\n".join(lines) + "\nanalysis r199: regression { of = fit }", "spec.hmm", kinds())
    assert list(compiled.experiment.analyses)[-1] == "r0"
    circle = [*lines, "analysis r199: regression { of = fit, without = r0 }"]
    with pytest.raises(SpecError) as error:
        compile_text(RUN + "\n".join(circle), "spec.hmm", kinds())
    assert {found.code for found in error.value.diagnostics} == {"E0517"}


def test_random_processes_cost_what_they_take_before_they_are_made() -> None:
    found = only("process p = random_hmm(states = 65536, tokens = 2, seed = 0, outcomes = 2)")
    assert found.code == "E0405"


def test_the_points_of_a_sweep_share_one_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = (
        "param n = 0\nprocess p = random_hmm(states = 10, tokens = 2, seed = n)\n"
        "model net: ngram { n = 1, context = 1 }\ntrain fit { process = p, model = net, steps = 1 }\nsweep s { n = 0..30 }\n"
    )
    assert len(compile_text(spec, "spec.hmm", kinds()).sweeps["s"].points) == 30
    monkeypatch.setattr(points, "SWEPT", 40_000)
    with pytest.raises(SpecError) as error:
        compile_text(spec, "spec.hmm", kinds())
    assert {(found.code, found.message) for found in error.value.diagnostics} == {
        ("E0405", "this takes more than 40,000 operations")
    }
    monkeypatch.setattr(points, "SWEPT", 10_000)  # three of thirty tell what all would take
    found = only(spec)
    assert (found.code, found.message) == ("E0405", "the 30 values of params in the sweep `s` take too long to compute")


def test_theory_has_one_allowance_whoever_asks_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stationary starts, and how many histories there are of each process, of a spec as of its experiment file."""
    lines = [f"process p{k} = random_hmm(states = 12, tokens = 2, seed = {k}, outcomes = 2)" for k in range(30)]
    lines += [f"train t{k} {{ process = p{k}, model = net, steps = 1, data = exact }}" for k in range(30)]
    spec = "model net: ngram { n = 1, context = 8 }\n" + "\n".join(lines)
    experiment = compile_text(spec, "spec.hmm", kinds()).experiment
    monkeypatch.setattr(allowance, "THEORY", 10_000)
    found = only(spec)
    assert (found.code, found.message) == ("E0405", "what theory says of the processes of this file takes too long to compute")
    assert found.span is not None
    with pytest.raises(SpecError, match="E0405"):
        compile_experiment(experiment, kinds())


@pytest.mark.parametrize("unit", ["1,", "a ", "[", "#\n+", "hmm p{}\n", "profile p{a.b=1}\n"])
def test_a_file_of_too_many_words_and_signs_is_refused_before_it_is_parsed(unit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanner, "MOST_LEXEMES", 200)
    found = only("param a = [" + unit * 300)
    assert (found.code, found.message) == ("E0405", "this file has more than 200 words, numbers and signs")
    assert found.span is not None
