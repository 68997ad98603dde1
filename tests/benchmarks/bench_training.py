"""Whole training runs: RRXOR exactly, Mess3 from drawn words, and the activations of all of Mess3's histories.

    python -m tests.benchmarks.bench_training [--threads 1] [--seeds 0 1 2]

Prints seconds, milliseconds per step and the gap; the activations beside one pass over every word of full length.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from hmmdsl.process.history_tree import build_history_tree, words_of
from hmmdsl.process.process import Process
from hmmdsl.schema.models.transformer import Transformer
from hmmdsl.schema.train import AdamW, Data, Ends, ExactData, OneCycle, SampledData, Train
from hmmdsl.training.loop import train_network
from hmmdsl.training.objective import activations_on_tree
from hmmdsl.training.trained import Trained
from tests.process.known_processes import mess3, rrxor

PAPER = Transformer(layers=4, heads=1, d_head=8, d_model=64, d_mlp=256, context=10)


def trained(process: Process, data: Data, steps: int, seed: int, threads: int) -> Trained:
    """One run in the paper's setting; prints how long it took and what it reached."""
    train = Train(
        process="p",
        model="m",
        data=data,
        optimizer=AdamW(lr=3e-3),
        schedule=OneCycle(warmup=0.05),
        steps=steps,
        seed=seed,
        threads=threads,
        checkpoints=Ends(),
    )
    with TemporaryDirectory() as folder:
        began = time.perf_counter()
        done = train_network("fit", train, PAPER, process, Path(folder), "cpu")
        taken = time.perf_counter() - began
        print(f"{process.name} {data.kind} seed {seed}, {threads} thread(s): {taken:.1f} s, ", end="")
        print(f"{1e3 * taken / steps:.2f} ms a step, gap {done.gap:.2e} nats after {steps:,} steps", flush=True)
        return done


def activations(threads: int) -> None:
    """The tree against its words: shared prefixes are computed once."""
    from hmmdsl.models.transformer import TransformerNetwork

    torch.set_num_threads(threads)
    network, tree = TransformerNetwork(PAPER, 3).requires_grad_(False), build_history_tree(mess3(), 10)
    began = time.perf_counter()
    activations_on_tree(network, tree)
    on_tree = time.perf_counter() - began
    words = torch.tensor(words_of(tree)[tree.levels[-2] :])
    began = time.perf_counter()
    for some in words.split(4096):
        network.residuals(some)
    on_words = time.perf_counter() - began
    print(f"activations of Mess3's {len(tree):,} histories: {on_tree:.2f} s; on {len(words):,} words {on_words:.2f} s; ", end="")
    print(f"ratio {on_tree / on_words:.2f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2])
    given = parser.parse_args()
    activations(given.threads)
    for each in given.seeds:
        trained(rrxor(), ExactData(), 1200, each, given.threads)
    trained(mess3(), SampledData(batch=64), 3000, 0, given.threads)
