"""Weights that a training run takes over from an earlier one."""

from __future__ import annotations

from hashlib import sha256

import torch
from safetensors.torch import load_file

from hmmdsl.models.network import Network
from hmmdsl.models.parts import part_of
from hmmdsl.process.process import Process
from hmmdsl.spec.parts import VOCABULARY_PARTS
from hmmdsl.training.trained import Trained
from hmmdsl.training.weights import checkpoint_path


@torch.no_grad()
def take_over(network: Network, process: Process, source: Trained) -> tuple[str, ...]:
    """Copy what fits of the last weights of `source` into the network; returns the names of the weights that were copied.

    A weight of the embedding or the unembedding fits if the two processes have the same tokens in the same order, since its rows
    belong to tokens; and any weight only if its shape is the same. The others stay as they were drawn.
    """
    same_tokens = source.process.tokens == process.tokens
    there = load_file(checkpoint_path(source.folder, source.steps[-1]))
    copied = []
    for name, parameter in network.named_parameters():
        tokens_fit = same_tokens or part_of(name, network.spec) not in VOCABULARY_PARTS
        if tokens_fit and name in there and there[name].shape == parameter.shape:
            parameter.copy_(there[name])
            copied.append(name)
    return tuple(copied)


def last_weights_hash(source: Trained) -> str:
    """SHA-256 of the file of the last weights."""
    return sha256(checkpoint_path(source.folder, source.steps[-1]).read_bytes()).hexdigest()
