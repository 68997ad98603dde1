"""Where a training run works until the whole run is done: a hidden folder of `out` that outlives a killed process."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from hmmdsl.runtime.failures import RunError

if TYPE_CHECKING:
    from hmmdsl.runtime.plan import Stage

_LOCK = "lock"


@contextmanager
def training_folder(out: Path | None, stage: Stage, checkpoints: Path) -> Iterator[Path]:
    """The folder to train in; when training ends or fails, its checkpoints are in `checkpoints` too.

    With no `out`, and where another process is at work in the folder, it is `checkpoints` itself, and nothing outlives the run.
    """
    from filelock import FileLock, Timeout

    if out is None:
        yield checkpoints
        return
    folder = _folder(out, stage)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / _LOCK, blocking=False):
            try:
                yield folder
            except Exception as error:
                with suppress(OSError):  # the disk may be full; the first error is the one to tell
                    _link_checkpoints(folder, checkpoints)
                if isinstance(error, RunError):  # it would fail again
                    shutil.rmtree(folder, ignore_errors=True)
                raise
            _link_checkpoints(folder, checkpoints)
    except Timeout:
        yield checkpoints


def forget_training(out: Path, stage: Stage) -> None:
    """Remove the folder of a training run whose results are in place, unless another process is at work there."""
    from filelock import FileLock, Timeout

    folder = _folder(out, stage)
    if folder.is_dir():
        with suppress(Timeout, OSError), FileLock(folder / _LOCK, blocking=False):
            shutil.rmtree(folder, ignore_errors=True)


def _folder(out: Path, stage: Stage) -> Path:
    return out / f".training-{stage.hash}"


def _link_checkpoints(folder: Path, checkpoints: Path) -> None:
    """The same files under second names, or copies where the disk knows no such names."""
    checkpoints.mkdir(parents=True, exist_ok=True)
    for path in sorted(folder.glob("step_*.safetensors")):
        try:
            os.link(path, checkpoints / path.name)
        except OSError:
            shutil.copyfile(path, checkpoints / path.name)
