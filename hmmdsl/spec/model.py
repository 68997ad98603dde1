"""Networks, as declared by `model NAME: KIND { … }`: the kinds there are, each with a file of its own in `spec/models/`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, TypeAlias

from pydantic import Field

from hmmdsl.spec.models.base import Model
from hmmdsl.spec.models.gru import GRU
from hmmdsl.spec.models.lstm import LSTM
from hmmdsl.spec.models.mlp import MLP
from hmmdsl.spec.models.ngram import NGram
from hmmdsl.spec.models.rnn import RNN
from hmmdsl.spec.models.ssm import SSM
from hmmdsl.spec.models.transformer import Transformer

__all__ = ["GRU", "LSTM", "MLP", "MODELS", "RNN", "SSM", "AnyModel", "Model", "NGram", "Transformer"]

AnyModel: TypeAlias = Annotated[Transformer | RNN | GRU | LSTM | SSM | MLP | NGram, Field(discriminator="kind")]

MODELS: Mapping[str, type[Model]] = MappingProxyType(
    {"transformer": Transformer, "rnn": RNN, "gru": GRU, "lstm": LSTM, "ssm": SSM, "mlp": MLP, "ngram": NGram}
)
"""Every kind of network by its word in `model NAME: KIND`."""
