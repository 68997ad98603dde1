"""Checkpoints: a network's weights in a file, the same bytes for the same weights."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save

from hmmdsl.files.writing import write_whole
from hmmdsl.models.network import Network

if TYPE_CHECKING:
    from torch import Tensor


class DamagedCheckpointError(ValueError):
    """A file that should hold a network's weights does not."""


def checkpoint_path(folder: Path, step: int) -> Path:
    """Where the weights after `step` steps lie."""
    return folder / f"step_{step}.safetensors"


def save_weights(weights: Mapping[str, Tensor], folder: Path, step: int) -> str:
    """Write weights by name, so that the file is whole or not there; returns the file's SHA-256. Raises OSError."""
    data = save({name: value.detach().cpu().clone(memory_format=torch.contiguous_format) for name, value in weights.items()})
    write_whole(checkpoint_path(folder, step), data)
    return sha256(data).hexdigest()


def load_checkpoint(network: Network, folder: Path, step: int) -> None:
    """Read the weights after `step` steps into a network of the same shape. Raises KeyError if they were not kept, and
    DamagedCheckpointError if the file holds no weights of such a network."""
    path = checkpoint_path(folder, step)
    if not path.is_file():
        raise KeyError(f"no checkpoint at step {step} in {folder}")
    try:
        network.load_state_dict(load_file(path))
    except (SafetensorError, RuntimeError, ValueError) as error:
        raise DamagedCheckpointError(f"{path} holds no weights of this network ({' '.join(str(error).split())[:200]})") from error
