"""How a run can fail, apart from a wrong spec, and the exit codes of the command line."""

from __future__ import annotations

import errno
from enum import IntEnum
from pathlib import Path


class ExitCode(IntEnum):
    """What the command line returns. Ctrl-C and SIGTERM return 128 + the signal's number, as shells expect."""

    GOOD = 0
    CLAIM_FAILED = 1
    SPEC_WRONG = 2
    RUN_FAILED = 3
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


def failure_of(error: Exception, during: str) -> RunError | None:
    """What a machine's limit says in words: memory or disk that ran out during a stage. None for anything else."""
    text = str(error).lower()
    if (isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)) or "no space left on device" in text:
        return RunError(
            f"the disk is full (during {during})",
            "free some space (`hmmdsl store prune`), or give other folders with `--out` and `--store`",
        )
    if isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EROFS, errno.EIO, errno.ENOTDIR, errno.ENOENT):
        return RunError(
            f"a file could not be written or read during {during}: {error.strerror}",
            "are the run folder and the store still there, and can they be written?",
        )
    if isinstance(error, MemoryError) or "out of memory" in text or "can't allocate memory" in text:
        return RunError(
            f"memory ran out during {during}",
            "read `sampled { words = 10_000 }` histories, train on `sampled { batch = 64 }` data, or use a smaller network",
        )
    return None
