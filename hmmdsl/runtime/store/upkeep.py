"""Keeping a store: verifying every entry, listing it anew, and removing what is no longer wanted."""

from __future__ import annotations

import errno
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from filelock import FileLock, Timeout

from hmmdsl.files.folders import remove
from hmmdsl.runtime.failures import OutputError
from hmmdsl.runtime.store.entry import Damaged, Later, last_used, read_entry
from hmmdsl.runtime.store.index import Row
from hmmdsl.runtime.store.location import AWAY, LOCKS, RUNNING, WORK
from hmmdsl.runtime.store.store import Store, size_of


@dataclass(frozen=True)
class Verified:
    """How many entries are whole, and what is wrong with the others, which have been moved away; how many are of a `later`
    format, and left alone."""

    whole: int
    damaged: dict[str, str]
    later: int = 0


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
    """The entries that were removed (or would be), what else was (unfinished work, damaged entries), and the bytes of it all;
    `in_use` are those that stay because a run uses them."""

    rows: list[Row]
    leftovers: list[Path]
    bytes: int
    in_use: int = 0


def verify(store: Store) -> Verified:
    """Compare every file of every entry with its checksum, move damaged entries away, and make the index anew."""
    known = {row.hash: row.used for row in store.index.rows()}
    rows, damaged, later = [], {}, 0
    for digest in list(store.hashes()):
        try:
            read_entry(store.entry_folder(digest), digest)
            row = store.row_of_entry(digest)
            rows.append(row._replace(used=max(row.used, known.get(digest, 0.0))))
        except FileNotFoundError:
            continue
        except Later:
            later += 1
        except Damaged as damage:
            damaged[digest] = str(damage)
            try:
                store.set_aside(digest, str(damage))
            except OutputError as error:
                store.warn(str(error))
    try:
        store.index.replace(rows)
    except sqlite3.Error as error:
        store.warn(f"the store's index can't be written ({error}); the entries themselves are read")
    return Verified(len(rows), damaged, later)


def complete(store: Store) -> None:
    """Put entries into the index that it lacks, as one does that was made when the disk was full, and take those out that are
    gone, as those are that somebody removed by hand."""
    known = set(store.index.hashes())
    there = set(store.hashes())  # after the index: what another process adds meanwhile is in both, or lacks its row alone
    if known - there:
        store.forget(known - there)
    if there - known:
        with suppress(sqlite3.Error):
            store.index.add(_rows(store, there - known))


def prune(store: Store, wanted: Wanted, dry: bool = False, now: float | None = None) -> Pruned:
    """Remove what is wanted, except what a process holds a lock on, and what was read since the oldest run began that still runs.
    Unfinished work and damaged entries go by their age, where that is a condition. With `dry` nothing is removed.

    The entries themselves are read, not the index, and no byte needs to be free."""
    now = time.time() if now is None else now
    since = running_since(store)
    found = list(_rows(store, store.hashes()))
    size = sum(row.bytes for row in found)
    rows = list(_chosen([row for row in found if row.used < since], wanted, now, size))
    spared = len(list(_chosen(found, wanted, now, size))) - len(rows)
    leftovers = list(_leftovers(store, wanted, now))
    freed = sum(row.bytes for row in rows) + sum(size_of(path) for path in leftovers)
    if not dry:
        rows = [row for row in rows if _unless_held(store, row.hash, partial(_remove_unread, store, row))]
        for path in leftovers:
            _unless_held(store, path.name, partial(_removed, path))
        store.forget([row.hash for row in rows])
    return Pruned(rows, leftovers, freed, max(spared, 0))


def running_since(store: Store) -> float:
    """When the oldest run began that still uses the store: seconds since 1970; infinity if none does. Files of dead runs go."""
    since = float("inf")
    for path in sorted((store.folder / RUNNING).glob("*.lock")):
        lock: FileLock = FileLock(path, is_singleton=False)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            with suppress(ValueError):
                since = min(since, float(path.name.partition("-")[0]))
        except OSError:  # it has just ended
            continue
        else:
            with suppress(OSError):
                path.unlink()
            lock.release()
    return since


def area_sizes(store: Store) -> dict[str, int]:
    """Bytes of unfinished work and of damaged entries."""
    return {area: size_of(store.folder / area) for area in (WORK, AWAY) if (store.folder / area).is_dir()}


def _rows(store: Store, hashes: Iterable[str]) -> Iterator[Row]:
    """The rows of entries, as the index has them where it does, with the time when each was last read."""
    known = {row.hash: row for row in store.index.rows()}
    for digest in hashes:
        with suppress(Later, FileNotFoundError):
            row = known.get(digest) or store.row_of_entry(digest)
            with suppress(OSError):
                row = row._replace(used=max(row.used, last_used(store.entry_folder(digest))))
            yield row


def _chosen(rows: list[Row], wanted: Wanted, now: float, left: int) -> Iterator[Row]:
    """The rows to remove, the least recently read first; `left` are the bytes of the whole store."""
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
                with suppress(FileNotFoundError):
                    if now - path.lstat().st_mtime >= wanted.age:
                        yield path


def _remove_unread(store: Store, row: Row) -> bool:
    """Remove an entry, unless it has been read since it was chosen."""
    with suppress(OSError):
        if last_used(store.entry_folder(row.hash)) > row.used:
            return False
    store.remove(row.hash)
    return True


def _removed(path: Path) -> bool:
    remove(path)
    return True


def _unless_held(store: Store, name: str, do: Callable[[], bool]) -> bool:
    """Do something to an entry or its work under its lock; False if another process holds it."""
    path = store.folder / LOCKS / f"{name}.lock"
    lock: FileLock = FileLock(path, is_singleton=False)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        return False
    except OSError as error:
        # With no room for a lock nobody can make the entry, and one who does so already has the file.
        return not os.path.lexists(path) and error.errno in (errno.ENOSPC, errno.EDQUOT) and do()
    try:
        return do()
    finally:
        with suppress(OSError):
            path.unlink()
        lock.release()
