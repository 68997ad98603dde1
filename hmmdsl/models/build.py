"""A network for a record: which module stands for which kind."""

from __future__ import annotations

from hmmdsl.models.mlp import MLPNetwork
from hmmdsl.models.network import Network
from hmmdsl.models.ngram import NGramNetwork
from hmmdsl.models.recurrent import GRUNetwork, LSTMNetwork, RNNNetwork
from hmmdsl.models.ssm import SSMNetwork
from hmmdsl.models.transformer import TransformerNetwork
from hmmdsl.spec.model import GRU, LSTM, MLP, RNN, SSM, NGram, Transformer
from hmmdsl.spec.models.base import Model


def build_network(spec: Model, vocabulary: int, seed: int = 0, outputs: int | None = None) -> Network:
    """The network of a `model` for so many tokens, on the CPU, freshly initialized from `seed`; with
    as many logits as tokens, or as `outputs` says."""
    match spec:
        case Transformer():
            return TransformerNetwork(spec, vocabulary, seed, outputs)
        case RNN():
            return RNNNetwork(spec, vocabulary, seed, outputs)
        case GRU():
            return GRUNetwork(spec, vocabulary, seed, outputs)
        case LSTM():
            return LSTMNetwork(spec, vocabulary, seed, outputs)
        case SSM():
            return SSMNetwork(spec, vocabulary, seed, outputs)
        case MLP():
            return MLPNetwork(spec, vocabulary, seed, outputs)
        case NGram():
            return NGramNetwork(spec, vocabulary, seed, outputs)
        case _:
            raise TypeError(f"no network stands for a {type(spec).__name__}")
