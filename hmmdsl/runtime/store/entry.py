"""One entry of the store: a folder with what a stage made, and the checksums that prove it whole."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from typing import Any

from hmmdsl.files.writing import sync_file, sync_folder, write_whole

ABOUT = "entry.json"
"""What an entry is, and the stage's result as plain data."""

SUMS = "SHA256SUMS"
"""Checksums of all other files, as `sha256sum -c` reads them; written last."""


class Damaged(Exception):  # noqa: N818
    """An entry is not what was written; the message says in what."""


@dataclass(frozen=True)
class Entry:
    """`result` is what the stage found, as plain data; its files lie in `folder`. `seconds` is how long it took, `made` when
    (seconds since 1970), `processor` on what."""

    hash: str
    kind: str
    name: str
    spec: str
    made: float
    seconds: float
    processor: str
    result: Any
    folder: Path

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
            "result": self.result,
        }


def write_entry(entry: Entry, durable: bool = True) -> int:
    """Write entry.json and the checksums beside the files that `entry.folder` holds already; if `durable`, all of them to the
    disk itself. Returns the bytes of the whole. Raises OSError."""
    text = json.dumps(entry.about(), ensure_ascii=False, allow_nan=False) + "\n"
    write_whole(entry.folder / ABOUT, text, durable=False)
    sums, total, names = [], 0, sorted(files_of(entry.folder))
    for name in names:
        path = entry.folder / name
        sums.append(f"{_digest(path)}  {name}\n")
        total += path.stat().st_size
        if durable:
            sync_file(path)
        path.chmod(0o444)
    listed = "".join(sums).encode()
    write_whole(entry.folder / SUMS, listed, durable=False)
    if durable:
        sync_file(entry.folder / SUMS)
        for folder in {(entry.folder / name).parent for name in names} | {entry.folder}:
            sync_folder(folder)
    return total + len(listed)


def read_entry(folder: Path, hash: str, whole: bool = True) -> Entry:
    """Read the entry in a folder. Every file is compared with its checksum (`whole`), or entry.json alone is.

    Raises Damaged if anything is missing, added or changed, FileNotFoundError if there is no such folder.
    """
    if not folder.is_dir():
        raise FileNotFoundError(folder)
    try:
        sums = read_sums(folder)
        names = set(files_of(folder)) - {SUMS}
        if names != set(sums):
            lost = sorted(set(sums) - names) or sorted(names - set(sums))
            raise Damaged(f"{lost[0]} is {'missing' if lost[0] in sums else 'not one of its files'}")
        for name in sums if whole else (ABOUT,):
            if _digest(folder / name) != sums[name]:
                raise Damaged(f"{name} is not what was written")
        about = json.loads((folder / ABOUT).read_bytes())
        entry = Entry(folder=folder, **about)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise Damaged(str(error) or type(error).__name__) from error
    if entry.hash != hash:
        raise Damaged(f"it is the entry of {entry.hash[:10]}")
    return entry


def read_sums(folder: Path) -> Mapping[str, str]:
    """Checksum by file. Raises OSError and Damaged."""
    found = {}
    for line in (folder / SUMS).read_text(encoding="utf-8").splitlines():
        digest, space, name = line.partition("  ")
        if not space or len(digest) != 64:
            raise Damaged(f"{SUMS} can't be read")
        found[name] = digest
    return found


def files_of(folder: Path) -> Iterator[str]:
    """Every file below a folder, by its path from there."""
    waiting = [""]
    while waiting:
        below = waiting.pop()
        with os.scandir(folder / below) as found:  # pathlib's own search takes several times as long
            for each in found:
                if each.is_symlink() or each.is_file():
                    yield below + each.name
                elif each.is_dir():
                    waiting.append(f"{below}{each.name}/")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
