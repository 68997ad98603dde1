"""One exact training step on RRXOR's history tree, beside a plain module that gathers each history's ancestors.

    python -m tests.benchmarks.bench_exact_step

Both do the same arithmetic on the same 1,046 histories with AdamW. Steps alternate, since a shared machine's speed drifts; the
ratio is taken of the quickest rounds and of the medians.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from hmmdsl.models.transformer import TransformerNetwork
from hmmdsl.process.history_tree import HistoryTree, ancestors, build_history_tree, history_weights
from hmmdsl.schema.models.transformer import Transformer
from hmmdsl.schema.train import AdamW
from hmmdsl.training.device import deterministic
from hmmdsl.training.objective import expected_loss
from hmmdsl.training.optimizer import WeightOptimizer
from tests.process.known_processes import rrxor

CPU = torch.device("cpu")
ROUNDS, STEPS = 12, 8


class PlainAttention(nn.Module):
    """Each history gathers the keys and values of its ancestors, which meet in products of arrays or in einsums."""

    def __init__(self, spec: Transformer, einsum: bool) -> None:
        super().__init__()
        self.einsum = einsum
        self.heads, self.width = spec.heads, spec.head_width
        self.qkv = nn.Linear(spec.d_model, 3 * self.heads * self.width)
        self.out = nn.Linear(self.heads * self.width, spec.d_model)

    def forward(self, x: torch.Tensor, ancestors: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
        q, k, v = self.qkv(x).view(len(x), 3, self.heads, self.width).unbind(1)
        k, v = k[ancestors], v[ancestors]
        scores = torch.einsum("nhd,nahd->nah", q, k) if self.einsum else (q[:, None] * k).sum(-1)
        weights = (scores / self.width**0.5).masked_fill(hidden[:, :, None], -torch.inf).softmax(1)
        z = torch.einsum("nah,nahd->nhd", weights, v) if self.einsum else (weights[..., None] * v).sum(1)
        return self.out(z.flatten(1))


class PlainNetwork(nn.Module):
    """The same transformer in torch's own modules."""

    def __init__(self, spec: Transformer, tree: HistoryTree, einsum: bool) -> None:
        super().__init__()
        d = spec.d_model
        self.token, self.position = nn.Embedding(tree.vocabulary, d), nn.Embedding(spec.context, d)
        self.norms = nn.ModuleList([nn.LayerNorm(d) for _ in range(2 * spec.layers + 1)])
        self.attentions = nn.ModuleList([PlainAttention(spec, einsum) for _ in range(spec.layers)])
        self.mlps = nn.ModuleList(
            [nn.Sequential(nn.Linear(d, spec.mlp_width), nn.ReLU(), nn.Linear(spec.mlp_width, d)) for _ in range(spec.layers)]
        )
        self.unembedding = nn.Linear(d, tree.vocabulary)
        path = torch.from_numpy(ancestors(tree))
        self.hidden, self.ancestors = path < 0, path.clamp(min=0)
        self.tokens, self.places = torch.tensor(tree.token), torch.tensor(tree.length - 1)

    def forward(self) -> torch.Tensor:
        x = self.token(self.tokens) + self.position(self.places)
        for i, (attention, mlp) in enumerate(zip(self.attentions, self.mlps, strict=True)):
            x = x + attention(self.norms[2 * i](x), self.ancestors, self.hidden)
            x = x + mlp(self.norms[2 * i + 1](x))
        return self.unembedding(self.norms[-1](x))


def plain_step(spec: Transformer, tree: HistoryTree, einsum: bool) -> Callable[[], None]:
    """Gather, backward, AdamW as torch gives it."""
    network = PlainNetwork(spec, tree, einsum)
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3, betas=(0.9, 0.98), weight_decay=0.0)
    target = torch.from_numpy(history_weights(tree)[:, None] * tree.next_token).float()

    def step() -> None:
        optimizer.zero_grad()
        loss = -(target * F.log_softmax(network(), dim=-1)).sum()
        loss.backward()
        loss.item()
        optimizer.step()

    return step


def our_step(spec: Transformer, tree: HistoryTree) -> Callable[[], None]:
    """The step of the training loop."""
    network = TransformerNetwork(spec, tree.vocabulary)
    optimizer = WeightOptimizer(AdamW(lr=3e-3), network)
    objective = expected_loss(tree, np.zeros(len(tree), dtype=bool), CPU)

    def step() -> None:
        objective.backward(network)
        optimizer.step(1.0)

    return step


def compare(threads: int, tree: HistoryTree) -> None:
    """Print milliseconds per step of both and their ratio."""
    spec = Transformer(layers=4, heads=1, d_head=8, d_model=64, d_mlp=256, context=10)
    torch.manual_seed(0)
    steps = {
        "gather and einsum": plain_step(spec, tree, True),
        "gather, product, sum": plain_step(spec, tree, False),
        "ours": our_step(spec, tree),
    }
    times: dict[str, list[float]] = {name: [] for name in steps}
    torch.set_num_threads(threads)
    for _ in range(ROUNDS):
        for name, step in steps.items():
            if name == "ours":
                with deterministic(CPU, threads):
                    times[name] += [_timed(step) for _ in range(STEPS)]
            else:
                times[name] += [_timed(step) for _ in range(STEPS)]
    best = {name: min(found) for name, found in times.items()}
    middle = {name: float(np.median(found)) for name, found in times.items()}
    print(f"{threads} thread(s)")
    for name in steps:
        print(
            f"  {name:22} best {best[name]:6.2f} ms, median {middle[name]:6.2f} ms; "
            f"ours / this: {best['ours'] / best[name]:.2f}, {middle['ours'] / middle[name]:.2f}"
        )


def _timed(step: Callable[[], None]) -> float:
    start = time.perf_counter()
    step()
    return 1e3 * (time.perf_counter() - start)


if __name__ == "__main__":
    histories = build_history_tree(rrxor(), 10)
    for count in (1, 2):
        compare(count, histories)
