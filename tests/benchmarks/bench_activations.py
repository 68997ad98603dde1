"""Activations of all histories of Mess3 to length 10 at all points, beside TransformerLens' run_with_cache on all words.

    OMP_NUM_THREADS=1 python -m tests.benchmarks.bench_activations [--rounds 3]

The history tree has 88,572 nodes, the 3^10 words have 590,490 positions. The weights are the same and the activations are
compared. The network is that of Shai et al. 2024: 4 layers, 1 head of width 8, d_model 64, d_mlp 256. `run_with_cache` is asked
for the points that the tree is asked for, and for everything, which is its default; words go through it in batches. Without
transformer_lens only a plain module on all words stands beside, and the output says so. TransformerLens is no dependency: install
it in an environment of its own.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch

from hmmdsl.models.transformer import TransformerNetwork
from hmmdsl.process.history_tree import HistoryTree, build_history_tree, words_of
from hmmdsl.schema.models.transformer import Transformer
from hmmdsl.training.objective import activations_on_tree
from tests.process.known_processes import mess3

CONTEXT, BATCH = 10, 4096
SPEC = Transformer(layers=4, heads=1, d_model=64, d_head=8, d_mlp=256, context=CONTEXT)
HOOKS = {
    **{f"block[{i}]": f"blocks.{i}.hook_resid_post" for i in range(SPEC.layers)},
    "embedding": "blocks.0.hook_resid_pre",
    "final_norm": "ln_final.hook_normalized",
}
Peer = Callable[[torch.Tensor], Iterator[tuple[str, torch.Tensor]]]


def hooked(network: TransformerNetwork, everything: bool) -> Peer:
    """TransformerLens' network with the same weights; its cache by our names. Raises ImportError where it is not installed."""
    from transformer_lens import HookedTransformer, HookedTransformerConfig

    config = HookedTransformerConfig(
        n_layers=SPEC.layers,
        n_heads=SPEC.heads,
        d_model=SPEC.d_model,
        d_head=SPEC.head_width,
        d_mlp=SPEC.mlp_width,
        n_ctx=CONTEXT,
        d_vocab=network.vocabulary,
        act_fn="relu",
        normalization_type="LN",
        device="cpu",
    )
    model = HookedTransformer(config)
    heads, width, d = SPEC.heads, SPEC.head_width, SPEC.d_model
    state: dict[str, torch.Tensor] = dict(model.state_dict())
    state |= {"embed.W_E": network.token.data, "pos_embed.W_pos": network.position.data}
    state |= {"unembed.W_U": network.unembedding.data.T, "unembed.b_U": network.unembedding_bias.data}
    norms: dict[str, Any] = {"ln_final": network.norm}
    for i, block in enumerate(network.blocks):
        at: Any = block
        name = f"blocks.{i}"
        norms |= {f"{name}.ln1": at.norm_attention, f"{name}.ln2": at.norm_mlp}
        for letter, weight, bias in zip("QKV", at.attention.qkv.weight.chunk(3, 1), at.attention.qkv.bias.chunk(3), strict=True):
            state[f"{name}.attn.W_{letter}"] = weight.view(d, heads, width).transpose(0, 1)
            state[f"{name}.attn.b_{letter}"] = bias.view(heads, width)
        state |= {f"{name}.attn.W_O": at.attention.out.weight.view(heads, width, d), f"{name}.attn.b_O": at.attention.out.bias}
        state |= {f"{name}.mlp.W_in": at.mlp.up.weight, f"{name}.mlp.b_in": at.mlp.up.bias}
        state |= {f"{name}.mlp.W_out": at.mlp.down.weight, f"{name}.mlp.b_out": at.mlp.down.bias}
    for name, norm in norms.items():
        state |= {f"{name}.w": norm.weight, f"{name}.b": norm.bias}
    model.load_state_dict(state)
    wanted = None if everything else (lambda name: name in HOOKS.values())

    def run(words: torch.Tensor) -> Iterator[tuple[str, torch.Tensor]]:
        _, cache = model.run_with_cache(words, names_filter=wanted)
        for point, hook in HOOKS.items():
            yield point, cache[hook]

    return run


def plain(network: TransformerNetwork) -> Peer:
    """Our own network, all words side by side."""
    return lambda words: iter(network.residuals(words).items())


def on_all_words(peer: Peer, words: torch.Tensor) -> dict[str, np.ndarray]:
    """The activations at every position of every word, by point."""
    found = {point: np.empty((len(words), CONTEXT, SPEC.d_model), dtype=np.float32) for point in HOOKS}
    for start in range(0, len(words), BATCH):
        for point, x in peer(words[start : start + BATCH]):
            found[point][start : start + BATCH] = x.numpy()
    return found


def difference(tree: HistoryTree, ours: Mapping[str, np.ndarray], theirs: Mapping[str, np.ndarray]) -> float:
    """The largest difference between an activation of a full word, or of its prefix, and the tree's."""
    most = 0.0
    for k in range(CONTEXT):
        start, end = tree.levels[k : k + 2]
        first = np.arange(end - start) * 3 ** (CONTEXT - 1 - k)  # words stand in lexical order: the first with each prefix
        most = max(most, *(float(np.abs(ours[point][start:end] - theirs[point][first, k]).max()) for point in HOOKS))
    return most


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    torch.set_num_threads(1)
    network = TransformerNetwork(SPEC, 3).eval().requires_grad_(False)
    tree = build_history_tree(mess3(), CONTEXT)
    words = torch.from_numpy(words_of(tree)[tree.levels[-2] :])
    peers: dict[str, Peer] = {"a plain module on all words": plain(network)}
    try:
        peers["run_with_cache, these points"] = hooked(network, everything=False)
        peers["run_with_cache, everything"] = hooked(network, everything=True)
    except ImportError:
        print("transformer_lens is not installed: only a plain module on all words stands beside")
    print(f"{len(tree):,} histories, {len(words):,} words of {CONTEXT} tokens, {len(HOOKS)} points, one thread")
    times: dict[str, list[float]] = {name: [] for name in ("the history tree", *peers)}
    for _ in range(given.rounds):
        began = time.perf_counter()
        ours = activations_on_tree(network, tree)
        times["the history tree"].append(time.perf_counter() - began)
        for name, peer in peers.items():
            began = time.perf_counter()
            theirs = on_all_words(peer, words)
            times[name].append(time.perf_counter() - began)
            assert difference(tree, ours, theirs) < 1e-4, name
            del theirs
    best = min(times["the history tree"])
    for name, taken in times.items():
        print(f"{name:<32} {min(taken):7.2f} s, median {np.median(taken):7.2f} s   {min(taken) / best:5.1f}x")


if __name__ == "__main__":
    main()
