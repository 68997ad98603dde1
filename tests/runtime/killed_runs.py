"""Runs through the command line that are killed: at random instants, and after a given write."""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

KILLED = -signal.SIGKILL

PROGRAM = """
import os, signal, sys
between, fatal, torn, draw = float(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "torn", sys.argv[4] == "draw"
del sys.argv[1:5]
from hmmdsl.training import resumption
if between:
    resumption.MOST_LOST = between
if not draw:
    from hmmdsl.report import page
    from hmmdsl.report.sweeps import figures as sweep_figures
    from hmmdsl.runtime.stages import figures
    sweep_figures.draw_sweep = lambda *given: ()
    figures.make = lambda *given: []
    page.write_report = lambda finished, folder, drawn: (folder / "report.html").write_text("")
calls = 0

def counted(name):
    function = getattr(os, name)
    def call(*arguments, **options):
        global calls
        calls += 1
        if calls == fatal and torn and name == "fsync":
            try:
                os.ftruncate(arguments[0], os.fstat(arguments[0]).st_size // 2)
            except OSError:  # a folder
                pass
            os.kill(os.getpid(), signal.SIGKILL)
        done = function(*arguments, **options)
        if calls == fatal:
            os.kill(os.getpid(), signal.SIGKILL)
        return done
    setattr(os, name, call)

if fatal:
    for name in ("fsync", "replace", "rename", "link"):
        counted(name)
from hmmdsl.cli import main
main()
"""
"""The command line, with resume points as often as asked for, that kills itself at the `fatal`-th call that makes a file last:
after it, or half-way through what it was to keep."""


class KilledRun:
    """One run in `folder`, to be begun again and again. `between` are the seconds between resume points, 0 for the usual ones;
    `draw` says whether it draws its figures and writes its report, which takes longer than the training of a small network."""

    def __init__(self, spec: Path, folder: Path, *options: str, between: float = 0.05, draw: bool = False) -> None:
        self.spec, self.folder, self.options, self.between, self.draw = spec, folder, options, between, draw
        folder.mkdir(parents=True, exist_ok=True)
        self.store = folder.resolve() / "store"

    def _start(self, fatal: int = 0, torn: bool = False, file_limit: int = resource.RLIM_INFINITY) -> subprocess.Popen[str]:
        def prepare() -> None:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_limit, resource.RLIM_INFINITY))

        return subprocess.Popen(
            [
                *(sys.executable, "-c", PROGRAM, str(self.between), str(fatal)),
                *("torn" if torn else "whole", "draw" if self.draw else "no"),
                *("run", str(self.spec), "--out", "runs", *self.options),
            ],
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1", "HMMDSL_STORE": str(self.store)},
            preexec_fn=prepare,
        )

    def finish(self) -> float:
        """Run to the end; returns how many seconds that took from the first step of training."""
        return self._wait(self._start())

    def _wait(self, process: subprocess.Popen[str]) -> float:
        assert process.stderr is not None
        began, said = time.monotonic(), ""
        for line in process.stderr:
            said += line
            if line.startswith("train"):
                began = time.monotonic() if "…" in line else began
        assert process.wait() in (0, 1), said
        return time.monotonic() - began

    def kill_after_write(self, write: int, torn: bool = False) -> bool:
        """Whether it came to that write, and so was killed."""
        process = self._start(write, torn)
        _, said = process.communicate(timeout=600)
        assert process.returncode in (KILLED, 0, 1), said
        return process.returncode == KILLED

    def kill_after_seconds(self, seconds: float) -> bool:
        """Killed so long after training began; False if the run was quicker."""
        process = self._start()
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("train"):
                break
        time.sleep(seconds)
        process.kill()
        process.communicate(timeout=600)
        return process.returncode == KILLED

    def signal_in_training(self, number: signal.Signals, step: int) -> tuple[int, str]:
        """Send a signal when so many steps are done; the exit code and what it said."""
        process = self._start()
        assert process.stderr is not None
        said = ""
        for line in process.stderr:
            said += line
            words = line.split()
            if words[:1] == ["step"] and int(words[1].partition("/")[0].replace(",", "")) >= step:
                break
        process.send_signal(number)
        _, rest = process.communicate(timeout=600)
        return process.returncode, said + rest

    def with_file_limit(self, size: int) -> tuple[int, str]:
        """Run where no file may be larger than that; the exit code and what it said."""
        process = self._start(file_limit=size)
        _, said = process.communicate(timeout=600)
        return process.returncode, said

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
