"""Resume points: where a training run stands, on disk, so that a killed run goes on and ends with the same bytes.

    weights, optimizer.*   the weights as one vector, and the optimizer's moments and step
    data.generator         the random generator before the block of words that is being used up (sampled data)
    data.taken             how many batches of that block are used up
    curve.*                the losses so far of the steps that the curve keeps
    metadata               identity, step, checkpoints so far with their SHA-256, and a SHA-256 of all of this

The schedule's position is the step. No time of day is among it, so when a point was written changes no number.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from hmmdsl.files.writing import PARTIAL, write_whole
from hmmdsl.training.weights import checkpoint_path

if TYPE_CHECKING:
    from torch import Tensor

MOST_LOST = 9.0
"""Seconds of training that a kill may lose, unless a step takes longer: a little under the ten that are promised."""

_SLOTS = ("resume_0.safetensors", "resume_1.safetensors")
"""Points are written into these in turn, so that the one before is still there while one is written."""

_FINISHED = "finished.safetensors"
"""The point after the last step. The weights are the last checkpoint's, so that it holds little more than the curve."""

_KEY = "resume_point"


class Losses(NamedTuple):
    """Of one step that the curve keeps: the loss of each run in nats, on whatever device it was computed, and the share of the
    highest rate."""

    step: int
    share: float
    of_runs: Tensor


@dataclass(frozen=True)
class ResumePoint:
    """Training after `step` steps. `checkpoints` are the SHA-256 of the checkpoint files so far by step; `state` is what
    the optimizer and the data need to go on; after the last step, which runs diverged."""

    step: int
    curve: tuple[Losses, ...]
    checkpoints: Mapping[int, str]
    state: Mapping[str, Tensor] = field(default_factory=dict)


class ResumePoints:
    """The resume points of one training run, in the folder of its checkpoints. They are of no use to another `identity`."""

    def __init__(self, folder: Path, identity: str) -> None:
        self.folder, self.identity = folder, identity
        self._next = 0
        self._at = self._step_began = time.monotonic()
        self._writing = 0.0

    def latest(self) -> ResumePoint | None:
        """The last point that is whole, of this identity, and agrees with the checkpoints beside it; all others are removed.

        Without one, the run begins at its beginning, and what the folder has of checkpoints goes too. Raises OSError if the
        folder can't be written.
        """
        found: list[tuple[str, ResumePoint]] = []
        for name in (*_SLOTS, _FINISHED):
            point = _read(self.folder / name, self.identity)
            if point is not None and self._agrees(point):
                found.append((name, point))
        best, point = max(found, key=lambda each: each[1].step, default=("", None))
        for name in {*_SLOTS, _FINISHED} - {best}:
            (self.folder / name).unlink(missing_ok=True)
        for pattern in (f"*{PARTIAL}", *(() if point else ("step_*.safetensors",))):
            for left in self.folder.glob(pattern):
                left.unlink()
        self._next = 1 if best == _SLOTS[0] else 0
        self._at = self._step_began = time.monotonic()
        return point

    def due(self) -> bool:
        """Asked after each step: whether one more step, and then writing, might go beyond what may be lost."""
        now = time.monotonic()
        step, self._step_began = now - self._step_began, now
        return now - self._at + step + self._writing > MOST_LOST

    def write(self, point: ResumePoint) -> None:
        """Keep this point, and the one before until this one is whole. Raises OSError; then the one before is still good."""
        began = time.monotonic()
        write_whole(self.folder / _SLOTS[self._next], _bytes_of(point, self.identity))
        self._next = 1 - self._next
        self._at, self._writing = began, time.monotonic() - began

    def finish(self, point: ResumePoint) -> None:
        """Keep the point after the last step, alone."""
        write_whole(self.folder / _FINISHED, _bytes_of(point, self.identity))
        for name in _SLOTS:
            (self.folder / name).unlink(missing_ok=True)

    def _agrees(self, point: ResumePoint) -> bool:
        """Whether the checkpoints that were written before the point are there as they were written."""
        try:
            return all(
                sha256(checkpoint_path(self.folder, step).read_bytes()).hexdigest() == digest
                for step, digest in point.checkpoints.items()
            )
        except OSError:
            return False


def discard(folder: Path) -> None:
    """Remove the resume points of a training run whose results stand elsewhere; its checkpoints stay."""
    for name in (*_SLOTS, _FINISHED):
        (folder / name).unlink(missing_ok=True)


def _bytes_of(point: ResumePoint, identity: str) -> bytes:
    arrays = {
        **{name: array.detach().cpu().contiguous() for name, array in point.state.items()},
        "curve.step": torch.tensor([each.step for each in point.curve], dtype=torch.int64),
        "curve.share": torch.tensor([each.share for each in point.curve], dtype=torch.float64),
        "curve.losses": torch.tensor([each.of_runs.tolist() for each in point.curve], dtype=torch.float64),
    }
    about = {"identity": identity, "step": point.step, "checkpoints": {str(k): v for k, v in point.checkpoints.items()}}
    return save(arrays, _metadata({**about, "checksum": _checksum(arrays, about)}))


def _read(path: Path, identity: str) -> ResumePoint | None:
    """The point in a file; None if there is none, or it is torn, damaged, or of another identity."""
    if not path.is_file():
        return None
    arrays: dict[str, Tensor] = {}
    with suppress(OSError, SafetensorError, ValueError, KeyError, TypeError, AttributeError):
        with safe_open(path, framework="pt") as file:
            about = json.loads(file.metadata()[_KEY])
            if about["identity"] != identity:
                return None
            # Copies: the file's own memory goes away with it, and lies less evenly than torch's.
            arrays.update((name, file.get_tensor(name).clone()) for name in file.keys())  # noqa: SIM118
        if about.pop("checksum") != _checksum(arrays, about):
            return None
        steps, shares, losses = (arrays.pop(f"curve.{part}") for part in ("step", "share", "losses"))
        return ResumePoint(
            step=int(about["step"]),
            curve=tuple(map(Losses, steps.tolist(), shares.tolist(), losses)),
            checkpoints={int(step): str(digest) for step, digest in about["checkpoints"].items()},
            state=arrays,
        )
    return None


def _checksum(arrays: Mapping[str, Tensor], about: Mapping[str, Any]) -> str:
    """SHA-256 of the file as it would be without the checksum."""
    return sha256(save(dict(arrays), _metadata(about))).hexdigest()


def _metadata(about: Mapping[str, Any]) -> dict[str, str]:
    """One entry, since the order of several would change from time to time."""
    return {_KEY: json.dumps(about, sort_keys=True)}
