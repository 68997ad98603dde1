"""How a run can fail, apart from a wrong spec, and the exit codes of the command line."""

from __future__ import annotations

import errno
import os
from enum import IntEnum
from pathlib import Path

from hmmdsl.analysis.outcome import UndefinedTargetError
from hmmdsl.training.interruption import Interrupted as Interrupted  # what stops a run is told beside what fails it


class ExitCode(IntEnum):
    """What the command line returns. Ctrl-C and SIGTERM return 128 + the signal's number, as shells expect."""

    GOOD = 0
    CLAIM_FAILED = 1
    SPEC_WRONG = 2
    RUN_FAILED = 3
    DEFECT = 70  # as `EX_SOFTWARE` of sysexits.h
    INTERRUPTED = 130
    TERMINATED = 143


class OutputError(Exception):
    """A file or folder that was asked for cannot be written, or one that was given cannot be read; nothing was run."""


class RunError(Exception):
    """The run began and could not be finished. `kept` is the folder with what is left of it, if anything is."""

    def __init__(self, message: str, help: str = "", kept: Path | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.help = help
        self.kept = kept


class Terminated(BaseException):
    """SIGTERM arrived. Like KeyboardInterrupt it is no Exception, so that nothing swallows it by mistake."""


_NO_SPACE = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "a file would be larger than the system allows",
}

_NOT_WRITABLE = (
    *(errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO, errno.ENOTDIR, errno.ENOENT),
    *(errno.EEXIST, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.EMFILE, errno.ENFILE, errno.ESTALE),
)


def failure_of(error: Exception, during: str) -> RunError | None:
    """What a machine's limit says in words, memory or disk that ran out during a stage, or histories that define no target. None
    for anything else."""
    if isinstance(error, UndefinedTargetError):
        return RunError(str(error), "read each target by a regression of its own, or more histories")
    text = str(error).lower()
    number = (error.errno or 0) if isinstance(error, OSError) else 0
    if number in _NO_SPACE or "no space left on device" in text:
        return RunError(
            f"{_NO_SPACE.get(number, _NO_SPACE[errno.ENOSPC])} (during {during})",
            "free some space (`hmmdsl store prune`) and run the same command again: training goes on from where it was; "
            "or give other folders with `--out` and `--store`",
        )
    if number in _NOT_WRITABLE:
        return RunError(
            f"a file could not be written or read during {during}: {os.strerror(number).lower()}",
            "are the run folder and the store there, and can they be written? the same command goes on from where training was",
        )
    if isinstance(error, MemoryError) or "out of memory" in text or "can't allocate memory" in text:
        return RunError(
            f"memory ran out during {during}",
            "read `sampled { words = 10_000 }` histories, train on `sampled { batch = 64 }` data, or use a smaller network",
        )
    return None
