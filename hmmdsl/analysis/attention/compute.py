"""The computation behind `attention`: mean attention by lag over the history tree, and how it falls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from hmmdsl.analysis.attention.record import MOST_EIGENVALUES
from hmmdsl.analysis.outcome import Inputs, Outcome
from hmmdsl.analysis.reading.histories import histories_of, in_words
from hmmdsl.analysis.reading.transformers import transformer
from hmmdsl.models.layout import TreeLayout, tree_layouts
from hmmdsl.process.history_tree import history_weights
from hmmdsl.process.spectrum import eigenvalues_but_one

if TYPE_CHECKING:
    from jaxtyping import Complex128, Float64

    from hmmdsl.analysis.attention.record import AttentionByLag
    from hmmdsl.models.transformer import TransformerNetwork
    from hmmdsl.process.history_tree import HistoryTree


AS_LARGE = 1e-9
"""Eigenvalues whose absolute values differ by a smaller share are as large as each other."""


@dataclass(frozen=True)
class Decay:
    """A fit `attention(lag) = c rate^lag`; None where there are too few lags."""

    rate: float | None
    error: float | None


def compute(analysis: AttentionByLag, inputs: Inputs) -> Outcome:
    """Attention, fits and eigenvalues."""
    trained, process, tree = histories_of(analysis, inputs)
    found = eigenvalues_but_one(process, MOST_EIGENVALUES)
    followed = followed_eigenvalue(found)
    attention = mean_attention(transformer(trained), tree)
    untrained = mean_attention(transformer(trained, 0), tree) if analysis.controls else None

    def of_head(by_lag: Float64[np.ndarray, "position key"]) -> dict[str, Any]:
        fit = decay(by_lag, analysis.from_lag, tree.bos)
        means = [float(value) for value in over_positions(tree, by_lag)]
        results: dict[str, Any] = {"rate": fit.rate, "rate_error": fit.error}
        results["deviation"] = None if followed is None else deviation(by_lag, followed, analysis.from_lag, tree.bos)
        results["lag"] = [{"attention": value} for value in means]
        if tree.bos:
            results["bos"] = on_bos(tree, by_lag)
        return results

    layers = []
    for i, heads in enumerate(attention):
        with_control = [{"untrained": of_head(one)} for one in untrained[i]] if untrained is not None else [{}] * len(heads)
        layers.append({"head": [of_head(one) | more for one, more in zip(heads, with_control, strict=True)]})
    results = {
        "eigenvalue": [{"modulus": float(abs(x)), "real": float(x.real), "imaginary": float(x.imag)} for x in found],
        "layer": layers,
    }
    arrays = {"attention": attention, "followed": np.array([] if followed is None else [followed])}
    if untrained is not None:
        arrays["untrained"] = untrained
    facts = {"histories": in_words(tree), "weights": "probability", "from lag": analysis.from_lag, "bos": tree.bos}
    return Outcome(results, arrays, facts)


def followed_eigenvalue(found: Complex128[np.ndarray, " eigenvalue"]) -> float | None:
    """The first of the eigenvalues, in falling order, if attention can fall by its powers: if it and all that are as large are
    positive numbers. The powers of others turn or change their sign, and attention is never negative."""
    if not len(found):
        return None
    size = np.abs(found)
    first = found[size > size[0] * (1 - AS_LARGE)]
    positive = (first.real > 0) & (np.abs(first.imag) <= AS_LARGE * np.abs(first))
    return float(size[0]) if positive.all() else None


@torch.no_grad()
def mean_attention(network: TransformerNetwork, tree: HistoryTree) -> Float64[np.ndarray, "layer head position lag"]:
    """The attention at each position of the network on the position so many steps before it, averaged over the histories there by
    probability. Each (layer, head, position) sums to 1; with bos, the lag `position` is the bos token's."""
    weights = history_weights(tree)
    device = network.device
    size = tree.positions
    spec = network.spec
    total = np.zeros((spec.layers, spec.heads, size * size))
    for layout in tree_layouts(tree, device):
        where, share = _entries(layout, weights, size)
        for i, attention in enumerate(network.attention(layout)):
            for head in range(spec.heads):
                values = attention[:, head].double().cpu().numpy() * share
                total[i, head] += np.bincount(where.ravel(), values.ravel(), size * size)
    by_position = total.reshape(spec.layers, spec.heads, size, size)
    return np.asarray(by_position / by_position.sum(axis=3, keepdims=True))


def _entries(
    layout: TreeLayout, weights: Float64[np.ndarray, " history"], size: int
) -> tuple[np.ndarray, Float64[np.ndarray, "block query 1"]]:
    """For each entry of the layout's attention the number `position * size + lag`, and for each of its rows how much it counts:
    rows that stand for no history of the layout count nothing. Masked entries are 0, wherever they are added."""
    position = layout.position.cpu().numpy()
    query = position.reshape(-1, layout.block)
    key = query if layout.keys is None else position[layout.keys.cpu().numpy()]
    lag = np.maximum(query[:, :, None] - key[:, None, :], 0)
    counted = np.zeros(len(position))
    counted[layout.row.cpu().numpy()] = weights[layout.history]
    return query[:, :, None] * size + lag, counted.reshape(-1, layout.block, 1)


def over_positions(tree: HistoryTree, by_lag: Float64[np.ndarray, "position lag"]) -> Float64[np.ndarray, " lag"]:
    """The mean attention at each lag, over the positions that reach back so far; the bos token is no lag."""
    return np.array([by_lag[lag + tree.bos :, lag].mean() for lag in range(tree.context)])


def on_bos(tree: HistoryTree, by_lag: Float64[np.ndarray, "position lag"]) -> float:
    """The mean attention on the bos token, over positions after it."""
    return float(np.diagonal(by_lag)[1:].mean())


def _lags(position: int, from_lag: int, bos: bool) -> range:
    """The lags that are fitted at a position."""
    return range(from_lag, position + (0 if bos else 1))


def decay(by_lag: Float64[np.ndarray, "position lag"], from_lag: int, bos: bool) -> Decay:
    """Fit log attention = c[position] + lag log(rate), one rate for all positions, each lag counting by its attention: what is
    hardly attended to says little. The error is the standard error of weighted least squares, carried over to the rate."""
    y, x, w, groups = [], [], [], 0
    for position in range(len(by_lag)):
        lags = [lag for lag in _lags(position, from_lag, bos) if by_lag[position, lag] > 0]
        if len(lags) < 2:
            continue
        share = by_lag[position, lags]
        logs, at = np.log(share), np.array(lags, dtype=np.float64)
        y.append(logs - share @ logs / share.sum())
        x.append(at - share @ at / share.sum())
        w.append(share)
        groups += 1
    if not groups:
        return Decay(None, None)
    ys, xs, ws = (np.concatenate(parts) for parts in (y, x, w))
    spread = float(ws @ xs**2)
    slope = float(ws @ (xs * ys)) / spread
    left = len(ys) - groups - 1
    error = float(np.sqrt(ws @ (ys - slope * xs) ** 2 / left / spread)) if left > 0 else None
    rate = float(np.exp(slope))
    return Decay(rate, None if error is None else rate * error)


def deviation(by_lag: Float64[np.ndarray, "position lag"], rate: float, from_lag: int, bos: bool) -> float | None:
    """The total variation distance between attention and `rate^lag`, both as shares of the fitted lags, averaged over the
    positions with at least two of them."""
    found = []
    for position in range(len(by_lag)):
        lags = np.array(_lags(position, from_lag, bos))
        if len(lags) < 2 or by_lag[position, lags].sum() == 0:
            continue
        powers = rate ** (lags - lags[0])
        share = by_lag[position, lags]
        found.append(0.5 * float(np.abs(share / share.sum() - powers / powers.sum()).sum()))
    return float(np.mean(found)) if found else None
