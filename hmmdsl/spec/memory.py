"""How much memory training on a whole history tree takes, as pure arithmetic: known before anything heavy is imported."""

from __future__ import annotations

from hmmdsl.spec.model import Transformer

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


def activation_floats(model: Transformer) -> int:
    """Numbers that one training step keeps for each history: what each sublayer saves for its gradient.

    Per block: two normalized inputs and two residuals (d_model each), queries, keys and values with their gathered copies, the
    attention's weights over a block of histories and its ancestors, and the MLP's hidden layer with its gradient.
    """
    positions = model.context + (1 if model.bos else 0)
    heads = model.heads * model.head_width
    attention = 8 * heads + 3 * model.heads * (positions + block_size(positions))
    mlp = 0 if model.attention_only else 2 * model.mlp_width + 2 * model.d_model
    return model.layers * (4 * model.d_model + attention + mlp) + 6 * model.d_model


def tree_training_bytes(histories: int, model: Transformer, states: int = 0, tokens: int = 0) -> int:
    """An estimate of the bytes that training on a tree of so many histories takes at once.

    The tree itself in float64 (belief over `states`, next tokens over `tokens`, five numbers of bookkeeping), each history's
    ancestors, and the activations of the largest part that the network reads at once.
    """
    positions = model.context + (1 if model.bos else 0)
    tree = histories * _FLOAT64 * (states + 3 * tokens + 5 + 2 * positions)
    return tree + min(histories, LARGEST_PART) * _FLOAT32 * activation_floats(model)
