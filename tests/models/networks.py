"""One small network of every kind, for what holds of all."""

from __future__ import annotations

import torch

from hmmdsl.models.build import build_network
from hmmdsl.models.network import Network
from hmmdsl.schema.models.base import Model
from hmmdsl.schema.models.gru import GRU
from hmmdsl.schema.models.lstm import LSTM
from hmmdsl.schema.models.mlp import MLP
from hmmdsl.schema.models.ngram import NGram
from hmmdsl.schema.models.rnn import RNN
from hmmdsl.schema.models.ssm import SSM
from hmmdsl.schema.models.transformer import Transformer

SMALL = {"context": 5, "initial_sd": 0.4}

KINDS: dict[str, Model] = {
    "transformer": Transformer(layers=2, d_model=8, d_mlp=12, **SMALL),
    "rnn": RNN(layers=2, d_model=7, norm="layer_norm", **SMALL),
    "relu rnn": RNN(layers=1, d_model=7, activation="relu", **SMALL),
    "gru": GRU(layers=2, d_model=7, norm="rms_norm", **SMALL),
    "lstm": LSTM(layers=2, d_model=7, **SMALL),
    "ssm": SSM(layers=2, d_model=7, d_state=3, **SMALL),
    "ssm without norms": SSM(layers=1, d_model=6, d_state=8, norm="none", **SMALL),
    "one-hot mlp": MLP(layers=2, d_model=9, window=3, **SMALL),
    "embedded mlp": MLP(layers=1, d_model=9, d_embed=4, activation="tanh", **SMALL),
    "gelu mlp": MLP(layers=3, d_model=6, window=1, d_embed=4, activation="gelu", **SMALL),
    "unigram": NGram(n=1, **SMALL),
    "trigram": NGram(n=3, **SMALL),
    "6-gram": NGram(n=6, **SMALL),
}


def wide(spec: Model, vocabulary: int, seed: int = 0) -> Network:
    """A network whose biases and norms are not at their initial values either, so that each of them matters."""
    network = build_network(spec, vocabulary, seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.empty(parameter.shape).normal_(0, 0.1, generator=generator))
    return network
