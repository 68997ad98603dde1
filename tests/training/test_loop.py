"""Whole training runs, small."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from hmmdsl.process.process import Process
from hmmdsl.schema.models.transformer import Transformer
from hmmdsl.schema.train import SGD, Adam, AdamW, Ends, ExactData, LogSpaced, OneCycle, SampledData, Train
from hmmdsl.training.loop import Diverged, curve_steps, train_network
from hmmdsl.training.objective import evaluate
from hmmdsl.training.optimizer import WeightOptimizer
from hmmdsl.training.streams import stream
from hmmdsl.training.trained import Trained
from hmmdsl.training.weights import DamagedCheckpointError

TINY = Transformer(layers=1, d_model=16, d_mlp=32, context=4)
PAPER = Transformer(layers=4, heads=1, d_head=8, d_model=64, d_mlp=256, context=10)


def run(process: Process, folder: Path, model: Transformer = TINY, **options: object) -> Trained:
    settings = {"steps": 20, "checkpoints": LogSpaced(count=4), "optimizer": AdamW(lr=3e-3), **options}
    train = Train.model_validate({"process": "p", "model": "m", **settings})
    return train_network("fit", train, model, process, folder, device="cpu")


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.trains
@pytest.mark.parametrize("data", [ExactData(), SampledData(batch=32)])
def test_the_same_seed_gives_the_same_bytes_at_two_threads(data: object, rrxor: Process, tmp_path: Path) -> None:
    """On the paper's network and the whole of RRXOR's tree: small trees hide nondeterminism."""
    runs = [run(rrxor, tmp_path / name, PAPER, threads=2, steps=3, data=data) for name in ("a", "b")]
    assert files(tmp_path / "a") == files(tmp_path / "b")
    assert runs[0].loss == runs[1].loss
    assert runs[0].curve == runs[1].curve
    other = run(rrxor, tmp_path / "c", PAPER, steps=1, data=data, seed=1)
    assert other.curve[0].loss != runs[0].curve[0].loss


@pytest.mark.trains
def test_two_processes_write_the_same_bytes(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from tests.process.known_processes import rrxor\n"
        "from hmmdsl.schema.models.transformer import Transformer; from hmmdsl.schema.train import Train\n"
        "from hmmdsl.training.loop import train_network\n"
        "train_network('fit', Train(process='p', model='m', steps=3), Transformer(layers=1), rrxor(), Path(sys.argv[1]), 'cpu')\n"
    )
    for name in ("a", "b"):
        subprocess.run(
            [sys.executable, "-c", program, tmp_path / name],
            cwd=Path(__file__).parents[2],
            check=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
    assert files(tmp_path / "a") == files(tmp_path / "b")


@pytest.mark.trains
def test_training_lowers_the_loss_towards_the_optimum(golden_mean: Process, tmp_path: Path) -> None:
    seen: list[tuple[int, int, float, float | None]] = []
    train = Train(process="p", model="m", steps=300, optimizer=AdamW(lr=1e-2), schedule=OneCycle(warmup=0.1), checkpoints=Ends())
    found = train_network("fit", train, TINY, golden_mean, tmp_path, "cpu", lambda *told: seen.append(told))
    assert 0 <= found.gap < 1e-3
    assert found.gap == pytest.approx(found.loss - found.optimum)
    assert seen[-1] == (300, 300, found.loss, found.gap)  # of the trained network, not of the one before its last step
    assert [told[0] for told in seen].count(300) == 1
    assert found.curve[0].loss > found.curve[-1].loss


@pytest.mark.trains
@pytest.mark.parametrize("optimizer", [Adam(lr=1e-2), SGD(lr=0.3, momentum=0.9), AdamW(lr=1e-2, weight_decay=0.1)])
@pytest.mark.parametrize("data", [ExactData(withhold=0.2), SampledData(batch=64)])
def test_every_optimizer_learns_from_either_data(optimizer: object, data: object, golden_mean: Process, tmp_path: Path) -> None:
    found = run(golden_mean, tmp_path, optimizer=optimizer, data=data, steps=100, clip=1.0)
    untrained = evaluate(found.network(0), found.tree)
    assert found.gap < (untrained.loss - found.optimum) / 3


def test_checkpoints_hold_the_networks_of_their_steps(rrxor: Process, tmp_path: Path) -> None:
    found = run(rrxor, tmp_path)
    assert found.steps == (0, 1, 4, 20)
    assert sorted(files(tmp_path)) == ["finished.safetensors", *sorted(f"step_{step}.safetensors" for step in found.steps)]
    assert evaluate(found.network(), found.tree).loss == found.loss
    assert evaluate(found.network(0), found.tree).loss > evaluate(found.network(20), found.tree).loss
    assert found.parameters == sum(parameter.numel() for parameter in found.network().parameters())
    activations = found.activations(4)
    assert {x.shape for x in activations.values()} == {(len(found.tree), 16)}
    assert not np.array_equal(activations["final_norm"], found.activations()["final_norm"])
    with pytest.raises(KeyError, match="no checkpoint at step 7"):
        found.network(7)
    (tmp_path / "step_4.safetensors").write_bytes(b"no safetensors")
    with pytest.raises(DamagedCheckpointError, match=r"step_4\.safetensors holds no weights of this network"):
        found.network(4)


def test_step_0_does_not_depend_on_the_data(rrxor: Process, tmp_path: Path) -> None:
    run(rrxor, tmp_path / "a", data=ExactData())
    run(rrxor, tmp_path / "b", data=SampledData(batch=8), steps=5)
    first = "step_0.safetensors"
    assert (tmp_path / "a" / first).read_bytes() == (tmp_path / "b" / first).read_bytes()


def test_a_loss_that_is_not_finite_stops_the_run_and_keeps_the_last_good_weights(rrxor: Process, tmp_path: Path) -> None:
    with pytest.raises(Diverged) as caught:
        run(rrxor, tmp_path, model=TINY.model_copy(update={"norm": "none"}), optimizer=SGD(lr=100, momentum=0.9), steps=500)
    assert 0 < caught.value.step <= 500
    assert caught.value.checkpoint.is_file()
    from safetensors.torch import load_file

    for path in tmp_path.iterdir():
        assert path.suffix == ".safetensors"
        assert all(torch.isfinite(value).all() for value in load_file(path).values())


def test_an_interrupt_passes_through_and_leaves_whole_files(rrxor: Process, tmp_path: Path) -> None:
    def interrupt(step: int, steps: int, loss: float, gap: float | None) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_network("fit", Train(process="p", model="m"), TINY, rrxor, tmp_path, "cpu", interrupt)
    assert list(files(tmp_path)) == ["step_0.safetensors"]


def test_the_caller_finds_threads_and_random_state_as_they_were(rrxor: Process, tmp_path: Path) -> None:
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    run(rrxor, tmp_path, threads=threads + 1, steps=2)
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), state)
    assert not torch.are_deterministic_algorithms_enabled()


def test_a_device_that_is_not_there_is_an_error(rrxor: Process, tmp_path: Path) -> None:
    absent = "mps" if not torch.backends.mps.is_available() else "cuda"
    with pytest.raises(ValueError, match="use `device = auto`"):
        train_network("fit", Train(process="p", model="m"), TINY, rrxor, tmp_path, absent)


@pytest.mark.parametrize("spec", [Adam(lr=0.01), AdamW(lr=0.01, weight_decay=0.1), SGD(lr=0.1, momentum=0.9, weight_decay=0.1)])
def test_one_vector_of_weights_steps_as_torch_does_array_by_array(spec: Adam | AdamW | SGD) -> None:
    torch_kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "sgd": torch.optim.SGD}[spec.kind]
    networks = [torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Linear(4, 2)) for _ in range(2)]
    networks[1].load_state_dict(networks[0].state_dict())
    ours = WeightOptimizer(spec, networks[0], clip=0.5)
    theirs = torch_kind(networks[1].parameters(), **spec.model_dump(exclude={"kind"}))
    x = torch.randn(10, 3, generator=torch.Generator().manual_seed(0))
    for _ in range(5):
        for network in networks:
            network(x).square().mean().backward()
        ours.step(1.0)
        torch.nn.utils.clip_grad_norm_(networks[1].parameters(), 0.5)
        theirs.step()
        theirs.zero_grad()
    for mine, their in zip(networks[0].parameters(), networks[1].parameters(), strict=True):
        torch.testing.assert_close(mine, their)


def test_curves_keep_few_steps_and_both_ends() -> None:
    assert curve_steps(10) == frozenset(range(10))
    for steps in (501, 1_200, 1_000_000):
        kept = curve_steps(steps)
        assert {0, 1, steps - 1} <= kept
        assert len(kept) <= 500
        assert max(kept) == steps - 1


def test_streams_are_independent_of_each_other() -> None:
    assert len({stream(seed, purpose) for seed in range(50) for purpose in ("initialization", "data", "histories")}) == 150
