"""A worker: a process of its own that makes the stages it is told to.

`python -m hmmdsl.runtime.engines.worker` reads orders from its standard input, a line of JSON each, and writes what it has to
tell to its standard output, until the input ends. With two files as arguments it makes the one order of the first and leaves what
it has to tell in the second, for batch systems.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from hmmdsl.files.writing import write_whole
from hmmdsl.runtime.asked import Asked
from hmmdsl.runtime.engines.making import make_stage
from hmmdsl.runtime.engines.messages import Message, Order, Send, SentLog, SentProgress, StoreAddress, failed
from hmmdsl.runtime.failures import ExitCode, Terminated
from hmmdsl.runtime.stage import Cache, RunContext

if TYPE_CHECKING:
    from typing import TextIO

GRACE = 8.0
"""Seconds that a worker has to finish its training step and write a resume point when it shall end."""


class Worker:
    """Makes one stage after another; what it read from a store stays in memory for the next."""

    def __init__(self) -> None:
        self._caches: dict[StoreAddress, Cache] = {}
        self.busy = False

    def make(self, text: str, send: Send) -> None:
        """Make the stage of an order; the last message is `done` or `failed`. Signals pass through."""
        self.busy = True
        try:
            order = Order.read(text)
            if order.store not in self._caches:
                self._caches[order.store] = Cache(order.store.open())
            asked = Asked(force=order.force)
            done = make_stage(order.task, RunContext(self._caches[order.store], SentProgress(send), SentLog(send), asked))
            last: Message = {"done": [done.seconds, done.cached]}
        except Exception as error:
            last = failed(error)
        send(last)
        self.busy = False


def serve(orders: TextIO, answers: TextIO) -> None:
    """Make what is ordered until the input ends. If it ends during a stage, whoever ordered it is gone or stops: training then
    leaves a resume point, and this process ends."""
    worker, waiting = Worker(), queue.Queue[str | None]()

    def listen() -> None:
        for line in orders:
            waiting.put(line)
        waiting.put(None)
        if worker.busy:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)
            threading.Timer(GRACE, lambda: os._exit(ExitCode.TERMINATED)).start()

    def send(message: Message) -> None:
        try:
            print(json.dumps(message), file=answers, flush=True)
        except BrokenPipeError:  # nobody listens any more: `listen` sees the end too
            raise Terminated from None

    threading.Thread(target=listen, daemon=True).start()
    while (order := waiting.get()) is not None:
        worker.make(order, send)


def make_once(order: Path, answer: Path) -> None:
    """Make the order in a file. All that it tells is written at the end, to be renamed into place whole."""
    told: list[Message] = []
    Worker().make(order.read_text(encoding="utf-8"), told.append)
    write_whole(answer, json.dumps(told))


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    raise Terminated


def main(arguments: list[str]) -> None:
    """The worker's process."""
    signal.signal(signal.SIGTERM, _terminate)
    signal.signal(signal.SIGUSR2, lambda *_: signal.raise_signal(signal.SIGTERM))  # batch systems', before a job's time is up
    try:
        if arguments:
            make_once(Path(arguments[0]), Path(arguments[1]))
            return
        answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)  # whatever a library prints must not be taken for an answer
        serve(sys.stdin, answers)
    except (Terminated, KeyboardInterrupt):
        os._exit(ExitCode.TERMINATED)


if __name__ == "__main__":
    main(sys.argv[1:])
