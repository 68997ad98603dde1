"""What a run tells while it goes: live on a terminal, plain lines elsewhere, or nothing."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from hmmdsl.files.door import console, say
from hmmdsl.process.notation import number_text
from hmmdsl.runtime.progress import OTHER_SEEDS, Clock, Silence, duration
from hmmdsl.runtime.stage import Progress

if TYPE_CHECKING:
    from rich.console import RenderableType

    from hmmdsl.runtime.stage import Plan, Stage

LINE_INTERVAL = 5.0
"""Seconds between two plain lines of one training run."""


def progress_on(stream: TextIO, quiet: bool) -> Progress:
    """Live on a terminal, plain lines elsewhere, nothing if `quiet`."""
    if quiet:
        return Silence()
    return LiveProgress(stream) if stream.isatty() else PlainProgress(stream)


def training_words(step: int, steps: int, loss: float, gap: float | None, left: float | None) -> str:
    """`step 400/1,200   loss 0.57832   gap 1.4 × 10⁻⁴ nats   9.1 s left`."""
    words = [f"step {step:,}/{steps:,}", f"loss {loss:.5f}"]
    words.append(f"gap {number_text(gap, 2)} nats" if gap is not None else "nats")
    if left is not None and step < steps:
        words.append(f"{duration(left)} left")
    return "   ".join(words)


def points_words(of: str, done: int, points: int, failed: int, left: float | None) -> str:
    """`12/20 points   1 failed   42 s left`."""
    words = [f"{done:,}/{points:,}{'' if of == OTHER_SEEDS else ' points'}"]
    if failed:
        words.append(f"{failed:,} failed")
    if left is not None and done < points:
        words.append(f"{duration(left)} left")
    return "   ".join(words)


@dataclass
class _Telling:
    """What was last told of a running stage: when, in seconds of its clock, and which step."""

    clock: Clock
    last: float
    step: int = -1


class PlainProgress(Progress):
    """One line for each stage, and one every few seconds of training: the first and the last step always."""

    def __init__(self, stream: TextIO, interval: float = LINE_INTERVAL) -> None:
        self._stream = stream
        self._interval = interval
        self._running: dict[str, _Telling] = {}
        self._last = -interval
        self._clock = Clock()
        self._pointed = ""

    def begin(self, plan: Plan) -> None:
        self._say(f"{plan.folder_name}: {len(plan.stages)} stages")

    def start(self, stage: Stage) -> None:
        self._running[stage.id] = _Telling(Clock(), -self._interval)
        if stage.trains:
            self._say(f"{stage.id} …")

    def step(self, stage: Stage, step: int, steps: int, loss: float, gap: float | None) -> None:
        told = self._running[stage.id]
        gone = told.clock.gone
        if step == told.step or (step < steps and gone - told.last < self._interval):
            return
        told.last, told.step = gone, step
        who = f"{stage.id}: " if len(self._running) > 1 else ""
        self._say(f"  {who}{training_words(step, steps, loss, gap, told.clock.left(step, steps))}")

    def finish(self, stage: Stage, seconds: float, cached: bool = False) -> None:
        self._running.pop(stage.id, None)
        self._say(f"{stage.id}: {'from the store' if cached else duration(seconds)}")

    def points(self, of: str, done: int, points: int, failed: int, left: float | None) -> None:
        words = f"{of}: {points_words(of, done, points, failed, left)}"
        gone = self._clock.gone
        if words == self._pointed or (0 < done < points and gone - self._last < self._interval):
            return
        self._last, self._pointed = gone, words
        self._say(words)

    def close(self) -> None:
        self._stream.flush()

    def _say(self, line: str) -> None:
        say(line, file=self._stream)


class LiveProgress(Progress):
    """The list of stages, drawn again in place: done, running (with a bar for training), waiting."""

    def __init__(self, stream: TextIO = sys.stderr) -> None:
        from rich.live import Live

        self._stages: tuple[Stage, ...] = ()
        self._done: dict[str, str] = {}
        self._running: dict[str, Clock] = {}
        self._training: dict[str, tuple[int, int, float, float | None]] = {}
        self._sweeps: dict[str, tuple[int, int, int, float | None]] = {}
        self._live = Live(console=console(stream), refresh_per_second=8, get_renderable=self._draw)

    def begin(self, plan: Plan) -> None:
        self._stages = plan.stages
        self._live.start()

    def start(self, stage: Stage) -> None:
        self._running[stage.id] = Clock()

    def step(self, stage: Stage, step: int, steps: int, loss: float, gap: float | None) -> None:
        if gap is None and stage.id in self._training:
            gap = self._training[stage.id][3]  # the gap is measured more rarely than the loss: keep showing the last one
        self._training[stage.id] = (step, steps, loss, gap)

    def finish(self, stage: Stage, seconds: float, cached: bool = False) -> None:
        self._done[stage.id] = "from the store" if cached else duration(seconds)
        self._running.pop(stage.id, None)

    def points(self, of: str, done: int, points: int, failed: int, left: float | None) -> None:
        self._sweeps[of] = (done, points, failed, left)

    def close(self) -> None:
        if self._live.is_started:
            self._live.refresh()
            self._live.stop()

    def _draw(self) -> RenderableType:
        from rich.progress_bar import ProgressBar
        from rich.spinner import Spinner
        from rich.table import Table
        from rich.text import Text

        table = Table.grid(padding=(0, 1))
        for stage in self._stages:
            if stage.id in self._done:
                table.add_row(Text("✓", "green"), stage.id, Text(self._done[stage.id], "dim"))
            elif (clock := self._running.get(stage.id)) is not None:
                table.add_row(Spinner("dots", style="cyan"), Text(stage.id, "bold"), Text(duration(clock.gone), "dim"))
                if stage.id in self._training:
                    step, steps, loss, gap = self._training[stage.id]
                    words = training_words(step, steps, loss, gap, clock.left(step, steps))
                    table.add_row("", ProgressBar(total=steps, completed=step, width=24), Text(words))
            else:
                table.add_row(Text("·", "dim"), Text(stage.id, "dim"), "")
        for of, (done, points, failed, left) in self._sweeps.items():
            mark = Text("✓", "green") if done == points else Spinner("dots", style="cyan")
            table.add_row(mark, of, Text(points_words(of, done, points, failed, left), "dim"))
            if done < points:
                table.add_row("", ProgressBar(total=points, completed=done, width=24), "")
        return table
