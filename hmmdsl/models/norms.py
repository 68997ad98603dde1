"""Normalization by its word in a spec."""

from __future__ import annotations

from typing import Literal

from torch import nn

NORM_EPSILON = 1e-5
"""Added to the variance before its root."""


def normalization(word: Literal["layer_norm", "rms_norm", "none"], width: int) -> nn.Module:
    """The module for vectors of this width; `none` is the identity."""
    match word:
        case "layer_norm":
            return nn.LayerNorm(width, eps=NORM_EPSILON)
        case "rms_norm":
            return nn.RMSNorm(width, eps=NORM_EPSILON)
        case "none":
            return nn.Identity()
