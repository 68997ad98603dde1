"""Files that are whole or not there, whatever happens while they are written."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path

PARTIAL = ".partial"
"""What the name of a file ends with until it is whole."""


def write_whole(path: Path, data: bytes) -> None:
    """Write beside the place, make sure that it has reached the disk, and rename into the place.

    After a power cut the file is the old one or the new one. Raises OSError (disk full, quota, read-only); then what stood there
    stands there still.
    """
    beside = path.with_name(path.name + PARTIAL)
    try:
        with beside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        with suppress(OSError):  # the first error is the one to tell
            beside.unlink(missing_ok=True)
        raise
    _reach_disk(path.parent)


def _reach_disk(folder: Path) -> None:
    """A renamed file's name lies in its folder, which has to reach the disk too, where the system can say so."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    entry = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(entry)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network disks do not sync folders
            raise
    finally:
        os.close(entry)
