"""What asks for a transformer: an analysis that changes the residual stream, or reads attention."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from hmmdsl.schema.analysis import Surroundings
from hmmdsl.schema.base import Problem
from hmmdsl.schema.fields import article
from hmmdsl.schema.models.base import Model
from hmmdsl.schema.models.transformer import Transformer

if TYPE_CHECKING:
    from hmmdsl.models.transformer import TransformerNetwork
    from hmmdsl.training.trained import Trained


def no_transformer(field: str, train: str, around: Surroundings, lacking: str) -> Iterator[Problem]:
    """A problem (E0578) if the network of a training run is no transformer, and so lacks something."""
    model = around.model_of(train)
    if not isinstance(model, Transformer):
        kind = str(type(model).model_fields["kind"].default)
        yield Problem(
            (field,),
            "E0578",
            f"the network of {train} is {article(kind)} {kind}, which has no {lacking}",
            label="no transformer",
            help="name a training run whose model is a `transformer`",
        )


def blocks_and_heads(model: Model) -> tuple[int, int]:
    """The numbers of blocks and of heads in each; none for what is no transformer."""
    return (model.layers, model.heads) if isinstance(model, Transformer) else (0, 0)


def transformer(trained: Trained, step: int | None = None) -> TransformerNetwork:
    """The network with the weights of checkpoint `step` (the last if None). Raises TypeError for any other kind."""
    from hmmdsl.models.transformer import TransformerNetwork

    network = trained.network(step)
    if not isinstance(network, TransformerNetwork):
        raise TypeError(f"the network of {trained.name} is no transformer")
    return network
