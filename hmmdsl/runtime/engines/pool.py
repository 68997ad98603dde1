"""The engine that makes stages side by side in worker processes on this machine.

Workers are fresh interpreters that talk JSON over pipes. What the standard library's pools don't give: the threads of numerical
libraries are set before any is loaded, a worker that dies takes its own stage with it and no other, the calling program's main
module is not run again, and workers end with the run however that ends, since their input does.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from hmmdsl.runtime.engines.engine import CallingEngine, Done
from hmmdsl.runtime.engines.making import thread_settings
from hmmdsl.runtime.engines.messages import Message
from hmmdsl.runtime.engines.worker import GRACE
from hmmdsl.runtime.failures import RunError

if TYPE_CHECKING:
    from hmmdsl.runtime.engines.engine import Events
    from hmmdsl.runtime.stage import Task


class PoolEngine(CallingEngine):
    """`width` workers of `threads` threads each, begun when they are first needed. A stage goes to a worker that made what it
    needs, if one of those is idle."""

    def __init__(self, width: int, threads: int, events: Events) -> None:
        super().__init__(events, width, "stage")
        self._threads = threads
        self._idle: list[_Process] = []
        self._all: list[_Process] = []
        self._turn = threading.Lock()
        self._closed = False

    @property
    def workers(self) -> tuple[int, ...]:
        """The process ids of the workers that live."""
        return tuple(each.pid for each in self._all if each.alive)

    def close(self) -> None:
        """End all workers: one that trains finishes its step and leaves a resume point."""
        with self._turn:
            self._closed = True
            for each in self._all:
                each.hang_up()
        for each in self._all:
            each.end()
        self._callers.shutdown(wait=True)

    def _made(self, task: Task) -> Done:
        attempt = 0
        while True:
            attempt += 1
            worker = self._take(task)
            try:
                for message in worker.asked(self._events.order(task)):
                    done = self._events.told(task, message)
                    if done is not None:
                        worker.made.add(task.hash)
                        return done
            finally:
                self._give_back(worker)
            if self._closed:
                raise RunError("the run was ended")
            self._events.lost(task, worker.how_it_ended(), attempt)

    def _take(self, task: Task) -> _Process:
        with self._turn:
            if self._closed:
                raise RunError("the run was ended")
            self._idle = [each for each in self._idle if each.alive]
            if self._idle:
                chosen = next((each for each in self._idle if each.made.intersection(task.needs)), self._idle[-1])
                self._idle.remove(chosen)
                return chosen
            begun = _Process(self._threads)
            self._all.append(begun)
            return begun

    def _give_back(self, worker: _Process) -> None:
        with self._turn:
            self._idle.append(worker)


class _Process:
    """One worker process. It has a process group of its own: Ctrl-C reaches the run alone, which then ends its workers."""

    def __init__(self, threads: int) -> None:
        self.made: set[str] = set()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "hmmdsl.runtime.engines.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **thread_settings(threads), "PYTHONPATH": search_path()},
            text=True,
            encoding="utf-8",
            process_group=0,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._orders, self._answers = self._process.stdin, self._process.stdout

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def asked(self, order: str) -> Iterator[Message]:
        """What it tells of an order, until it falls silent for ever."""
        with contextlib.suppress(OSError, ValueError):  # it died, or was hung up, before it could be asked
            self._orders.write(order + "\n")
            self._orders.flush()
        for line in self._answers:
            try:
                message: Message = json.loads(line)
            except ValueError:
                return  # it died in the middle of a line
            yield message

    def how_it_ended(self) -> str:
        """`killed by SIGKILL`, which the system also sends when memory runs out, or `it ended with 1`."""
        code = self._process.wait()
        return f"killed by {signal.Signals(-code).name}" if code < 0 else f"it ended with {code}"

    def hang_up(self) -> None:
        """Let its input end, which ends it."""
        with contextlib.suppress(OSError, ValueError):
            self._orders.close()

    def end(self) -> None:
        """Wait until it has ended, and not for ever."""
        try:
            self._process.wait(GRACE + 2)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            self._process.kill()
            self._process.wait()


def search_path() -> str:
    """Where this process finds its modules, so that a worker finds the same."""
    return os.pathsep.join(path for path in sys.path if path)
