"""Checksums of a folder's files, as `sha256sum -c SHA256SUMS` reads them: what was written there, and whether it still is."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from hashlib import file_digest
from pathlib import Path

from hmmdsl.files.plain import open_plain, read_plain
from hmmdsl.files.writing import write_whole

SUMS = "SHA256SUMS"
"""Checksums of all other files of a folder."""

_LARGEST = 64 * 2**20
"""Bytes of a list of checksums, at most."""


def write_sums(folder: Path) -> int:
    """Write the checksums of every file below a folder; returns the bytes of all, theirs too. Raises OSError."""
    names = sorted(set(files_of(folder)) - {SUMS})
    listed = "".join(f"{digest_of(folder / name)}  {name}\n" for name in names).encode()
    write_whole(folder / SUMS, listed, durable=False)
    return sum((folder / name).stat().st_size for name in names) + len(listed)


def read_sums(folder: Path) -> Mapping[str, str]:
    """Checksum by file. Raises OSError, and ValueError if the list can't be read."""
    found = {}
    for line in read_plain(folder / SUMS, _LARGEST, follow=False).decode().splitlines():
        digest, space, name = line.partition("  ")
        if not space or len(digest) != 64:
            raise ValueError(f"{SUMS} can't be read")
        found[name] = digest
    return found


def digest_of(path: Path) -> str:
    """SHA-256 of a plain file. Raises OSError, also for a link."""
    with open_plain(path, follow=False) as file:
        return file_digest(file, "sha256").hexdigest()


def files_of(folder: Path) -> Iterator[str]:
    """Everything below a folder that is no folder, by its path from there; links are not followed. Raises OSError."""
    waiting = [""]
    while waiting:
        below = waiting.pop()
        with os.scandir(folder / below) as found:  # pathlib's own search takes several times as long
            for each in found:
                if each.is_dir(follow_symlinks=False):
                    waiting.append(f"{below}{each.name}/")
                else:
                    yield below + each.name
