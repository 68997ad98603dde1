"""Runs many cases in a process of its own, which may hang, exhaust memory or die: what it was doing is known, and it begins anew.

Case `i` of a seed is made from these two numbers alone, so that each can be made again.
"""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import warnings
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from types import FrameType

SECONDS = 2.0
"""Processor time of one case."""

HANGS = 60.0
"""Seconds without a sign of life after which a worker is stopped: what sits in one long operation hears no alarm."""

MEMORY = 1 << 30
"""Bytes that one case may take, beside what is loaded."""

MEMORY_DISK = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
"""Where cases are written: no disk need sync them."""


@dataclass(frozen=True)
class Failure:
    """A case that went wrong, and how."""

    kind: str
    number: int
    how: str
    case: bytes


class TooLong(BaseException):
    """The alarm: not an Exception, which somebody may catch."""


def made(kind: str, seed: int, number: int, folder: Path) -> bytes:
    """The case of that number."""
    from tests.fuzz.cases import KINDS

    return KINDS[kind](folder).made(random.Random(f"{kind} {seed} {number}"))


def _alarm(number: int, frame: FrameType | None) -> None:
    raise TooLong


def work(kind: str, seed: int, first: int, last: int) -> None:
    """The worker: tries the cases, and says of each on stdout that it begins and how it went wrong, if it did."""
    from tests.fuzz.cases import KINDS

    say = os.fdopen(os.dup(1), "w", buffering=1)
    warnings.simplefilter("error", RuntimeWarning)  # numpy's, which nobody should see
    signal.signal(signal.SIGPROF, _alarm)
    with tempfile.TemporaryDirectory(dir=MEMORY_DISK) as folder:
        target = KINDS[kind](Path(folder))
        target.tried(target.made(random.Random("warm")))  # what is loaded once is no case's fault
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY, resource.RLIM_INFINITY))
        for number in range(first, last):
            case = target.made(random.Random(f"{kind} {seed} {number}"))
            print("begin", number, file=say)
            how = _tried(target, case)
            if how:
                print("wrong", number, how.encode().hex(), case.hex(), file=say)
    print("end", file=say)


def _tried(target: object, case: bytes) -> str:
    """How a case went wrong; nothing where it didn't."""
    heard = StringIO()
    try:
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        with redirect_stdout(heard), redirect_stderr(heard):
            target.tried(case)  # type: ignore[attr-defined]
    except TooLong:
        return f"more than {SECONDS:g} s of processor time\n{_where()}"
    except BaseException as error:
        return f"{type(error).__name__}: {str(error)[:500]}\n{_where()}"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return ""


def _where() -> str:
    """The last calls of the traceback, the nearest last."""
    frames = traceback.extract_tb(sys.exc_info()[2])[-6:]
    return "\n".join(f"  {Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames)


def run(kind: str, seed: int, cases: int, first: int = 0) -> Iterator[Failure | int]:
    """Try so many cases; gives failures as they come, and now and then how many were tried. A worker that died or hangs is
    replaced by one that goes on after its case."""
    start, last = first, first + cases
    while start < last:
        worker = _Worker(kind, seed, start, last)
        at = start - 1
        try:
            for word, rest in worker.words():
                if word == "begin":
                    at = int(rest[0])
                    if at % 20 == 0:
                        yield at - first
                elif word == "wrong":
                    how, case = (bytes.fromhex(each) for each in [*rest[1:], ""][:2])
                    yield Failure(kind, int(rest[0]), how.decode(), case)
                elif word == "end":
                    return
        finally:
            said = worker.end()
        if at < start:
            raise RuntimeError(f"the worker of {kind} does not begin: {said[-2000:]}")
        with tempfile.TemporaryDirectory(dir=MEMORY_DISK) as folder:
            yield Failure(kind, at, said, made(kind, seed, at, Path(folder)))
        start = at + 1


class _Worker:
    """The process, and what it says. It is killed where nothing has been heard for long: what sits in one long operation hears
    no alarm of its own."""

    def __init__(self, kind: str, seed: int, first: int, last: int) -> None:
        command = [sys.executable, "-m", "tests.fuzz", "--worker", kind, str(seed), str(first), str(last)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, stderr=self._errors)
        self._heard, self._hangs, self._over = time.monotonic(), False, threading.Event()
        self._watch = threading.Thread(target=self._look, daemon=True)
        self._watch.start()

    def words(self) -> Iterator[tuple[str, list[str]]]:
        """The lines that it says."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._heard = time.monotonic()
            word, *rest = line.split()
            yield word, rest

    def end(self) -> str:
        """Stop it if it goes on; what became of it."""
        self._over.set()
        self._watch.join()
        self._process.kill()
        code = self._process.wait()
        with self._errors:
            self._errors.seek(0)
            said = self._errors.read()
        return "nothing heard of it: it hangs" if self._hangs else f"the process ended with {code}: {said[-800:]}"

    def _look(self) -> None:
        while not self._over.wait(1.0):
            if time.monotonic() - self._heard > HANGS:
                self._hangs = True
                self._process.kill()
                return
