"""Reading files that may be anything: only plain files are opened, and no more of them is read than may be."""

from __future__ import annotations

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path


class NotPlain(OSError):  # noqa: N818
    """What should be a plain file is a folder, a pipe, a socket or a device, or a link where none is followed."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(errno.EINVAL, f"it is {what}, not a plain file", str(path))


class TooLarge(OSError):  # noqa: N818
    """A file has more bytes than are read."""

    def __init__(self, path: Path, most: int) -> None:
        super().__init__(errno.EINVAL, f"it is larger than {most:,} bytes", str(path))


def open_plain(path: Path, follow: bool = True) -> BufferedReader:
    """Open a plain file for reading, at once: a pipe without a writer would wait, a device may never end. Links are followed if
    `follow` says so. Raises NotPlain, and OSError if it can't be read."""
    _check(path, os.stat(path, follow_symlinks=follow).st_mode)  # before it is opened, which some devices notice
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    handle = os.open(path, flags if follow else flags | getattr(os, "O_NOFOLLOW", 0))
    try:
        _check(path, os.fstat(handle).st_mode)
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def read_plain(path: Path, most: int, follow: bool = True) -> bytes:
    """The bytes of a plain file. Raises TooLarge if it has more than `most`, NotPlain, and OSError if it can't be read."""
    with open_plain(path, follow) as file:
        # Asked for `most` bytes, a read would first find room for as many.
        content = file.read(min(os.fstat(file.fileno()).st_size, most) + 1)
        content += file.read(most + 1 - len(content)) if len(content) <= most and file.peek(1) else b""
    if len(content) > most:
        raise TooLarge(path, most)
    return content


def kind_of(mode: int) -> str:
    """In words, what a mode of `stat` stands for; empty for a plain file."""
    kinds = {
        stat.S_IFDIR: "a folder",
        stat.S_IFLNK: "a link",
        stat.S_IFIFO: "a pipe",
        stat.S_IFSOCK: "a socket",
        stat.S_IFCHR: "a device",
        stat.S_IFBLK: "a device",
    }
    return "" if stat.S_ISREG(mode) else kinds.get(stat.S_IFMT(mode), "something else")


def _check(path: Path, mode: int) -> None:
    if kind_of(mode):
        raise NotPlain(path, kind_of(mode))
