"""How a network that does not learn positions is told them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

BASE = 10_000.0
"""The longest wavelength is 2 pi times this."""


def _angles(positions: int, width: int) -> Float[Tensor, "position frequency"]:
    """position / BASE^(2i / width) for i = 0, 1, …, computed in float64."""
    frequency = BASE ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)
    return torch.arange(positions, dtype=torch.float64)[:, None] * frequency


def sinusoids(positions: int, width: int) -> Float[Tensor, "position width"]:
    """sin and cos of the angles in turn (Vaswani et al. 2017, §3.5)."""
    angles = _angles(positions, width)
    return torch.stack([angles.sin(), angles.cos()], dim=2).flatten(1)[:, :width].float()


def rotation_angles(positions: int, width: int) -> Float[Tensor, "position 2 half"]:
    """cos and sin by which each pair of a head's coordinates is turned at each position (Su et al. 2021, Eq. 15)."""
    angles = _angles(positions, width)
    return torch.stack([angles.cos(), angles.sin()], dim=1).float()


def rotated(x: Float[Tensor, "row inner"], angles: Float[Tensor, "row 2 half"]) -> Float[Tensor, "row inner"]:
    """Each head's coordinate pairs (i, i + d_head / 2), turned by their row's angles (Su et al. 2021, Eq. 34)."""
    cos, sin = angles[:, None].unbind(2)
    first, second = x.view(x.shape[0], -1, 2 * cos.shape[-1]).chunk(2, dim=2)
    return torch.cat([first * cos - second * sin, second * cos + first * sin], dim=2).view(x.shape[0], -1)
