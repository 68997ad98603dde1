"""What is minimized: the cross-entropy of the next k tokens, as an expectation over a history tree or on drawn words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812

from hmmdsl.models.layout import TreeLayout, tree_layouts
from hmmdsl.models.network import Network
from hmmdsl.process.ahead import Ahead
from hmmdsl.process.history_tree import HistoryTree, history_weights

if TYPE_CHECKING:
    from jaxtyping import Float, Float32, Float64, Int64
    from torch import Tensor


@dataclass(frozen=True)
class ExpectedLoss:
    """The expectation of the cross-entropy over a tree's histories, part by part (one, unless the tree is large).

    A part's `target` holds, in the order of its layout's rows, weight(history) * Pr(what comes next | history); rows that stand
    for no history of the part are zero. `optimum` is the least value that any predictor can reach.
    """

    parts: tuple[TreeLayout, ...]
    targets: tuple[Float[Tensor, "row output"], ...]
    optimum: float

    def backward(self, network: Network) -> float:
        """The loss in nats; its gradient is added to the network's."""
        total = 0.0
        parameters = trained_parameters(network)
        for layout, target in zip(self.parts, self.targets, strict=True):
            loss = part_loss(network, target, layout)
            add_gradient(loss, parameters)
            total += loss.item()
        return total


def part_loss(network: Network, target: Float[Tensor, "row output"], layout: TreeLayout) -> Float[Tensor, ""]:
    """What one part of a tree adds to the expected cross-entropy, in nats."""
    return -(target * F.log_softmax(network.logits(layout), dim=-1)).sum()


def trained_parameters(network: Network) -> tuple[Tensor, ...]:
    """The weights that are not frozen."""
    return tuple(parameter for parameter in network.parameters() if parameter.requires_grad)


def add_gradient(loss: Float[Tensor, ""], parameters: Sequence[Tensor]) -> None:
    """Add the loss' gradient to that of each parameter, as `loss.backward()` does; a small network's step is quicker so, since
    nothing is accumulated one array at a time inside the backward pass."""
    gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
    for parameter, gradient in zip(parameters, gradients, strict=True):
        if gradient is not None:
            parameter.grad = gradient if parameter.grad is None else parameter.grad + gradient


def expected_loss(tree: HistoryTree, left_out: np.ndarray, device: torch.device, ahead: Ahead | None = None) -> ExpectedLoss:
    """Every position counts the same, and within a position a history by its probability; those left out count nothing, and the
    rest is scaled to sum to 1. What is predicted is what comes `ahead`, the next token if not given."""
    ahead = Ahead(tree) if ahead is None else ahead
    weight = np.where(left_out, 0.0, history_weights(tree, "probability"))
    weight /= weight.sum()
    parts = tree_layouts(tree, device)
    targets = []
    for layout in parts:
        target = torch.zeros(len(layout.token), ahead.words)
        target[layout.row.cpu()] = torch.from_numpy(weight[layout.history, None] * ahead.of(layout.history)).to(target.dtype)
        targets.append(target.to(device))
    return ExpectedLoss(parts, tuple(targets), float(weight @ ahead.entropies()))


def drawn_loss(network: Network, words: Int64[Tensor, "word context_and_k"], k: int = 1) -> Float32[Tensor, ""]:
    """The mean cross-entropy of the drawn next k tokens, in nats. Words have context + k tokens: each position predicts the k
    tokens after it, the last k are only predicted, and without `bos` the first is not."""
    logits = network(words[:, :-k])
    positions = logits.shape[1]
    first = words.shape[1] - k + 1 - positions
    targets = words[:, first : first + positions]
    for further in range(first + 1, first + k):
        targets = targets * network.vocabulary + words[:, further : further + positions]
    return F.cross_entropy(logits.reshape(-1, network.outputs), targets.reshape(-1))


@torch.no_grad()
def predictions(network: Network, tree: HistoryTree) -> Float64[np.ndarray, "history token"]:
    """The network's log Pr(next token | history), normalized in float64, for each history of the tree: where it predicts the next
    k tokens jointly, the first token's marginal."""
    found = np.empty((len(tree), network.vocabulary))
    for layout in tree_layouts(tree, network.device):
        found[layout.history] = next_token_of(_log_probabilities(network, layout), network.vocabulary)
    return found


def next_token_of(joint: Float64[np.ndarray, "history word"], vocabulary: int) -> Float64[np.ndarray, "history token"]:
    """The first token's marginal, in logarithms, of joint distributions of k tokens."""
    if joint.shape[1] == vocabulary:
        return joint
    by_first = joint.reshape(len(joint), vocabulary, -1)
    largest = by_first.max(axis=2)
    return np.asarray(largest + np.log(np.exp(by_first - largest[:, :, None]).sum(axis=2)))


def _log_probabilities(network: Network, layout: TreeLayout) -> Float64[np.ndarray, "history output"]:
    """The logarithms of what the network predicts for the histories of one part of a tree."""
    logits = network.on_tree(layout).cpu().numpy().astype(np.float64)
    logits -= logits.max(axis=1, keepdims=True)
    logits -= np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return logits


@torch.no_grad()
def activations_on_tree(network: Network, tree: HistoryTree) -> dict[str, Float32[np.ndarray, "history d_model"]]:
    """The residual stream after each history of the tree, by point, as float32."""
    found = {point: np.empty((len(tree), width), dtype=np.float32) for point, width in network.spec.points().items()}
    for layout in tree_layouts(tree, network.device):
        for point, x in network.residuals_on_tree(layout).items():
            found[point][layout.history] = x.cpu().numpy()
    return found


@dataclass(frozen=True)
class Evaluation:
    """How well a network predicts on a tree, in nats, every position counting the same."""

    loss: float
    optimum: float

    @property
    def gap(self) -> float:
        """Loss minus optimum: the mean KL divergence from the optimal prediction."""
        return self.loss - self.optimum


@torch.no_grad()
def evaluate(network: Network, tree: HistoryTree, ahead: Ahead | None = None) -> Evaluation:
    """Loss and optimum on a tree, in float64 from the network's own logits, in predicting what comes `ahead`: the next token if
    not given."""
    ahead = Ahead(tree) if ahead is None else ahead
    cross_entropy = np.empty(len(tree))
    for layout in tree_layouts(tree, network.device):
        true = ahead.of(layout.history)
        cross_entropy[layout.history] = -np.sum(true * _log_probabilities(network, layout), axis=1)
    weight = history_weights(tree, "probability")
    return Evaluation(float(weight @ cross_entropy), float(weight @ ahead.entropies()))
