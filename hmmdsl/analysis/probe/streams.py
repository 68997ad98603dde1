"""Independent random streams: one for each use, all from the training run's seed."""

from __future__ import annotations

from hashlib import sha256

import numpy as np


def stream(seed: int, *names: str | int) -> np.random.Generator:
    """The random numbers for one use, such as `stream(0, "beliefs", "shuffled", 3)`.

    Streams of different seeds or names are independent; the same seed and names give the same numbers on every machine.
    """
    digest = sha256("\x1f".join(str(name) for name in names).encode()).digest()
    key = [int.from_bytes(digest[i : i + 4], "little") for i in range(0, 16, 4)]
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(entropy=seed, spawn_key=key)))
