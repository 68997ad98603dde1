"""Files that are whole or not there, whatever happens while they are written, and that never lead elsewhere.

A file is written under a random name beside its place, which must not be there yet and is no link (`O_EXCL`, `O_NOFOLLOW`),
brought to the disk, and renamed into its place. A link that stands there is replaced; what it leads to is left alone.
"""

from __future__ import annotations

import csv
import errno
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO

from hmmdsl.files.plain import open_plain

PARTIAL = ".partial"
"""What the name of a file ends with until it is whole."""

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
_MORE = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)

_CHUNK = 2**20

_COMPUTED = ("=", "+", "-", "@", "\t", "\r")
"""What a cell begins with that spreadsheets take for a formula."""

_NUMBER = re.compile(r"[+-](inf|nan|[0-9.]+(e[+-]?[0-9]+)?(/[0-9]+)?)", re.IGNORECASE)


@contextmanager
def appearing(path: Path, durable: bool = True, mode: int | None = None, new: bool = False) -> Iterator[BinaryIO]:
    """An open file that becomes `path` if nothing goes wrong; after a power cut that is the old file or the new one.

    What belongs to a folder that is brought to the disk as a whole need not be `durable` by itself. `mode` are its permissions,
    the usual ones if None. If it must be `new`, FileExistsError is raised where something stands in its place. Raises OSError
    (disk full, quota, read-only); then what stood there stands there still.
    """
    beside = path.with_name(f".{path.name[:40]}.{token_hex(8)}{PARTIAL}")
    try:
        with os.fdopen(os.open(beside, _NEW, 0o666 if mode is None else mode), "wb") as file:
            yield file
            file.flush()
            if mode is not None:
                os.chmod(beside, mode)
            if durable:
                os.fsync(file.fileno())
        if new:
            _name_new(beside, path)
        else:
            os.replace(beside, path)
    except BaseException:
        with suppress(OSError):  # the first error is the one to tell
            beside.unlink(missing_ok=True)
        raise
    if durable:
        sync_folder(path.parent)


def write_whole(path: Path, content: bytes | str, durable: bool = True, mode: int | None = None, new: bool = False) -> None:
    """Write bytes, or text as UTF-8 with its line ends as they are; see `appearing`."""
    with appearing(path, durable, mode, new) as file:
        file.write(content.encode() if isinstance(content, str) else content)


def write_csv(path: Path, rows: Iterable[Iterable[object]]) -> None:
    """Write rows as CSV, floats in their shortest exact form; for folders that reach the disk as a whole."""
    with appearing(path, durable=False) as binary:
        text = TextIOWrapper(binary, encoding="utf-8", newline="")
        csv.writer(text, lineterminator="\n").writerows([_cell(value) for value in row] for row in rows)
        text.flush()
        text.detach()


def _cell(value: object) -> object:
    """What a spreadsheet shows as it is: text that it would compute is text by the apostrophe in front. Numbers stay numbers.

    >>> _cell("=1+1"), _cell("-1/3"), _cell("relu"), _cell(-0.5)
    ("'=1+1", '-1/3', 'relu', -0.5)
    """
    if not isinstance(value, str):
        return value
    text = value.replace("\r\n", "\n").replace("\r", "\n")  # which the writer quotes; a bare return would end the row
    return f"'{text}" if value.startswith(_COMPUTED) and not _NUMBER.fullmatch(value) else text


def append(path: Path, text: str) -> None:
    """Add to the end of a file, made if need be. Raises OSError, also where a link stands in its place."""
    with os.fdopen(os.open(path, _MORE, 0o666), "ab") as file:
        file.write(text.encode())


def try_to_write(folder: Path) -> None:
    """Raises OSError if no file can be made in a folder. Leaves none: where the system can, what is tried has no name."""
    try:
        os.close(os.open(folder, os.O_WRONLY | os.O_TMPFILE, 0o600))
    except (AttributeError, IsADirectoryError):  # another system, or one before O_TMPFILE
        _try_by_name(folder)
    except OSError as error:
        if error.errno not in (errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL):  # not on this disk
            raise
        _try_by_name(folder)


def _try_by_name(folder: Path) -> None:
    probe = folder / f".{token_hex(8)}{PARTIAL}"
    os.close(os.open(probe, _NEW, 0o600))
    probe.unlink()


def copy_file(source: Path, place: Path) -> None:
    """Copy a plain file, the folder of its place made if need be. Raises OSError."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with open_plain(source) as original, appearing(place, durable=False) as file:
        shutil.copyfileobj(original, file, _CHUNK)


def link_file(source: Path, place: Path) -> None:
    """Let a file stand in two places, which takes no room; a copy where the disk can't. A link stays a link. Raises OSError,
    FileExistsError among them."""
    try:
        os.link(source, place, follow_symlinks=False)
    except FileExistsError:
        raise
    except (OSError, NotImplementedError):
        if source.is_symlink():
            os.symlink(os.readlink(source), place)
            return
        with open_plain(source, follow=False) as original, appearing(place, durable=False, new=True) as file:
            shutil.copyfileobj(original, file, _CHUNK)
        shutil.copystat(source, place)


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk, where the system can. Raises OSError."""
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


def sync_file(path: Path) -> None:
    """Bring a file that is there to the disk. Raises OSError."""
    entry = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(entry)
    finally:
        os.close(entry)


def _name_new(beside: Path, path: Path) -> None:
    """Give a written file a name that nothing bears yet."""
    try:
        os.link(beside, path)
    except FileExistsError:
        raise
    except OSError:  # a disk without hard links
        os.close(os.open(path, _NEW, 0o666))
        os.replace(beside, path)
    else:
        beside.unlink()
