"""Runs through the command line that are killed: at random instants, and after a given write."""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import random
import resource
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tests.command_line import TIMEOUT, fork

KILLED = -signal.SIGKILL

Fault = Literal["killed", "torn", "full", "set back"]


@dataclass(frozen=True)
class Ends:
    """Called before the command begins: resume points come as often as asked for, and the process kills itself at the `fatal`-th
    call that makes a file last: after it, or half-way through what it was to keep (`torn`). Or from then on the disk is `full`,
    or the clock is `set back`. No file may be larger than `file_limit`."""

    between: float
    draw: bool
    fatal: int = 0
    fault: Fault = "killed"
    file_limit: int = resource.RLIM_INFINITY

    def __call__(self) -> None:
        from hmmdsl.report import page
        from hmmdsl.report.sweeps import figures as sweep_figures
        from hmmdsl.runtime.stages import figures
        from hmmdsl.training import resumption

        signal.signal(signal.SIGINT, signal.default_int_handler)
        resource.setrlimit(resource.RLIMIT_FSIZE, (self.file_limit, resource.RLIM_INFINITY))
        if self.between:
            resumption.MOST_LOST = self.between
        if not self.draw:
            sweep_figures.draw_sweep = lambda *given: ()
            figures.FiguresStage.make = lambda *given: []  # type: ignore[method-assign]
            page.write_report = lambda finished, folder, drawn: (folder / "report.html").write_text("")
        if self.fatal:
            calls = itertools.count(1)
            begin = self._fill if self.fault == "full" else _set_back if self.fault == "set back" else None
            for name in ("fsync", "replace", "rename", "link"):
                setattr(os, name, self._counted(name, calls) if begin is None else self._beginning(name, calls, begin))

    def _counted(self, name: str, calls: Iterator[int]) -> Callable[..., Any]:
        function = getattr(os, name)

        def call(*arguments: Any, **options: Any) -> Any:
            last = next(calls) == self.fatal
            if last and self.fault == "torn" and name == "fsync":
                with contextlib.suppress(OSError):  # a folder
                    os.ftruncate(arguments[0], os.fstat(arguments[0]).st_size // 2)
                os.kill(os.getpid(), signal.SIGKILL)
            done = function(*arguments, **options)
            if last:
                os.kill(os.getpid(), signal.SIGKILL)
            return done

        return call

    def _beginning(self, name: str, calls: Iterator[int], begin: Callable[[], None]) -> Callable[..., Any]:
        """The function, at the `fatal`-th call of which something begins."""
        function = getattr(os, name)

        def call(*arguments: Any, **options: Any) -> Any:
            if next(calls) == self.fatal:
                begin()
            return function(*arguments, **options)

        return call

    def _fill(self) -> None:
        """From now on nothing new can be made, and nothing reaches the disk."""
        open_, mkdir = os.open, os.mkdir

        def no_room(*arguments: Any, **options: Any) -> Any:
            raise OSError(errno.ENOSPC, "No space left on device")

        def no_file(path: Any, flags: int, *arguments: Any, **options: Any) -> int:
            return no_room() if flags & os.O_CREAT and not os.path.exists(path) else open_(path, flags, *arguments, **options)

        def no_folder(path: Any, *arguments: Any, **options: Any) -> None:
            return mkdir(path, *arguments, **options) if os.path.exists(path) else no_room()

        os.open, os.mkdir, os.fsync = no_file, no_folder, no_room  # type: ignore[assignment]


def _set_back() -> None:
    """From now on it is three days ago."""
    now = time.time
    time.time = lambda: now() - 3 * 86_400


class Begun:
    """A command in a process of its own, and what it says on stderr while it runs."""

    def __init__(self, words: list[str], folder: Path, environment: dict[str, str], ends: Ends) -> None:
        with tempfile.TemporaryDirectory() as place:
            said = Path(place) / "said"
            os.mkfifo(said)
            self._process = fork(words, folder, environment, [Path(os.devnull), Path(os.devnull), said], ends)
            self.stderr = said.open()  # once the process has opened it too

    def wait(self) -> int:
        """The exit code, negative where a signal ended it."""
        self.rest()
        self._process.join(TIMEOUT)
        assert self._process.exitcode is not None, "it hangs"
        return self._process.exitcode

    def rest(self) -> str:
        """What else it says until it ends."""
        if self.stderr.closed:
            return ""
        with self.stderr:
            return self.stderr.read()

    def send_signal(self, number: int) -> None:
        """Send it, unless the process has ended."""
        assert self._process.pid is not None
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._process.pid, number)


class KilledRun:
    """One run in `folder`, to be begun again and again. `between` are the seconds between resume points, 0 for the usual ones;
    `draw` says whether it draws its figures and writes its report, which takes longer than the training of a small network."""

    def __init__(self, spec: Path, folder: Path, *options: str, between: float = 0.05, draw: bool = False) -> None:
        self.spec, self.folder, self.options, self.between, self.draw = spec, folder, options, between, draw
        folder.mkdir(parents=True, exist_ok=True)
        self.store = folder.resolve() / "store"

    def _start(
        self, fatal: int = 0, fault: Fault = "killed", file_limit: int = resource.RLIM_INFINITY, force: bool = False
    ) -> Begun:
        words = ["run", str(self.spec), "--out", "runs", *self.options, *(["--force"] if force else [])]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "HMMDSL_STORE": str(self.store)}
        return Begun(words, self.folder, environment, Ends(self.between, self.draw, fatal, fault, file_limit))

    def finish(self) -> float:
        """Run to the end; returns how many seconds that took from the first step of training."""
        process = self._start()
        began, said = time.monotonic(), ""
        for line in process.stderr:
            said += line
            if line.startswith("train"):
                began = time.monotonic() if "…" in line else began
        assert process.wait() in (0, 1), said
        return time.monotonic() - began

    def at_once(self, count: int) -> list[int]:
        """So many at the same time, from the beginning: their exit codes."""
        shutil.rmtree(self.store)
        begun = [self._start() for _ in range(count)]
        readers = [threading.Thread(target=each.rest) for each in begun]  # a pipe that nobody reads would stop them
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
        return [each.wait() for each in begun]

    def kill_after_write(self, write: int, torn: bool = False) -> bool:
        """Whether it came to that write, and so was killed."""
        process = self._start(write, "torn" if torn else "killed")
        said = process.rest()
        assert process.wait() in (KILLED, 0, 1), said
        return process.wait() == KILLED

    def again_with(self, fault: Fault, write: int) -> tuple[int, str]:
        """Compute everything again, with a `full` disk or a clock that is `set back` from that write on; the exit code, and what
        it said."""
        process = self._start(write, fault, force=True)
        said = process.rest()
        return process.wait(), said

    def kill_after_seconds(self, seconds: float) -> bool:
        """Killed so long after training began; False if the run was quicker."""
        process = self._start()
        for line in process.stderr:
            if line.startswith("train"):
                break
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        return process.wait() == KILLED

    def signal_in_training(self, number: signal.Signals, step: int) -> tuple[int, str]:
        """Send a signal when so many steps are done; the exit code and what it said."""
        process = self._start()
        said = ""
        for line in process.stderr:
            said += line
            words = line.split()
            if words[:1] == ["step"] and int(words[1].partition("/")[0].replace(",", "")) >= step:
                break
        process.send_signal(number)
        said += process.rest()
        return process.wait(), said

    def with_file_limit(self, size: int) -> tuple[int, str]:
        """Run where no file may be larger than that; the exit code and what it said."""
        process = self._start(file_limit=size)
        said = process.rest()
        return process.wait(), said

    def left(self) -> dict[str, bytes]:
        """What lasts of the run and must be the same every time: results, claims, checkpoints, arrays."""
        (run,) = (
            entry for entry in (self.folder / "runs").iterdir() if not entry.name.startswith(".") and entry.suffix != ".failed"
        )
        kept = [run / name for name in ("results.json", "claims.json", "facts.json")]
        kept += [path for folder in ("checkpoints", "arrays") for path in (run / folder).rglob("*") if path.is_file()]
        return {path.relative_to(run).as_posix(): path.read_bytes() for path in kept if path.is_file()}

    def litter(self) -> list[str]:
        """Hidden things in the folder of runs, which none that ended should leave."""
        return sorted(entry.name for entry in (self.folder / "runs").iterdir() if entry.name.startswith("."))

    def begun(self) -> list[Path]:
        """The folders of stages that were begun and not finished."""
        return sorted((self.store / "work").iterdir())


def random_kill(run: KilledRun, chance: random.Random, seconds: float, writes: int) -> bool:
    """One kill, at a random instant of `seconds` or after one of `writes` writes; False if the run ended before."""
    if chance.random() < 0.5:
        return run.kill_after_seconds(chance.uniform(0, seconds))
    return run.kill_after_write(chance.randint(1, writes), torn=chance.random() < 0.5)
