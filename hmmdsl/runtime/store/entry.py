"""One entry of the store: a folder with what a stage made, and the checksums that prove it whole."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hmmdsl.files.folders import sync_tree
from hmmdsl.files.sums import SUMS, digest_of, files_of, read_sums, write_sums
from hmmdsl.files.writing import write_whole

ABOUT = "entry.json"
"""What an entry is, and the stage's result as plain data."""


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
    total = write_sums(entry.folder)
    for name in files_of(entry.folder):
        (entry.folder / name).chmod(0o444)
    if durable:
        sync_tree(entry.folder)
    return total


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
            if digest_of(folder / name) != sums[name]:
                raise Damaged(f"{name} is not what was written")
        about = json.loads((folder / ABOUT).read_bytes())
        entry = Entry(folder=folder, **about)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise Damaged(str(error) or type(error).__name__) from error
    if entry.hash != hash:
        raise Damaged(f"it is the entry of {entry.hash[:10]}")
    return entry
