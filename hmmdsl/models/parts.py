"""Which part of a network each of its weights belongs to, and parts that are not trained."""

from __future__ import annotations

from collections.abc import Collection

from hmmdsl.models.network import Network
from hmmdsl.spec.models.base import Model
from hmmdsl.spec.models.mlp import MLP


def part_of(weight: str, spec: Model) -> str:
    """The part, as `spec.parts.parts_of` names it, of the weight that `named_parameters` calls so.

    Where a perceptron reads one-hot tokens, the first layer's weights are one row for each token and place: its embedding.
    """
    head, *rest = weight.split(".")
    match head:
        case "token":
            return "embedding"
        case "position":
            return "positions"
        case "norm":
            return "final_norm"
        case "blocks" | "layers":
            one_hot = isinstance(spec, MLP) and spec.d_embed is None and rest == ["0", "weight"]
            return "embedding" if one_hot else f"block {rest[0]}"
        case "unembedding" | "unembedding_bias" | "table":
            return "unembedding"
    raise ValueError(f"{weight} belongs to no part")


def freeze(network: Network, parts: Collection[str]) -> None:
    """Let these parts stay as they are while the others are trained."""
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(part_of(name, network.spec) not in parts)
