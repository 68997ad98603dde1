"""The real command line, as a user calls it.

A command runs in a process of its own: with its arguments, folder, environment, streams and exit code. A fresh interpreter takes
two seconds to load torch, scipy and matplotlib, so most are forks of one that has loaded them (`multiprocessing`'s fork server),
and run the same `python -m hmmdsl`. Forks share what was loaded and the seed of hashes: where these matter, ask for a fresh one.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cache
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from unittest.mock import patch

Command = Callable[..., subprocess.CompletedProcess[str]]
"""What the fixture `command` gives: `command_line` in an empty folder."""

TIMEOUT = 1_000
"""Seconds after which a command is taken to hang, on a machine that does much else too."""

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""What keeps libraries from starting threads when they are loaded, which a fork would not have."""

AT_START = ("PYTHON", "ATEN_", "MKL_", "OPENBLAS_", "OMP_", "MPL")
"""Variables that an interpreter or a library reads when it is loaded."""


_TO_THE_END = ExitStack()


@contextmanager
def coarsely() -> Iterator[None]:
    """Within this block figures have few pixels and parts wherever they come to stand: much of a run with few steps goes into
    figures."""
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    from hmmdsl.report import style

    with patch.object(style, "DPI", 40), patch.object(ConstrainedLayoutEngine, "execute", lambda self, fig: None):
        yield


def coarse() -> None:
    """The same in a process that does nothing else."""
    _TO_THE_END.enter_context(coarsely())


def command_line(
    folder: Path,
    *arguments: str | Path,
    given: str | bytes = "",
    fresh: bool = False,
    prepare: Callable[[], None] | None = coarse,
    **environment: str,
) -> subprocess.CompletedProcess[str]:
    """Call `hmmdsl` in a process of its own, in `folder`, with `given` to read and `environment` besides what there is; in a
    fresh interpreter if asked for, or if the environment is one that is read when it starts. A fork calls `prepare` first: its
    figures are coarse, unless asked for as they are."""
    words = [str(each) for each in arguments]
    fresh = fresh or not hasattr(os, "fork") or any(name.startswith(AT_START) for name in environment)
    to_read = given.encode() if isinstance(given, str) else given
    there = {**os.environ, "NO_COLOR": "1", **environment}
    code, out, err = _started(words, folder, to_read, there) if fresh else _forked(words, folder, to_read, there, prepare)
    assert "Traceback" not in err, err
    return subprocess.CompletedProcess(["hmmdsl", *words], code, out, err)


def _started(words: list[str], folder: Path, given: bytes, environment: Mapping[str, str]) -> tuple[int, str, str]:
    call = [sys.executable, "-m", "hmmdsl", *words]
    done = subprocess.run(call, cwd=folder, input=given, capture_output=True, timeout=TIMEOUT, check=False, env=environment)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def _forked(
    words: list[str], folder: Path, given: bytes, environment: Mapping[str, str], prepare: Callable[[], None] | None
) -> tuple[int, str, str]:
    with tempfile.TemporaryDirectory() as place:
        streams = [Path(place) / name for name in ("in", "out", "err")]
        for stream, content in zip(streams, (given, b"", b""), strict=True):
            stream.write_bytes(content)
        process = fork(words, folder, environment, streams, prepare)
        process.join(TIMEOUT)
        if process.exitcode is None:
            process.kill()
            raise subprocess.TimeoutExpired(words, TIMEOUT)
        return process.exitcode, streams[1].read_text(), streams[2].read_text()


def fork(
    words: list[str], folder: Path, environment: Mapping[str, str], streams: list[Path], prepare: Callable[[], None] | None = None
) -> ForkServerProcess:
    """Begin a command in a fork that reads and writes these files (in, out, err), after calling `prepare`."""
    process = _fork_server().Process(target=_become, args=(words, folder, dict(environment), streams, prepare))
    process.start()
    return process


@cache
def _fork_server() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.loaded", "tests.command_line"])
    with patch.dict(os.environ, ONE_THREAD):
        forkserver.ensure_running()
    return context


def _become(
    words: list[str], folder: Path, environment: dict[str, str], streams: list[Path], prepare: Callable[[], None] | None
) -> None:
    """What a fork does: be `python -m hmmdsl` in that folder, with these streams."""
    for number, (path, flags) in enumerate(zip(streams, (os.O_RDONLY, os.O_WRONLY, os.O_WRONLY), strict=True)):
        handle = os.open(path, flags)
        os.dup2(handle, number)
        os.close(handle)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115  (multiprocessing gives a process none)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["hmmdsl", *words]
    if prepare is not None:
        prepare()
    runpy.run_module("hmmdsl", run_name="__main__", alter_sys=True)
