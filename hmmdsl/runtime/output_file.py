"""Files that a command writes where its user says: they appear whole, or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hmmdsl.runtime.failures import OutputError


@contextmanager
def appearing(out: Path, instead: str = "give another file") -> Iterator[Path]:
    """The place to write at, which becomes `out` if nothing goes wrong. Raises OutputError, which says what to do instead, for an
    OSError meanwhile."""
    unfinished = out.with_name(f".{out.name}.unfinished")
    try:
        try:
            yield unfinished
            os.replace(unfinished, out)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(out, error, instead) from error


def unwritable(out: Path, error: OSError, instead: str) -> OutputError:
    """Why nothing can be written there."""
    return OutputError(f"{out} can't be written ({(error.strerror or str(error)).lower()}): {instead}")
