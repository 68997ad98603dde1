"""Keeping a store: verifying every entry, listing it anew, and removing what is no longer wanted."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from filelock import FileLock, Timeout

from hmmdsl.files.sums import files_of
from hmmdsl.runtime.store.entry import Damaged, read_entry
from hmmdsl.runtime.store.index import Row
from hmmdsl.runtime.store.store import AWAY, ENTRIES, LOCKS, WORK, Store


@dataclass(frozen=True)
class Verified:
    """How many entries are whole, and what is wrong with the others, which have been moved away."""

    whole: int
    damaged: dict[str, str]


@dataclass(frozen=True)
class Wanted:
    """What to prune: entries of a `kind`, not read for `age` seconds, of at least `least` bytes; and of all that the least
    recently read ones until the store has at most `most` bytes. None: no condition."""

    kind: str | None = None
    age: float | None = None
    least: int | None = None
    most: int | None = None


@dataclass(frozen=True)
class Pruned:
    """The entries that were removed (or would be), what else was (unfinished work, damaged entries), and the bytes of it all."""

    rows: list[Row]
    leftovers: list[Path]
    bytes: int


def verify(store: Store) -> Verified:
    """Compare every file of every entry with its checksum, move damaged entries away, and make the index anew."""
    known = {row.hash: row for row in store.index.rows()}
    rows, damaged = [], {}
    for folder in entry_folders(store):
        try:
            entry = read_entry(folder, folder.name)
        except FileNotFoundError:
            continue
        except Damaged as damage:
            damaged[folder.name] = str(damage)
            store.set_aside(folder.name, str(damage))
            continue
        before = known.get(entry.hash)
        used = before.used if before is not None else entry.made
        rows.append(Row(entry.hash, entry.kind, entry.name, entry.spec, entry.made, used, entry.seconds, size_of(folder)))
    store.index.replace(rows)
    return Verified(len(rows), damaged)


def prune(store: Store, wanted: Wanted, dry: bool = False, now: float | None = None) -> Pruned:
    """Remove what is wanted, except what a process holds a lock on. Unfinished work and damaged entries go by their age, where
    that is a condition. With `dry` nothing is removed."""
    now = time.time() if now is None else now
    rows = list(_chosen(store.index.rows(), wanted, now))
    leftovers = list(_leftovers(store, wanted, now))
    freed = sum(row.bytes for row in rows) + sum(size_of(path) for path in leftovers)
    if not dry:
        rows = [row for row in rows if _unless_held(store, row.hash, partial(store.remove, row.hash))]
        for path in leftovers:
            _unless_held(store, path.name, partial(shutil.rmtree, path, ignore_errors=True))
    return Pruned(rows, leftovers, freed)


def entry_folders(store: Store) -> Iterator[Path]:
    """The folder of every entry, by hash."""
    for shelf in sorted((store.folder / ENTRIES).glob("[0-9a-f][0-9a-f]")):
        yield from sorted(path for path in shelf.iterdir() if path.is_dir())


def size_of(folder: Path) -> int:
    """Bytes of all files in a folder; those that are gone meanwhile count nothing."""
    total = 0
    for name in files_of(folder):
        with suppress(FileNotFoundError):
            total += (folder / name).stat().st_size
    return total


def area_sizes(store: Store) -> dict[str, int]:
    """Bytes of unfinished work and of damaged entries."""
    return {area: size_of(store.folder / area) for area in (WORK, AWAY) if (store.folder / area).is_dir()}


def _chosen(rows: list[Row], wanted: Wanted, now: float) -> Iterator[Row]:
    """The rows to remove, the least recently read first."""
    left = sum(row.bytes for row in rows)
    for row in sorted(rows, key=lambda row: (row.used, row.hash)):
        if wanted.most is not None and left <= wanted.most:
            return
        fits = wanted.kind in (None, row.kind) and (wanted.age is None or now - row.used >= wanted.age)
        if fits and (wanted.least is None or row.bytes >= wanted.least):
            left -= row.bytes
            yield row


def _leftovers(store: Store, wanted: Wanted, now: float) -> Iterator[Path]:
    if wanted.age is None or wanted.kind is not None or wanted.least is not None:
        return
    for area in (WORK, AWAY):
        if (store.folder / area).is_dir():
            for path in sorted((store.folder / area).iterdir()):
                if now - path.stat().st_mtime >= wanted.age:
                    yield path


def _unless_held(store: Store, name: str, do: Callable[[], None]) -> bool:
    """Do something to an entry or its work under its lock; False if another process holds it."""
    path = store.folder / LOCKS / f"{name}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    lock: FileLock = FileLock(path, is_singleton=False)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return False
    try:
        do()
    finally:
        path.unlink(missing_ok=True)
        lock.release()
    return True
