"""The network of a training run, where the spec's check has made sure that it is a transformer."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hmmdsl.models.transformer import TransformerNetwork
    from hmmdsl.training.trained import Trained


def transformer(trained: Trained, step: int | None = None) -> TransformerNetwork:
    """The network with the weights of checkpoint `step` (the last if None). Raises TypeError for any other kind."""
    from hmmdsl.models.transformer import TransformerNetwork

    network = trained.network(step)
    if not isinstance(network, TransformerNetwork):
        raise TypeError(f"the network of {trained.name} is no transformer")
    return network
