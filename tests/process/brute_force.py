"""Every word one by one, by matrix products: slow, and plainly right."""

from __future__ import annotations

from itertools import product

import numpy as np

from hmmdsl.process.process import Process


def words(process: Process, length: int) -> dict[tuple[int, ...], np.ndarray]:
    """`eta T[x1] … T[xn]` for each word of this length that can occur, in lexicographic order."""
    found = {}
    for word in product(range(len(process.tokens)), repeat=length):
        vector = process.eta
        for x in word:
            vector = vector @ process.T[x]
        if vector.sum() > 0:
            found[word] = vector
    return found


def myopic_entropy_nats(process: Process, n: int) -> float:
    """h_n = H(n) - H(n - 1) from the words' probabilities."""

    def block(length: int) -> float:
        p = np.array([vector.sum() for vector in words(process, length).values()])
        return float(-(p * np.log(p)).sum())

    return block(n) - block(n - 1)
