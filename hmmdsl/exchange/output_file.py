"""Files that a command writes where its user says: they appear whole, or not at all, and nothing else is written over."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from hmmdsl.files.plain import kind_of
from hmmdsl.files.writing import appearing
from hmmdsl.runtime.failures import OutputError


@contextmanager
def output_file(out: Path, instead: str = "give another file") -> Iterator[BinaryIO]:
    """An open file that becomes `out` if nothing goes wrong. Raises OutputError, which says what to do instead, for an OSError
    meanwhile, and where a link, a folder or a device stands."""
    check_place(out, instead)
    try:
        with appearing(out) as file:
            yield file
    except OSError as error:
        raise unwritable(out, error, instead) from error


def check_place(out: Path, instead: str) -> None:
    """Raise OutputError if what stands at `out` is anything but a plain file."""
    with suppress(OSError, ValueError):  # nothing is there, or writing will tell
        found = kind_of(os.lstat(out).st_mode)
        if found == "a link":
            raise OutputError(f"{out} is a link, and links are not written through: name the file that it leads to")
        if found:
            raise OutputError(f"{out} is {found}, not a file: {instead}")


def unwritable(out: Path, error: OSError, instead: str) -> OutputError:
    """Why nothing can be written there."""
    return OutputError(f"{out} can't be written ({(error.strerror or str(error)).lower()}): {instead}")
