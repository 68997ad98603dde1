"""Recurrent networks on the history tree beside PyTorch's own modules on all words: activations of every history of Mess3.

python -m tests.benchmarks.bench_networks [--length 9] [--width 64] [--repeats 5]

Both give the hidden state after each history; the words' positions are all prefixes, again and again. One thread.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import torch
from torch import nn

from hmmdsl import process
from hmmdsl.models.build import build_network
from hmmdsl.models.layout import tree_layouts
from hmmdsl.process.history_tree import words_of
from hmmdsl.schema.models.base import Model
from hmmdsl.schema.models.gru import GRU
from hmmdsl.schema.models.lstm import LSTM
from hmmdsl.schema.models.mlp import MLP
from hmmdsl.schema.models.rnn import RNN
from hmmdsl.schema.models.ssm import SSM
from hmmdsl.schema.models.transformer import Transformer

THEIRS = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}


def seconds(work: Callable[[], object], repeats: int) -> float:
    """The quickest of several times."""
    taken = []
    for _ in range(repeats + 1):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return min(taken[1:])


def compare(model: Model, length: int, repeats: int) -> str:
    """A line: the tree, all words through our module, and through PyTorch's where it has one."""
    tree = process("std.processes", "mess3").history_tree(length)
    network = build_network(model, 3).requires_grad_(False)
    layouts = tree_layouts(tree)
    words = torch.tensor(words_of(tree)[tree.levels[-2] :])
    on_tree = seconds(lambda: [network.residuals_on_tree(layout) for layout in layouts], repeats)
    on_words = seconds(lambda: [network.residuals(part) for part in words.split(4096)], repeats)
    line = f"{model.kind:12} tree {1e3 * on_tree:8.1f} ms   words {1e3 * on_words:8.1f} ms ({on_words / on_tree:5.1f}x)"
    if model.kind in THEIRS:
        width = model.width
        theirs = THEIRS[model.kind](width, width, 1, batch_first=True).requires_grad_(False)
        embedding = torch.randn(3, width)
        taken = seconds(lambda: [theirs(embedding[part]) for part in words.split(4096)], repeats)
        line += f"   torch.nn on words {1e3 * taken:8.1f} ms ({taken / on_tree:5.1f}x)"
    return line


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--length", type=int, default=9)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=5)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    sizes = {"d_model": chosen.width, "context": chosen.length}
    kinds = (RNN(**sizes), GRU(**sizes), LSTM(**sizes), SSM(**sizes), MLP(**sizes), Transformer(layers=2, **sizes))
    for model in kinds:
        print(compare(model, chosen.length, chosen.repeats))


if __name__ == "__main__":
    main()
