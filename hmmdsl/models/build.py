"""A network for a record: which module stands for which kind."""

from __future__ import annotations

from hmmdsl.models.gru import GRUNetwork
from hmmdsl.models.lstm import LSTMNetwork
from hmmdsl.models.mlp import MLPNetwork
from hmmdsl.models.network import Network
from hmmdsl.models.ngram import NGramNetwork
from hmmdsl.models.rnn import RNNNetwork
from hmmdsl.models.ssm import SSMNetwork
from hmmdsl.models.transformer import TransformerNetwork
from hmmdsl.spec.model import GRU, LSTM, MLP, RNN, SSM, NGram, Transformer
from hmmdsl.spec.models.base import Model


def build_network(spec: Model, vocabulary: int, seed: int = 0) -> Network:
    """The network of a `model` for so many tokens, on the CPU, freshly initialized from `seed`."""
    match spec:
        case Transformer():
            return TransformerNetwork(spec, vocabulary, seed)
        case RNN():
            return RNNNetwork(spec, vocabulary, seed)
        case GRU():
            return GRUNetwork(spec, vocabulary, seed)
        case LSTM():
            return LSTMNetwork(spec, vocabulary, seed)
        case SSM():
            return SSMNetwork(spec, vocabulary, seed)
        case MLP():
            return MLPNetwork(spec, vocabulary, seed)
        case NGram():
            return NGramNetwork(spec, vocabulary, seed)
        case _:
            raise TypeError(f"no network stands for a {type(spec).__name__}")
