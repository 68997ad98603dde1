"""Estimates follow the shapes."""

from __future__ import annotations

import pytest

from hmmdsl.analysis import kinds
from hmmdsl.language.elaborate import compile_text
from hmmdsl.runtime.estimate import estimate
from hmmdsl.runtime.plan import make_plan
from hmmdsl.runtime.stage import Estimate, tasks_of

SPEC = """
import std.processes (rrxor)
model net: transformer { layers = 2, d_model = 64, context = 8 }
train fit { process = rrxor(), model = net, steps = 1000 }
analysis beliefs: regression { of = fit, target = belief, at = [concat] }
"""


def of(stage_id: str, **settings: str) -> Estimate:
    given = {name.replace("__", "."): value for name, value in settings.items()}
    compiled = compile_text(SPEC, "spec.hmm", kinds(), settings=given)
    tasks = {task.stage.id: task for task in tasks_of(make_plan(compiled.experiment), compiled.experiment, compiled.processes)}
    return estimate(tasks[stage_id])


def test_twice_the_steps_take_about_twice_the_time_and_no_more_memory() -> None:
    once, twice = of("train fit"), of("train fit", fit__steps="2000")
    assert twice.seconds - 2 == pytest.approx(2 * (once.seconds - 2))
    assert twice.bytes == once.bytes


@pytest.mark.parametrize("change", [{"net__context": "10"}, {"net__d_model": "128"}, {"net__layers": "4"}])
def test_more_histories_or_weights_take_more_of_both(change: dict[str, str]) -> None:
    for stage_id in ("train fit", "analysis beliefs"):
        before, after = of(stage_id), of(stage_id, **change)
        assert after.seconds > before.seconds
        assert after.bytes > before.bytes


def test_drawn_batches_count_their_words() -> None:
    few, many = (of("train fit", fit__data=f"sampled {{ batch = {batch} }}") for batch in (8, 512))
    assert many.seconds > few.seconds
    assert many.bytes > few.bytes


FACTORED = """
import std.processes (mess3, golden_mean)
process five = product(a = mess3(), b = mess3(0.1, 0.6), c = mess3(0.15, 0.6), d = golden_mean(), e = golden_mean(1/3))
model net: transformer { layers = 3, heads = 4, d_model = 120, d_mlp = 480, context = 8 }
train fit { process = five, model = net, data = sampled }
analysis factors: regression { of = fit, target = [factor.a, factor.b], at = blocks, controls = [held_out] }
analysis angles: subspaces { between = factors }
"""


def _analysis(text: str, name: str, **settings: str) -> float:
    given = {name.replace("__", "."): value for name, value in settings.items()}
    compiled = compile_text(text, "spec.hmm", kinds(), settings=given)
    tasks = tasks_of(make_plan(compiled.experiment), compiled.experiment, compiled.processes)
    return next(estimate(task).seconds for task in tasks if task.stage.id == f"analysis {name}")


def test_an_analysis_takes_what_it_computes() -> None:
    """Probes, folds, permutations and drawn words are all counted."""
    five = "[factor.a, factor.b, factor.c, factor.d, factor.e]"
    assert 1.5 < _analysis(FACTORED, "angles", factors__target=five) / _analysis(FACTORED, "angles") < 2.5
    assert _analysis(FACTORED, "angles") > 3 * _analysis(FACTORED, "angles", factors__histories="sampled { words = 1_000 }")
    folds = [_analysis(FACTORED, "factors", factors__controls=f"[held_out {{ folds = {n} }}]") for n in (5, 40)]
    assert folds[1] > 2 * folds[0]  # a penalty is chosen by the fits without each two folds
