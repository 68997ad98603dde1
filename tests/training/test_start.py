"""Runs that begin with another's weights, and parts that stay frozen."""

from __future__ import annotations

from pathlib import Path

import pytest
from safetensors.torch import load_file

from hmmdsl.models.build import build_network
from hmmdsl.process.algebra.transforms import relabel
from hmmdsl.process.process import Process
from hmmdsl.schema.models.gru import GRU
from hmmdsl.schema.models.transformer import Transformer
from hmmdsl.schema.objectives import Adversarial, Future
from hmmdsl.schema.parts import BlockPart, Part, frozen_parts, meant_by, parts_of
from hmmdsl.schema.train import AdamW, SampledData, Train
from hmmdsl.training.loop import freeze, part_of, take_over, train_network
from hmmdsl.training.trained import Trained
from tests.models.networks import KINDS
from tests.training import resumable_runs
from tests.training.resumable_runs import files, settings

NET = Transformer(layers=2, d_model=8, d_mlp=16, context=4)


def trained(train: Train, process: Process, folder: Path, source: Trained | None = None) -> Trained:
    return train_network("fit", train, NET, process, folder, "cpu", start_from=source)


def weights(run: Trained, step: int) -> dict[str, object]:
    return load_file(run.folder / f"step_{step}.safetensors")  # type: ignore[return-value]


@pytest.mark.parametrize("kind", KINDS)
def test_every_weight_of_every_kind_belongs_to_a_part(kind: str) -> None:
    network = build_network(KINDS[kind], 3)
    assert {part_of(name, network.spec) for name, _ in network.named_parameters()} == set(parts_of(network.spec))


@pytest.mark.parametrize("part", ["body", "embedding", "positions", "blocks", BlockPart(index=1), "final_norm", "unembedding"])
def test_frozen_weights_keep_every_bit_and_the_others_move(part: Part, rrxor: Process, tmp_path: Path) -> None:
    # Weight decay would move what has no gradient.
    run = trained(settings(freeze=(part,), optimizer=AdamW(lr=1e-2, weight_decay=0.1)), rrxor, tmp_path)
    first, last = weights(run, 0), weights(run, run.steps[-1])
    frozen = set(meant_by(part, NET))
    assert frozen
    for name in first:
        assert (first[name] == last[name]).all() == (part_of(name, NET) in frozen), name  # type: ignore[union-attr]
    free = build_network(NET, 2)
    freeze(free, frozen)
    assert run.parameters == sum(p.numel() for p in free.parameters() if p.requires_grad)


def test_other_tokens_keep_the_body_and_draw_the_rest_from_the_seed(rrxor: Process, tmp_path: Path) -> None:
    other = relabel(rrxor, {"0": "heads", "1": "tails"}, "renamed")
    first = trained(settings(seed=1), rrxor, tmp_path / "first")
    moved = trained(settings(seed=2, start_from="fit"), other, tmp_path / "moved", first)
    fresh = trained(settings(seed=2), other, tmp_path / "fresh")
    begun, source, anew = weights(moved, 0), weights(first, first.steps[-1]), weights(fresh, 0)
    body = set(meant_by("body", NET))
    assert body
    for name, value in begun.items():
        assert (value == (source if part_of(name, NET) in body else anew)[name]).all(), name  # type: ignore[union-attr]


def test_the_same_tokens_take_everything_and_other_shapes_nothing(rrxor: Process, mess3: Process, tmp_path: Path) -> None:
    source = trained(settings(), rrxor, tmp_path)
    network = build_network(NET, 2, 5)
    assert set(take_over(network, rrxor, source)) == {name for name, _ in network.named_parameters()}
    further = build_network(NET, 2, 5, outputs=4)
    left = {name for name, _ in further.named_parameters()} - set(take_over(further, rrxor, source))
    assert left == {"unembedding", "unembedding_bias"}
    wider = build_network(NET, 3, 5)
    left = {name for name, _ in wider.named_parameters()} - set(take_over(wider, mess3, source))
    assert left == {"token", "unembedding", "unembedding_bias"}


def test_a_run_of_other_weights_is_not_gone_on_with(rrxor: Process, tmp_path: Path) -> None:
    one, two = (trained(settings(seed=seed), rrxor, tmp_path / str(seed)) for seed in (1, 2))
    moved = settings(start_from="fit", freeze=("embedding",))
    expected = trained(moved, rrxor, tmp_path / "straight", two)
    trained(moved, rrxor, tmp_path / "moved", one)
    found = trained(moved, rrxor, tmp_path / "moved", two)
    assert files(found.folder) == files(expected.folder)


OPTIONS: list[dict[str, object]] = [
    {"objective": Future(k=2)},
    {"objective": Future(k=3), "data": SampledData(batch=8)},
    {"objective": Adversarial(d_steps=2)},
    {"objective": Adversarial(), "data": SampledData(batch=8)},
    {"freeze": ("body",)},
    {"freeze": ("unembedding", BlockPart(index=0)), "data": SampledData(batch=8)},
]


@pytest.mark.usefixtures("usual_signals")
@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: " ".join(map(str, options.values())))
@pytest.mark.parametrize("stop", [2, 11])
def test_stops_change_no_byte(stop: int, options: dict[str, object], rrxor: Process, tmp_path: Path) -> None:
    train = settings(**options, seed=7)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resumable_runs, "SMALL", NET)
        whole = resumable_runs.straight(train, rrxor, tmp_path / "one")
        resumable_runs.stopped_after(stop, train, rrxor, tmp_path / "other")
        found, done = resumable_runs.steps_done(train, rrxor, tmp_path / "other")
    assert done[0] == stop + 1
    assert files(tmp_path / "one") == files(tmp_path / "other")
    assert (found.loss, found.gap, found.curve) == (whole.loss, whole.gap, whole.curve)


def test_body_is_all_but_what_tokens_own() -> None:
    model = GRU(layers=2, norm="layer_norm")
    assert frozen_parts(("body",), model) == {"block 0", "block 1", "final_norm"}
    assert meant_by("positions", model) == ()
    assert meant_by(BlockPart(index=2), model) == ()
