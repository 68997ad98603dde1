"""The run folder: written beside, renamed into place whole, so that a folder that looks finished is finished."""

from __future__ import annotations

import os
import platform
import re
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hmmdsl.files.folders import move
from hmmdsl.files.writing import write_whole
from hmmdsl.runtime.failures import OutputError

_ASIDE = re.compile(r"\.(?P<label>.+)\.(?P<role>partial|replaced)-(?P<host>[\w-]*)-(?P<pid>\d+)")


def create_partial(out: Path, label: str) -> Path:
    """An empty folder beside where the run `label` will stand, with this process' id in its name; what dead runs left there is
    cleared away. Raises OutputError if it cannot be made."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        clear_leftovers(out)
        final = out / label
        if final.exists() and not final.is_dir():
            raise OutputError(f"{final} is in the way of the run folder: move it, or give another folder with `--out`")
        partial = out / _aside(label, "partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        probe = partial / "probe"
        write_whole(probe, b"")
        probe.unlink()
    except OSError as error:
        raise OutputError(
            f"the output folder {out} can't be written ({(error.strerror or str(error)).lower()}): give another one with `--out`"
        ) from error
    return partial


def put_in_place(partial: Path, final: Path) -> None:
    """Rename the finished folder to its name. One that stood there is moved aside first and then removed; signals wait until
    that is done, so that at no time a half-written folder bears the name."""
    replaced = final.with_name(_aside(final.name, "replaced"))
    with _signals_held():
        if final.exists():
            move(final, replaced)
        move(partial, final)
    shutil.rmtree(replaced, ignore_errors=True)


def discard(partial: Path) -> None:
    """Remove what an unfinished run wrote."""
    shutil.rmtree(partial, ignore_errors=True)


def clear_leftovers(out: Path) -> None:
    """Remove the partial folders of processes that are dead; put back a finished folder that one had moved aside."""
    for entry in sorted(out.iterdir()):
        match = _ASIDE.fullmatch(entry.name)
        if match is None or match["host"] != _host() or _alive(int(match["pid"])):
            continue
        final = out / match["label"]
        if match["role"] == "replaced" and not final.exists():
            move(entry, final)
        else:
            shutil.rmtree(entry, ignore_errors=True)


def _aside(label: str, role: str) -> str:
    return f".{label}.{role}-{_host()}-{os.getpid()}"


def _host() -> str:
    """The machine's name, so that on a shared disk nobody clears away another machine's run."""
    return re.sub(r"[^\w-]", "-", platform.node())


def _alive(pid: int) -> bool:
    if pid == os.getpid():
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


@contextmanager
def _signals_held() -> Iterator[None]:
    """Let SIGINT and SIGTERM wait, where the platform can."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
