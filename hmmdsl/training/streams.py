"""Independent random streams from one seed."""

from __future__ import annotations

import numpy as np


def stream(seed: int, purpose: str) -> int:
    """A seed of its own for each purpose (`initialization`, `data`, …), so that one's use never shifts another's.

    The purpose is the spawn key of numpy's SeedSequence; the result has 63 bits.
    """
    sequence = np.random.SeedSequence(seed, spawn_key=tuple(purpose.encode()))
    return int(sequence.generate_state(1, np.uint64)[0] >> np.uint64(1))


def generator(seed: int, purpose: str) -> np.random.Generator:
    """The random numbers for one purpose. What an analysis is called is no purpose: names change no number."""
    return np.random.default_rng(stream(seed, purpose))
