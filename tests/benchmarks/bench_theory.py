"""How quick the theory is: history tree, mixed states, stationary states, drawing words, whole portraits.

Run with one thread: OMP_NUM_THREADS=1 python -m tests.benchmarks.bench_theory
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from fractions import Fraction

import numpy as np

from hmmdsl.process.algebra.epsilon_machine import epsilon_machine
from hmmdsl.process.algebra.random_hmm import random_hmm
from hmmdsl.process.history_tree import build_history_tree, sample_history_tree
from hmmdsl.process.mixed_states import mixed_state_presentation
from hmmdsl.process.portraying import portrait
from hmmdsl.process.process import Process, Scalar
from hmmdsl.process.sampling import sample_words
from hmmdsl.process.stationary import stationary_distribution
from tests.process.known_processes import ALL, mess3, rrxor


def best(work: Callable[[], object], repeats: int = 3) -> float:
    """The shortest wall-clock time in seconds."""
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times)


def word_by_word(process: Process, context: int) -> int:
    """The tree as a plain loop builds it: one vector-matrix product for each node."""
    level = [(process.eta, 1.0)]
    nodes = 0
    for _ in range(context):
        below = []
        for belief, probability in level:
            for T in process.T:
                joint = belief @ T
                mass = joint.sum()
                if mass > 0:
                    below.append((joint / mass, probability * mass))
        level = below
        nodes += len(level)
    return nodes


def sparse_chain(states: int, degree: int) -> dict[tuple[int, int], Scalar]:
    """An irreducible chain with random fractions."""
    rng = random.Random(0)
    chain: dict[tuple[int, int], Scalar] = {}
    for i in range(states):
        weights = {j: rng.randint(1, 100) for j in {(i + 1) % states, *(rng.randrange(states) for _ in range(degree - 1))}}
        for j, weight in weights.items():
            chain[i, j] = Fraction(weight, sum(weights.values()))
    return chain


def main() -> None:
    """Print one line for each measurement."""
    process = mess3()
    for depth in (10, 13):
        nodes = len(build_history_tree(process, depth))
        seconds = best(lambda depth=depth: build_history_tree(process, depth))  # type: ignore[misc]
        print(f"history tree   mess3 to {depth}: {nodes:,} nodes in {seconds:.3f} s, {nodes / seconds / 1e6:.1f} M nodes/s")
    nodes = word_by_word(process, 8)
    loop = best(lambda: word_by_word(process, 8), 1) / nodes
    quick = best(lambda: build_history_tree(process, 10)) / len(build_history_tree(process, 10))
    print(f"               against a loop over words: {loop / quick:.0f} times as quick")
    seconds = best(lambda: sample_history_tree(process, 10, 10_000, 0))
    print(f"sampled tree   mess3, 10,000 words to 10: {seconds:.3f} s")
    for words, length in ((4096, 11), (1024, 257), (100_000, 11)):
        seconds = best(lambda words=words, length=length: sample_words(process, words, length, 0))  # type: ignore[misc]
        print(f"drawing words  mess3, {words:,} of {length}: {words * length / seconds / 1e6:.1f} M tokens/s")
    for known in (rrxor(), process):
        size = len(mixed_state_presentation(known))
        seconds = best(lambda known=known: mixed_state_presentation(known))  # type: ignore[misc]
        print(f"mixed states   {known.name}, exact: {size:,} beliefs in {seconds * 1000:.1f} ms, {size / seconds / 1e3:.0f} k/s")
    # Where every token may come in every state, beliefs weigh all states for ever, and new ones go on coming; tokens that some
    # states never emit tell states apart exactly, and the beliefs close.
    for tokens, outcomes in ((2, 2), (4, 2), (8, 2)):
        for seed in range(3):
            drawn = random_hmm(30, tokens, seed, outcomes=outcomes, unifilar=True)
            found = mixed_state_presentation(drawn)
            seconds = best(lambda drawn=drawn: mixed_state_presentation(drawn), 1)  # type: ignore[misc]
            merged = best(lambda drawn=drawn: epsilon_machine(drawn), 1)  # type: ignore[misc]
            count = f"{len(found):,} beliefs{'' if found.closed else ', not closed,'} in {seconds:.2f} s"
            kind = f"30 states, {outcomes} of {tokens} tokens each, seed {seed}"
            print(f"closure        random unifilar, {kind}: {count}; causal states in {merged:.2f} s")
    for states, degree in ((5, 3), (200, 3), (200, 200)):
        chain = sparse_chain(states, degree)
        seconds = best(lambda chain=chain, states=states: stationary_distribution(chain, states), 1)  # type: ignore[misc]
        kind = type(stationary_distribution(chain, states)[0]).__name__
        print(f"stationary     {states} states, {degree} ways out: {seconds * 1000:.1f} ms ({kind})")
    slowest = max(((best(lambda known=known: portrait(known), 1), known.name) for known in ALL), default=(np.nan, ""))  # type: ignore[misc]
    print(f"portrait       slowest of {len(ALL)} known processes: {slowest[1]}, {slowest[0]:.2f} s")


if __name__ == "__main__":
    main()
