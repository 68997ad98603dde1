"""SIGINT and SIGTERM during training: the step is finished first."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType


class Interrupted(KeyboardInterrupt):
    """The training run `name` was stopped by signal `number` after `step` of its `steps` steps; its resume point is written.

    It is a KeyboardInterrupt, so that whoever passes those on passes this on, and nothing swallows it as an error.
    """

    def __init__(self, name: str, step: int, steps: int, number: int) -> None:
        super().__init__(name, step, steps, number)
        self.name, self.step, self.steps, self.number = name, step, steps, number

    def __str__(self) -> str:
        return f"training of {self.name} stopped after step {self.step:,} of {self.steps:,}"


@dataclass
class StopRequest:
    """The signal that asked for an end, if one did."""

    number: int | None = None


@contextmanager
def stop_requests() -> Iterator[StopRequest]:
    """Within this, the first SIGINT or SIGTERM only sets `number`; a SIGINT after it raises KeyboardInterrupt at once.

    Afterwards signals do what they did before, and one that nobody answered is sent again. A signal that was ignored stays so;
    outside the main thread, which alone gets signals, nothing changes.
    """
    request = StopRequest()
    before = {}
    if threading.current_thread() is threading.main_thread():
        before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        before = {number: handler for number, handler in before.items() if handler not in (None, signal.SIG_IGN)}

    def note(number: int, frame: FrameType | None) -> None:
        if request.number is not None and number == signal.SIGINT:
            raise KeyboardInterrupt
        request.number = request.number or number

    for number in before:
        signal.signal(number, note)
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if request.number is not None:
        signal.raise_signal(request.number)
