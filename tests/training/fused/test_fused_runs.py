"""Runs in one batch are the runs alone: the same numbers, no shared randomness, and they go on after a stop as one alone does."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from hmmdsl.models import layout
from hmmdsl.notebook import process
from hmmdsl.process.process import Process
from hmmdsl.schema.models.base import Model
from hmmdsl.schema.models.gru import GRU
from hmmdsl.schema.models.lstm import LSTM
from hmmdsl.schema.models.mlp import MLP
from hmmdsl.schema.models.ngram import NGram
from hmmdsl.schema.models.rnn import RNN
from hmmdsl.schema.models.ssm import SSM
from hmmdsl.schema.models.transformer import Transformer
from hmmdsl.schema.train import Train
from hmmdsl.training import loop, objective
from hmmdsl.training.fused import loop as fused_loop
from hmmdsl.training.fused.gradient import fused_gradient, replayed
from hmmdsl.training.fused.loop import initial_networks, train_fused
from hmmdsl.training.gradient import gradient_of
from hmmdsl.training.histories import histories_of
from hmmdsl.training.interruption import Interrupted
from hmmdsl.training.loop import Diverged, Member, train_network
from hmmdsl.training.trained import Trained, TrainingResult

pytestmark = pytest.mark.trains

CPU = torch.device("cpu")
SMALL = Transformer(layers=1, d_model=8, d_mlp=16, context=4)
STEPS = 100


def rrxor(p: float = 0.5) -> Process:
    return process("std.processes.rrxor", p=p).process


def members(**options: object) -> list[Member]:
    """Runs that differ in seed, learning rate and process."""
    optimizer = options.pop("optimizer", {"kind": "adamw"})
    assert isinstance(optimizer, dict)
    half, third = rrxor(), rrxor(0.3)
    chosen = [(0, 1e-3, half), (1, 1e-3, half), (1, 3e-3, half), (2, 3e-3, third)]
    return [
        Member(
            Train.model_validate(
                {"process": "p", "model": "m", "steps": STEPS, "seed": seed, "optimizer": {**optimizer, "lr": lr}, **options}
            ),
            of,
        )
        for seed, lr, of in chosen
    ]


def alone(member: Member, folder: Path, model: Model = SMALL) -> Trained:
    return train_network("fit", member.train, model, member.process, folder, "cpu")


@pytest.fixture
def double(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """All arithmetic in float64. Training makes differences grow: of the 1e-7 that float32 leaves, to 1e-3 in a hundred
    steps, between two processors as between a batch and a run alone; of float64's 1e-16, to 1e-9."""
    made = layout.tree_layouts

    def tree_layouts(*given: object) -> tuple[layout.TreeLayout, ...]:
        return tuple(replace(each, mask=each.mask.double()) for each in made(*given))

    monkeypatch.setattr(objective, "tree_layouts", tree_layouts)
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def check_same(together: Sequence[TrainingResult | int], apart: Sequence[Trained], within: float) -> None:
    for fused, single in zip(together, apart, strict=True):
        assert isinstance(fused, TrainingResult)
        assert fused.loss == pytest.approx(single.loss, abs=within)
        assert fused.gap == pytest.approx(single.gap, abs=within)
        assert fused.optimum == single.optimum
        assert fused.parameters == single.parameters
        assert [point.step for point in fused.curve] == [point.step for point in single.curve]
        assert [point.lr for point in fused.curve] == pytest.approx([point.lr for point in single.curve], rel=1e-12)
        assert [point.loss for point in fused.curve] == pytest.approx([point.loss for point in single.curve], abs=within)


@pytest.mark.usefixtures("double")
@pytest.mark.parametrize(
    "options",
    [
        {
            "optimizer": {"kind": "adamw", "weight_decay": 0.01},
            "schedule": {"kind": "one_cycle"},
            "clip": 0.5,
            "data": {"kind": "exact", "withhold": 0.2},
        },
        {"optimizer": {"kind": "sgd", "momentum": 0.9}, "freeze": ["embedding"]},
        {"data": {"kind": "sampled", "batch": 16}, "objective": {"kind": "future", "k": 2}},
    ],
    ids=["exact", "frozen", "sampled"],
)
def test_after_a_hundred_steps_each_run_is_what_it_is_alone(options: dict[str, object], tmp_path: Path) -> None:
    runs = members(**options)
    together = train_fused("fit", runs, SMALL, tmp_path / "fused", "cpu")
    apart = [alone(run, tmp_path / str(k)) for k, run in enumerate(runs)]
    assert apart[0].gap != apart[1].gap
    check_same(together, apart, 1e-5)
    weights = load_file(tmp_path / "fused" / f"step_{STEPS}.safetensors")
    for k in range(len(runs)):
        for name, own in load_file(tmp_path / str(k) / f"step_{STEPS}.safetensors").items():
            np.testing.assert_allclose(weights[name][k], own, atol=1e-5)


@pytest.mark.parametrize("data", ["exact", "sampled"])
def test_small_ones_in_float32_too_while_rounding_does_not_grow(data: str, tmp_path: Path) -> None:
    """At these rates training is smooth: a run alone whose weights are changed in their last digits ends as near."""
    runs = members(optimizer={"kind": "sgd"}, data={"kind": data})
    together = train_fused("fit", runs, SMALL, tmp_path / "fused", "cpu")
    check_same(together, [alone(run, tmp_path / str(k)) for k, run in enumerate(runs)], 1e-5)


@pytest.mark.parametrize("data", ["exact", "sampled"])
@pytest.mark.parametrize(
    "model",
    [
        Transformer(layers=2, d_model=64, d_head=8, d_mlp=256, context=5),
        Transformer(layers=2, d_model=48, heads=2, context=4, norm="rms_norm", activation="gelu", positions="rotary"),
        Transformer(layers=2, d_model=64, heads=4, context=4, norm="none", attention_only=True, positions="sinusoidal", bos=True),
    ],
    ids=["wide", "rotary", "attention only"],
)
def test_a_transformer_has_the_bits_of_a_run_alone(model: Transformer, data: str, tmp_path: Path) -> None:
    """With one thread, after some steps of adamw, which let a difference in the last digit grow."""
    runs = members(threads=1, steps=25, data={"kind": data, "batch": 16} if data == "sampled" else {"kind": data})
    train_fused("fit", runs, model, tmp_path / "fused", "cpu")
    together = load_file(tmp_path / "fused" / "step_25.safetensors")
    for k, run in enumerate(runs):
        alone(run, tmp_path / str(k), model)
        for name, own in load_file(tmp_path / str(k) / "step_25.safetensors").items():
            assert torch.equal(own, together[name][k]), name


def test_runs_begin_with_their_own_weights_to_the_bit(tmp_path: Path) -> None:
    runs = members(steps=1)
    train_fused("fit", runs, SMALL, tmp_path / "fused", "cpu")
    together = load_file(tmp_path / "fused" / "step_0.safetensors")
    for k, run in enumerate(runs):
        alone(run, tmp_path / str(k))
        own = load_file(tmp_path / str(k) / "step_0.safetensors")
        assert own.keys() == together.keys()
        assert all(torch.equal(together[name][k], value) for name, value in own.items())


NETWORKS = [
    Transformer(layers=1, d_model=8, heads=2, context=4, positions="rotary", norm="rms_norm", bos=True),
    Transformer(layers=1, d_model=8, context=4, positions="sinusoidal", activation="gelu", attention_only=True),
    RNN(d_model=8, context=4),
    GRU(d_model=8, context=4),
    LSTM(d_model=8, context=4, layers=2),
    SSM(d_model=8, context=4),
    MLP(d_model=8, context=4),
    NGram(context=4),
]


@pytest.mark.parametrize("data", ["exact", "sampled"])
@pytest.mark.parametrize("model", NETWORKS, ids=lambda model: f"{model.kind}-{NETWORKS.index(model)}")
def test_every_kind_of_network_has_its_own_gradient(model: Model, data: str) -> None:
    runs = members(data={"kind": data})
    network = initial_networks(runs, model, CPU)
    losses, gradients = fused_gradient(network, runs).add()
    for k, run in enumerate(runs):
        own = initial_networks([run], model, CPU).lend(0)
        tree = histories_of(run.process, model.context, model.bos, run.train.histories, run.train.seed)
        assert gradient_of(own, run.train, run.process, tree).add() == pytest.approx(float(losses[k]), abs=1e-6)
        expected = torch.cat([(torch.zeros_like(p) if p.grad is None else p.grad).reshape(-1) for p in own.parameters()])
        np.testing.assert_allclose(gradients[k], expected, atol=1e-6)


def test_a_run_that_diverges_disturbs_no_other(tmp_path: Path) -> None:
    model = Transformer(layers=1, d_model=4, context=3, norm="none")
    calm, wild = (
        Member(Train.model_validate({"process": "p", "model": "m", "steps": 60, "optimizer": {"kind": "sgd", "lr": lr}}), rrxor())
        for lr in (0.1, 100)
    )
    first, second = train_fused("fit", [calm, wild], model, tmp_path / "fused", "cpu")
    check_same([first], [alone(calm, tmp_path / "calm", model)], 1e-5)
    with pytest.raises(Diverged) as caught:
        alone(wild, tmp_path / "wild", model)
    assert second == caught.value.step


def test_processes_with_other_words_are_refused(tmp_path: Path) -> None:
    first, *_ = members()
    other = replace(first, process=process("std.processes.golden_mean").process)
    with pytest.raises(ValueError, match="other words"):
        train_fused("fit", [first, other], SMALL, tmp_path, "cpu")


@pytest.mark.usefixtures("usual_signals")
@pytest.mark.parametrize("data", ["exact", "sampled"])
def test_a_batch_that_is_stopped_ends_with_the_bytes_of_one_that_is_not(
    data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "SECONDS_BETWEEN_REPORTS", -1.0)
    runs = members(data={"kind": data}, steps=20, checkpoints={"kind": "every", "steps": 6}, clip=1.0)
    told: list[tuple[int, int, float, float | None]] = []
    whole = train_fused("fit", runs, SMALL, tmp_path / "whole", "cpu", lambda *step: told.append(step))
    ended = [run for run in whole if isinstance(run, TrainingResult)]
    means = (np.mean([run.loss for run in ended]), np.mean([run.gap for run in ended]))
    assert told[-1] == (20, 20, *map(pytest.approx, means))  # of the trained networks
    for step in (7, 13):
        seen: list[int] = []

        def stop(done: int, steps: int, loss: float, gap: float | None, at: int = step, seen: list[int] = seen) -> None:
            seen.append(done)
            if done == at - 1:
                signal.raise_signal(signal.SIGINT)

        with pytest.raises(Interrupted):
            train_fused("fit", runs, SMALL, tmp_path / "stopped", "cpu", stop)
        assert seen[0] == (1 if step == 7 else 8)
    assert train_fused("fit", runs, SMALL, tmp_path / "stopped", "cpu") == whole
    assert train_fused("fit", runs, SMALL, tmp_path / "stopped", "cpu", lambda *_: pytest.fail("it was done")) == whole
    left = [{path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("whole", "stopped")]
    assert left[0] == left[1]
    train_fused("fit", runs[::-1], SMALL, tmp_path / "stopped", "cpu")
    assert {path.name: path.read_bytes() for path in (tmp_path / "stopped").iterdir()} != left[0]


def test_what_a_recorded_step_reads_and_writes_stays_in_its_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A CUDA graph replays its kernels on the addresses of the recording. Here, without one, a step's weights and words are found
    at the same addresses every time."""
    assert replayed(len, CPU) is len
    places: list[tuple[int, ...]] = []
    made = fused_loop.fused_gradient

    def watched(network: fused_loop.FusedNetwork, runs: Sequence[Member]) -> object:
        found = made(network, runs)

        def step() -> object:
            places.append(tuple(each.data_ptr() for each in network.trained.values()))
            return found.step()

        return replace(found, step=step)

    monkeypatch.setattr(fused_loop, "fused_gradient", watched)
    train_fused("fit", members(data={"kind": "sampled"}, steps=5), SMALL, tmp_path, "cpu")
    assert len(places) == 5
    assert len(set(places)) == 1
