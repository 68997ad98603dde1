"""Small training runs that are stopped on the way, and what they leave."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from hmmdsl.process.process import Process
from hmmdsl.schema.models.transformer import Transformer
from hmmdsl.schema.train import AdamW, LogSpaced, Train
from hmmdsl.training import loop, resumption
from hmmdsl.training.interruption import Interrupted
from hmmdsl.training.loop import train_network
from hmmdsl.training.trained import Trained

SMALL = Transformer(layers=1, d_model=8, d_mlp=16, context=4)
STEPS = 20


def settings(**options: object) -> Train:
    """A train of 20 steps with six checkpoints."""
    chosen = {"steps": STEPS, "checkpoints": LogSpaced(count=6), "optimizer": AdamW(lr=1e-2), **options}
    return Train.model_validate({"process": "p", "model": "m", **chosen})


def straight(train: Train, process: Process, folder: Path) -> Trained:
    """The run without a stop."""
    return train_network("fit", train, SMALL, process, folder, "cpu")


def stopped_after(step: int, train: Train, process: Process, folder: Path) -> int:
    """Run until a SIGINT arrives during that step; returns the first step that was done, counted from 1."""
    seen: list[int] = []

    def send(done: int, steps: int, loss: float, gap: float | None) -> None:
        seen.append(done)
        if done == step - 1:  # told between two steps: the step after this one is the one that the signal meets
            signal.raise_signal(signal.SIGINT)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "SECONDS_BETWEEN_REPORTS", -1.0)
        with pytest.raises(Interrupted) as caught:
            train_network("fit", train, SMALL, process, folder, "cpu", send)
    assert (caught.value.step, caught.value.steps) == (step, train.steps)
    return seen[0]


def steps_done(train: Train, process: Process, folder: Path) -> tuple[Trained, list[int]]:
    """Run to the end; which steps were done, counted from 1."""
    seen: list[int] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "SECONDS_BETWEEN_REPORTS", -1.0)
        found = train_network("fit", train, SMALL, process, folder, "cpu", lambda done, *_: seen.append(done))
    return found, seen


def files(folder: Path) -> dict[str, bytes]:
    """Everything in a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def points_in(folder: Path) -> list[Path]:
    """The files of resume points that are not yet the last."""
    return sorted(folder.glob(resumption._SLOTS[0].replace("0", "*")))
