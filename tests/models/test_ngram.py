"""The table's rows, and its best loss, which theory knows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from hmmdsl.models.build import build_network
from hmmdsl.models.layout import tree_layout
from hmmdsl.process.entropies import myopic_entropies
from hmmdsl.process.history_tree import build_history_tree, words_of
from hmmdsl.process.process import Process
from hmmdsl.schema.models.ngram import NGram
from hmmdsl.schema.train import Adam, Cosine, ExactData, Train
from hmmdsl.training.loop import train_network


@pytest.mark.parametrize("bos", [False, True])
@pytest.mark.parametrize("n", [1, 2, 4])
def test_histories_share_a_row_if_their_last_tokens_are_the_same(n: int, bos: bool, mess3: Process) -> None:
    network = build_network(NGram(n=n, context=4, bos=bos), 3)
    tree = build_history_tree(mess3, 4, bos)
    layout = tree_layout(tree)
    rows = network._rows(layout)[layout.row].tolist()
    words = [tuple(int(x) for x in word if x >= 0)[max(0, tree.length[i] - n + 1) :] for i, word in enumerate(words_of(tree))]
    assert len(set(rows)) == len(set(words)) == len(set(zip(rows, words, strict=True)))
    assert sorted(set(rows)) == list(range(len(network.table)))


@pytest.mark.trains
@pytest.mark.parametrize("n", [1, 2, 3])
def test_training_ends_at_the_optimum_of_a_markov_chain(n: int, mess3: Process, tmp_path: Path) -> None:
    """Position t knows the last min(t, n - 1) tokens, so its best loss is the myopic entropy h_(min(t, n - 1) + 1)."""
    context = 5
    train = Train(process="p", model="m", data=ExactData(), optimizer=Adam(lr=0.05), schedule=Cosine(), steps=400)
    trained = train_network("fit", train, NGram(n=n, context=context), mess3, tmp_path, "cpu")
    h = np.array(myopic_entropies(mess3, context + 1).bits) * np.log(2)
    best = np.mean([h[min(t, n - 1)] for t in range(1, context + 1)])
    assert trained.loss == pytest.approx(best, abs=1e-6)
    assert trained.gap == pytest.approx(best - np.mean(h[1 : context + 1]), abs=1e-6)
    assert trained.parameters == NGram(n=n, context=context).parameters(3)


def test_logits_are_the_rows_of_the_table() -> None:
    network = build_network(NGram(n=3, context=6, initial_sd=1.0), 2, 4)
    words = torch.tensor([[0, 1, 1, 0, 1, 1], [1, 1, 0, 1, 1, 1]])
    logits = network(words)
    torch.testing.assert_close(logits[0, 2], logits[1, 4])
    torch.testing.assert_close(logits[0, 1], logits[1, 3])
    assert not torch.allclose(logits[0, 2], logits[0, 3])
