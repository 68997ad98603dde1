"""A training run whose networks are real transformers with random weights, large enough that every part of them matters."""

from __future__ import annotations

from pathlib import Path

import torch

from hmmdsl.models.transformer import TransformerNetwork
from hmmdsl.process.history_tree import build_history_tree
from hmmdsl.process.process import Process
from hmmdsl.schema.models.transformer import Transformer
from hmmdsl.schema.train import Train
from hmmdsl.training.trained import Trained


def random_network(spec: Transformer, vocabulary: int, seed: int = 0) -> TransformerNetwork:
    """Biases and norms are not at their initial values either."""
    network = TransformerNetwork(spec, vocabulary, seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.empty(parameter.shape).normal_(0, 0.15, generator=generator))
    return network.eval().requires_grad_(False)


class RealRun(Trained):
    """Step 0 and the last step differ in their weights."""

    def network(self, step: int | None = None) -> TransformerNetwork:
        return random_network(self.model, len(self.process.tokens), 1 if (self.steps[-1] if step is None else step) == 0 else 0)


def real_run(process: Process, context: int = 4, **options: object) -> RealRun:
    """A run called `fit` of a model called `net`."""
    model = Transformer(
        **{"layers": 3, "d_model": 12, "d_head": 4, "d_mlp": 20, "context": context, "initial_sd": 0.4, **options}
    )
    tree = build_history_tree(process, context, model.bos)
    train = Train(process="p", model="net", steps=100)
    known = {"loss": 0.6, "optimum": 0.5, "gap": 0.1, "parameters": 1, "curve": (), "device": "cpu"}
    return RealRun(name="fit", train=train, model=model, process=process, tree=tree, folder=Path(), steps=(0, 100), **known)
