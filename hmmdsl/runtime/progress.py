"""What a run tells while it goes: live on a terminal, plain lines elsewhere, or nothing."""

from __future__ import annotations

import time
from collections.abc import Container

from hmmdsl.runtime.stage import Progress, Stage

OTHER_SEEDS = "other seeds"
"""What `points` are of where they are the experiment with other seeds; else a sweep."""


class Silence(Progress):
    """Tells nothing."""


class OfStages(Progress):
    """Passes on what is told of a run's own stages, by their hashes; those of the points of its sweeps are no news."""

    def __init__(self, progress: Progress, hashes: Container[str]) -> None:
        self._progress, self._hashes = progress, hashes

    def start(self, stage: Stage) -> None:
        if stage.hash in self._hashes:
            self._progress.start(stage)

    def step(self, stage: Stage, step: int, steps: int, loss: float, gap: float | None) -> None:
        if stage.hash in self._hashes:
            self._progress.step(stage, step, steps, loss, gap)

    def finish(self, stage: Stage, seconds: float, cached: bool = False) -> None:
        if stage.hash in self._hashes:
            self._progress.finish(stage, seconds, cached)


class Clock:
    """How long a training run has gone, and how long it still needs at its pace so far."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._paced: tuple[float, int] | None = None

    @property
    def gone(self) -> float:
        return time.monotonic() - self._began

    def left(self, step: int, steps: int) -> float | None:
        """Seconds left, at the pace since the first step that was told (which may also have loaded libraries); None before."""
        if self._paced is None:
            self._paced = (self.gone, step)
            return None
        began, first = self._paced
        return (self.gone - began) * (steps - step) / (step - first) if step > first else None


def duration(seconds: float) -> str:
    """`0.8 s`, `42 s`, `3:05`, `2:03:05`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02}:{rest:02}"
