"""Mess3 as a generalized HMM, and the same process in other coordinates: what has a meaning is the same in both."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np

from tests.process.known_processes import mess3

CHANGE = np.array([[1.0, 0.5, -2.0], [0.3, 1.5, 0.1], [-0.7, 0.2, 1.0]])
"""Vectors v of `PLAIN` are v CHANGE in `MOVED`."""

INVERSE = np.linalg.inv(CHANGE)

PLAIN = replace(mess3(), right=(Fraction(1),) * 3)

MOVED = replace(
    PLAIN,
    operators=tuple({(i, j): float(m[i, j]) for i in range(3) for j in range(3)} for m in INVERSE @ PLAIN.T @ CHANGE),
    start=tuple(map(float, PLAIN.eta @ CHANGE)),
    right=tuple(map(float, INVERSE @ np.ones(3))),
)
