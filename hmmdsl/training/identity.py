"""What a training run's numbers depend on, as one hash: a resume point of another run must not be continued."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from hmmdsl.process.process import Process
from hmmdsl.schema.base import Record
from hmmdsl.version import __version__

_SOURCES = ("files", "process", "schema", "models", "training")
"""The folders whose code makes the numbers."""


def identity_of(
    runs: Iterable[tuple[Record, Process]],
    model: Record,
    device: torch.device,
    batched: bool,
    start: str | None = None,
    discriminator: Record | None = None,
) -> str:
    """SHA-256 of the resolved train and process of each run, the model, the versions, the code, and the kind of processor; where
    a run has them, also of its discriminator's record and of the weights that it starts from, whose own hash is `start`. Of a
    batch other things are kept than of a run alone.

    The number of threads is a field of `train`. Of the processor its instruction set counts, not its name: a run may go on on
    another machine whose arithmetic is of the same kind.
    """
    content = {
        "runs": [[train.model_dump(mode="json"), [_matrices(factor) for factor in process.factors]] for train, process in runs],
        "batched": batched,
        "model": model.model_dump(mode="json"),
        "start": start,
        "discriminator": None if discriminator is None else discriminator.model_dump(mode="json"),
        "versions": {
            "hmmdsl": __version__,
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": version("numpy"),
        },
        "code": _code(),
        "device": [platform.machine(), torch.backends.cpu.get_cpu_capability(), device.type, _accelerator(device)],
    }
    return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _matrices(process: Process) -> dict[str, Any]:
    """What an independent factor is, as plain data, without its name; a process that is no product is its only factor."""
    return {
        "tokens": list(process.tokens),
        "states": list(process.states),
        "operators": [
            [(i, j, str(value)) for (i, j), value in sorted(entries.items()) if value] for entries in process.operators
        ],
        "start": [str(value) for value in process.start],
        "right": None if process.right is None else [str(value) for value in process.right],
    }


@cache
def _code() -> str:
    """SHA-256 of the source files that make the numbers."""
    digest = sha256()
    house = Path(__file__).parents[1]
    for file in sorted(path for folder in _SOURCES for path in (house / folder).rglob("*.py")):
        digest.update(file.relative_to(house).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def _accelerator(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else ""
