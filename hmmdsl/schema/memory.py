"""How much memory training on a whole history tree takes, as pure arithmetic: known before anything heavy is imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hmmdsl.schema.models.base import Model

LARGEST_PART = 16_384
"""Histories that a network reads at once. A larger tree goes through it in parts, and the gradients of its parts are added."""

FEWEST_IN_BLOCK = 16
"""Histories in one block of the tree's attention, unless the context is longer."""

MOST_IN_BLOCK = 128
"""Histories in one block of the tree's attention, however long the context."""

_FLOAT32, _FLOAT64 = 4, 8


def block_size(positions: int) -> int:
    """How many histories, in preorder, attend together: about as many as the longest history has ancestors."""
    return min(max(positions, FEWEST_IN_BLOCK), MOST_IN_BLOCK)


def tree_training_bytes(histories: int, model: Model, states: int = 0, tokens: int = 0) -> int:
    """An estimate of the bytes that training on a tree of so many histories takes at once.

    The tree itself in float64 (belief over `states`, next tokens over `tokens`, five numbers of bookkeeping), each history's
    ancestors, and the activations of the largest part that the network reads at once.
    """
    tree = histories * _FLOAT64 * (states + 3 * tokens + 5 + 2 * model.positions_read)
    return tree + min(histories, LARGEST_PART) * _FLOAT32 * model.activation_floats()
