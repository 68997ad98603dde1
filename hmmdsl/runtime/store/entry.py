"""One entry of the store: a folder with what a stage made, and the checksums that prove it whole."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hmmdsl.files.folders import sync_tree
from hmmdsl.files.plain import read_plain
from hmmdsl.files.sums import SUMS, digest_of, files_of, read_sums, write_sums
from hmmdsl.files.writing import write_whole

ABOUT = "entry.json"
"""What an entry is, and the stage's result as plain data."""


FORMAT = 1
"""Version of an entry's layout; later ones say theirs as `format` in entry.json."""

_LARGEST = 2**30
"""Bytes of entry.json, at most."""


class Damaged(Exception):  # noqa: N818
    """An entry is not what was written; the message says in what."""


class Later(Exception):  # noqa: N818
    """An entry is of a later format, which this version can't judge and leaves alone."""


@dataclass(frozen=True)
class Entry:
    """`result` is what the stage found, as plain data; its files lie in `folder`. `seconds` is how long it took, `made` when
    (seconds since 1970), `processor` on what, and `kernels` with which of its instructions (empty where that is not known)."""

    hash: str
    kind: str
    name: str
    spec: str
    made: float
    seconds: float
    processor: str
    result: Any
    folder: Path
    kernels: str = ""

    def about(self) -> dict[str, Any]:
        """What entry.json holds."""
        return {
            "hash": self.hash,
            "kind": self.kind,
            "name": self.name,
            "spec": self.spec,
            "made": self.made,
            "seconds": self.seconds,
            "processor": self.processor,
            "kernels": self.kernels,
            "result": self.result,
        }


def write_entry(entry: Entry, durable: bool = True) -> int:
    """Write entry.json and the checksums beside the files that `entry.folder` holds already; if `durable`, all of them to the
    disk itself. Returns the bytes of the whole. Raises OSError."""
    text = json.dumps(entry.about(), ensure_ascii=False, allow_nan=False) + "\n"
    write_whole(entry.folder / ABOUT, text, durable=False)
    total = write_sums(entry.folder)
    for name in files_of(entry.folder):
        (entry.folder / name).chmod(0o444)
    if durable:
        sync_tree(entry.folder)
    return total


def read_entry(folder: Path, digest: str, whole: bool = True) -> Entry:
    """Read the entry in a folder. Every file is compared with its checksum (`whole`), or entry.json alone is.

    Raises Damaged if anything is missing, added or changed, Later if the entry is of a later format, FileNotFoundError if there
    is no such folder.
    """
    if folder.is_symlink() or not folder.is_dir():
        if not os.path.lexists(folder):
            raise FileNotFoundError(folder)
        raise Damaged("it is no folder")
    try:
        about = _about(folder)
        sums = read_sums(folder)
        names = set(files_of(folder)) - {SUMS}
        if names != set(sums):
            lost = sorted(set(sums) - names) or sorted(names - set(sums))
            raise Damaged(f"{lost[0]} is {'missing' if lost[0] in sums else 'not one of its files'}")
        for name in sums if whole else (ABOUT,):
            if digest_of(folder / name) != sums[name]:
                raise Damaged(f"{name} is not what was written")
        if not isinstance(about, dict):
            raise Damaged(f"{ABOUT} can't be read")
        entry = Entry(folder=folder, **about)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise Damaged((error.strerror if isinstance(error, OSError) else str(error)) or type(error).__name__) from error
    if entry.hash != digest:
        raise Damaged(f"it is the entry of {str(entry.hash)[:10]}")
    return entry


def mark_used(folder: Path, now: float) -> None:
    """Remember that an entry is read now: its list of checksums bears the time. That takes no room on the disk, and holds
    whatever becomes of the index. A store that can't be written remembers nothing."""
    with suppress(OSError):
        os.utime(folder / SUMS, (now, now))


def last_used(folder: Path) -> float:
    """When an entry was last read, or made: seconds since 1970. Raises OSError."""
    return max((folder / SUMS).stat().st_mtime, 0.0)


def described(folder: Path) -> Entry | None:
    """What an entry says of itself, nothing of it compared; None if it can't be read. Raises Later."""
    try:
        about = _about(folder)
        return Entry(folder=folder, **about) if isinstance(about, dict) else None
    except (OSError, ValueError, TypeError):
        return None


def _about(folder: Path) -> Any:
    """What entry.json holds; None if it is no JSON, which its checksum will tell. Raises OSError and Later."""
    content = read_plain(folder / ABOUT, _LARGEST, follow=False)
    try:
        about = json.loads(content)
    except (ValueError, RecursionError):  # JSON may be nested deeper than Python goes
        return None
    said = about.get("format", FORMAT) if isinstance(about, dict) else FORMAT
    if isinstance(said, int) and said > FORMAT:
        raise Later(f"it has format {said}, and this hmmdsl reads {FORMAT}")
    return {key: value for key, value in about.items() if key != "format"} if isinstance(about, dict) else about
