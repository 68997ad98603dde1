"""Checkpoints: a network's weights in a file, the same bytes for the same weights."""

from __future__ import annotations

import os
from pathlib import Path

from safetensors.torch import load_file, save

from hmmdsl.models.network import Network


def checkpoint_path(folder: Path, step: int) -> Path:
    """Where the weights after `step` steps lie."""
    return folder / f"step_{step}.safetensors"


def save_checkpoint(network: Network, folder: Path, step: int) -> Path:
    """Write the weights beside their place and rename them into it, so that a file is whole or not there."""
    path = checkpoint_path(folder, step)
    beside = path.with_suffix(".partial")
    data = save({name: value.detach().cpu().clone() for name, value in network.state_dict().items()})
    try:
        with beside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    return path


def load_checkpoint(network: Network, folder: Path, step: int) -> None:
    """Read the weights after `step` steps into a network of the same shape. Raises KeyError if they were not kept."""
    path = checkpoint_path(folder, step)
    if not path.is_file():
        raise KeyError(f"no checkpoint at step {step} in {folder}")
    network.load_state_dict(load_file(path))
