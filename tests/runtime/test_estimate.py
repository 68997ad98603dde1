"""Estimates follow the shapes."""

from __future__ import annotations

import pytest

from hmmdsl.analysis import kinds
from hmmdsl.language.elaborate import compile_text
from hmmdsl.models.transformer import TransformerNetwork
from hmmdsl.runtime.estimate import Estimate, estimate, parameters
from hmmdsl.runtime.plan import make_plan
from hmmdsl.runtime.stages.task import tasks_of
from hmmdsl.spec.model import Transformer

SPEC = """
import std.processes (rrxor)
model net: transformer { layers = 2, d_model = 64, context = 8 }
train fit { process = rrxor(), model = net, steps = 1000 }
analysis beliefs: regression { of = fit, target = belief, at = [concat] }
"""


def of(id: str, **settings: str) -> Estimate:
    given = {name.replace("__", "."): value for name, value in settings.items()}
    compiled = compile_text(SPEC, "spec.hmm", kinds(), settings=given)
    tasks = {task.stage.id: task for task in tasks_of(make_plan(compiled.experiment), compiled.experiment, compiled.processes)}
    found = estimate(tasks[id])
    assert found is not None
    return found


@pytest.mark.parametrize("shape", [{}, {"layers": 1, "d_model": 32, "heads": 4}, {"attention_only": True}, {"d_mlp": 10}])
def test_parameters_are_those_of_the_network(shape: dict[str, int]) -> None:
    model = Transformer.model_validate(shape)
    held = sum(parameter.numel() for parameter in TransformerNetwork(model, 3).parameters())
    assert parameters(model, 3) == pytest.approx(held, rel=0.05)


def test_twice_the_steps_take_about_twice_the_time_and_no_more_memory() -> None:
    once, twice = of("train fit"), of("train fit", fit__steps="2000")
    assert twice.seconds - 2 == pytest.approx(2 * (once.seconds - 2))
    assert twice.bytes == once.bytes


@pytest.mark.parametrize("change", [{"net__context": "10"}, {"net__d_model": "128"}, {"net__layers": "4"}])
def test_more_histories_or_weights_take_more_of_both(change: dict[str, str]) -> None:
    for id in ("train fit", "analysis beliefs"):
        before, after = of(id), of(id, **change)
        assert after.seconds > before.seconds
        assert after.bytes > before.bytes


def test_drawn_batches_count_their_words() -> None:
    few, many = (of("train fit", fit__data=f"sampled {{ batch = {batch} }}") for batch in (8, 512))
    assert many.seconds > few.seconds
    assert many.bytes > few.bytes
