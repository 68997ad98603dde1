"""The learning rate of each step, as a share of the optimizer's rate."""

from __future__ import annotations

import math

from hmmdsl.spec.train import Constant, Cosine, OneCycle, Schedule

ONE_CYCLE_START, ONE_CYCLE_END = 1 / 25, 1 / 250_000
"""First and last rate of one cycle, as shares of the highest (the defaults of Smith & Topin's reference implementation)."""


def rate(schedule: Schedule, step: int, steps: int) -> float:
    """The share of the highest rate that step `step` of 0 … steps - 1 uses.

    constant    min(1, (step + 1) / W), where W = warmup * steps
    cosine      the same rise, then half a cosine that reaches `floor` at the last step
    one_cycle   half a cosine from 1/25 up to 1 at step W - 1, then half a cosine down to 1/250,000 at the last step
    """
    warm = schedule.warmup * steps
    match schedule:
        case Constant():
            return _rise(step, warm)
        case Cosine():
            return _rise(step, warm) if step < warm else _half_cosine(1.0, schedule.floor, _share(step - warm, steps - 1 - warm))
        case OneCycle():
            if step <= warm - 1:
                return _half_cosine(ONE_CYCLE_START, 1.0, _share(step, warm - 1))
            return _half_cosine(1.0, ONE_CYCLE_END, _share(step - (warm - 1), steps - warm))


def _rise(step: int, warm: float) -> float:
    return min(1.0, (step + 1) / warm) if warm else 1.0


def _share(part: float, whole: float) -> float:
    """part / whole within [0, 1]; a stretch of no length is done at once."""
    return min(part / whole, 1.0) if whole > 0 else 1.0


def _half_cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2
