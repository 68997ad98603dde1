"""`future { k }`: its loss and gradient against brute force over words, its optimum against block entropies, its marginal."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from hmmdsl.models.build import build_network
from hmmdsl.models.layout import tree_layout
from hmmdsl.process.ahead import Ahead
from hmmdsl.process.history_tree import build_history_tree, history_weights
from hmmdsl.process.process import Process
from hmmdsl.schema.models.base import Model
from hmmdsl.schema.models.gru import GRU
from hmmdsl.schema.models.lstm import LSTM
from hmmdsl.schema.models.mlp import MLP
from hmmdsl.schema.models.ngram import NGram
from hmmdsl.schema.models.rnn import RNN
from hmmdsl.schema.models.ssm import SSM
from hmmdsl.schema.models.transformer import Transformer
from hmmdsl.training.objective import _log_probabilities, drawn_loss, evaluate, expected_loss, predictions
from tests.training.expectations import all_words, gradient

CPU = torch.device("cpu")
CONTEXT = 3
KINDS: list[Model] = [
    Transformer(layers=1, d_model=8, context=CONTEXT, initial_sd=0.5),
    RNN(d_model=8, context=CONTEXT),
    GRU(d_model=8, context=CONTEXT),
    LSTM(d_model=8, context=CONTEXT, bos=True),
    SSM(layers=1, d_model=8, d_state=4, context=CONTEXT),
    MLP(d_model=8, context=CONTEXT),
    NGram(n=3, context=CONTEXT, initial_sd=1.0),
]


@pytest.mark.parametrize("k", [1, 2, 3])
@pytest.mark.parametrize("model", KINDS, ids=lambda model: model.kind)
def test_the_exact_loss_is_the_expectation_over_all_words(model: Model, k: int, rrxor: Process) -> None:
    network = build_network(model, 2, 0, outputs=2**k)
    tree = build_history_tree(rrxor, CONTEXT, model.bos)
    ahead = Ahead(tree, k, rrxor)
    loss = expected_loss(tree, np.zeros(len(tree), dtype=bool), CPU, ahead).backward(network)
    exact = gradient(network)
    words, probability = all_words(rrxor, CONTEXT + k)
    logits = network(words[:, :CONTEXT])
    brute = torch.zeros(())
    for word, p, row in zip(words.tolist(), probability, F.log_softmax(logits, dim=2), strict=True):
        for position, predicted in enumerate(row):
            start = position + (0 if model.bos else 1)
            code = int("".join(map(str, word[start : start + k])), 2)
            brute = brute - p * predicted[code] / len(row)
    brute.backward()
    assert loss == pytest.approx(brute.item(), abs=1e-5)
    torch.testing.assert_close(exact, gradient(network), atol=1e-5, rtol=1e-4)
    assert evaluate(network, tree, ahead).loss == pytest.approx(loss, abs=1e-5)


@pytest.mark.parametrize("bos", [False, True])
def test_drawn_words_estimate_the_exact_gradient(bos: bool, mess3: Process) -> None:
    model = Transformer(layers=1, d_model=8, context=CONTEXT, initial_sd=0.5, bos=bos)
    network = build_network(model, 3, 0, outputs=9)
    tree = build_history_tree(mess3, CONTEXT, bos)
    expected_loss(tree, np.zeros(len(tree), dtype=bool), CPU, Ahead(tree, 2, mess3)).backward(network)
    exact = gradient(network)
    # All words, each drawn as often as its probability says, so that the mean is the expectation.
    words, probability = all_words(mess3, CONTEXT + 2)
    counts = (probability * 2e5).round().long()
    drawn_loss(network, words.repeat_interleave(counts, dim=0), 2).backward()
    assert float((gradient(network) - exact).norm() / exact.norm()) < 2e-3


@pytest.mark.parametrize("k", [1, 2, 4])
def test_the_optimum_is_a_difference_of_block_entropies(k: int, rrxor: Process) -> None:
    tree = build_history_tree(rrxor, CONTEXT)
    found = evaluate(build_network(NGram(n=1, context=CONTEXT), 2, 0, outputs=2**k), tree, Ahead(tree, k, rrxor)).optimum

    def block_entropy(length: int) -> float:
        _, p = all_words(rrxor, length)
        p = p.double()[p > 0]
        return float(-(p * p.log()).sum())

    expected = np.mean([block_entropy(length + k) - block_entropy(length) for length in range(1, CONTEXT + 1)])
    assert found == pytest.approx(expected, abs=1e-6)


def test_a_table_with_enough_memory_reaches_the_optimum(rrxor: Process) -> None:
    """An n-gram over the whole context holds any prediction; with the true ones in it, the gap is zero and the marginal true."""
    tree = build_history_tree(rrxor, CONTEXT)
    ahead = Ahead(tree, 2, rrxor)
    network = build_network(NGram(n=CONTEXT + 1, context=CONTEXT), 2, 0, outputs=4)
    with torch.no_grad():
        layout = tree_layout(tree)
        rows = network._rows(layout)[layout.row]
        network.table[rows] = torch.tensor(np.log(np.maximum(ahead.of(np.arange(len(tree))), 1e-30))).float()
    assert evaluate(network, tree, ahead).gap == pytest.approx(0, abs=1e-6)
    np.testing.assert_allclose(np.exp(predictions(network, tree)), tree.next_token, atol=1e-6)


@given(seed=st.integers(0, 2**32 - 1), k=st.integers(1, 3), bos=st.booleans())
@hypothesis_settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_joint_and_marginal_agree_and_no_loss_is_below_the_optimum(seed: int, k: int, bos: bool, mess3: Process) -> None:
    tree = build_history_tree(mess3, CONTEXT, bos)
    network = build_network(GRU(d_model=4, context=CONTEXT, bos=bos, initial_sd=1.0), 3, seed, outputs=3**k)
    with torch.no_grad():
        joint = np.exp(_log_probabilities(network, tree_layout(tree)))
    marginal = np.exp(predictions(network, tree))
    np.testing.assert_allclose(joint.sum(axis=1), 1, atol=1e-12)
    np.testing.assert_allclose(joint.reshape(len(tree), 3, -1).sum(axis=2), marginal, atol=1e-12)
    ahead = Ahead(tree, k, mess3)
    found = evaluate(network, tree, ahead)
    assert found.gap >= 0
    # Chain rule: knowing the joint is at least as hard as knowing the first token.
    weight = history_weights(tree)
    first = float(weight @ -(tree.next_token * np.log(marginal / tree.next_token)).sum(axis=1))
    assert found.gap >= first - 1e-9


def test_one_token_ahead_is_the_next_token(mess3: Process) -> None:
    tree = build_history_tree(mess3, CONTEXT)
    rows = np.arange(len(tree))
    np.testing.assert_array_equal(Ahead(tree).of(rows), tree.next_token)
    two = Ahead(tree, 2, mess3).of(rows)
    np.testing.assert_allclose(two.reshape(len(tree), 3, 3).sum(axis=2), tree.next_token, atol=1e-14)
