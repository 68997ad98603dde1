"""The store itself: find an entry by its hash, or make it under a lock and publish it whole."""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from hmmdsl.files.door import say
from hmmdsl.files.folders import move, remove
from hmmdsl.files.sums import files_of
from hmmdsl.files.writing import sync_folder, try_to_write
from hmmdsl.runtime.environment import kernels, processor
from hmmdsl.runtime.failures import OutputError
from hmmdsl.runtime.store.entry import Damaged, Entry, Later, described, last_used, mark_used, read_entry, write_entry
from hmmdsl.runtime.store.index import Index, Row
from hmmdsl.runtime.store.location import AWAY, ENTRIES, LOCKS, RUNNING, WORK, open_folder

if TYPE_CHECKING:
    from filelock import FileLock

_HEXADECIMAL = re.compile("[0-9a-f]+")

Make = Callable[[Path], Any]
"""Fills an empty folder (or one that an interrupted attempt left) and returns the result as plain data."""


@dataclass(frozen=True)
class Key:
    """What an entry is found by, and what it is called in lists."""

    hash: str
    kind: str
    name: str
    spec: str


@dataclass(frozen=True)
class Obtained:
    """An entry, whether it was there already, and the seconds that it took to make it now (0 if it was there)."""

    entry: Entry
    cached: bool
    seconds: float


def warn_on_stderr(message: str) -> None:
    """One line for people."""
    say(f"warning: {message}", file=sys.stderr)


class Store:
    """A folder of entries by hash: `entries/ab/ab12…/`. What is being made lies in `work/ab12…/` and is renamed into place when
    it is whole; a lock file for each hash keeps two processes from making the same. Entries that fail their checksums are moved
    to `damaged/`. A file in `running/`, locked while a run lasts, says since when what is read must stay.

    `warn` is told of damage, `waits` of an entry that another process is making. `indexed` stores keep a list of what they hold.
    """

    persistent = True
    """Whether what is left in the work folder will be there for the next run."""

    durable_from = 0.5
    """Seconds of making from which an entry is brought to the disk itself before it counts: that takes milliseconds."""

    def __init__(
        self,
        folder: Path,
        warn: Callable[[str], None] = warn_on_stderr,
        waits: Callable[[str], None] = warn_on_stderr,
        indexed: bool = True,
    ) -> None:
        self.folder = folder
        self.warn, self.waits = warn, waits
        self._index = Index(folder, self.rows_of_entries, lambda message: self.warn(message)) if indexed else None
        self._since = 0.0

    @staticmethod
    def open(folder: Path) -> Store:
        """The store in a folder, made if need be. Raises OutputError if the folder is no store."""
        open_folder(folder)
        return Store(folder)

    @staticmethod
    def private(folder: Path) -> Store:
        """A store for one run alone: nothing in it is found again, and it is removed with its folder."""
        store = Store(folder, indexed=False)
        store.persistent = False
        return store

    # ------------------------------------------------------------ reading

    def entry_folder(self, digest: str) -> Path:
        """Where the entry of a hash lies or would lie."""
        return self.folder / ENTRIES / digest[:2] / digest

    def work_folder(self, digest: str) -> Path:
        """Where it is made; what an interrupted attempt left is found there again."""
        return self.folder / WORK / digest

    def has(self, digest: str) -> bool:
        """Whether there is an entry, whole or not."""
        return self.entry_folder(digest).is_dir()

    def find(self, digest: str) -> Entry | None:
        """The entry, every file of it verified; None if there is none. A damaged one is moved away, with a warning. From now on
        it counts as used. Raises OutputError for an entry of a later format, which stays as it is."""
        folder = self.entry_folder(digest)
        mark_used(folder, self._now())
        try:
            entry = read_entry(folder, digest)
        except FileNotFoundError:
            return None
        except Damaged as damage:
            self.set_aside(digest, str(damage))
            return None
        except Later as later:
            raise OutputError(f"the store's entry {digest[:10]} can't be used ({later}): give another with `--store`") from None
        if self._index is not None:
            self._index.touch(digest)
        return entry

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """While this lasts, nothing that is read or made from its beginning on is pruned, whoever reads it. A store that can't be
        written needs no such care."""
        from filelock import FileLock

        if not self.persistent:
            yield
            return
        self._since = time.time()
        path = self.folder / RUNNING / f"{int(self._since)}-{token_hex(8)}.lock"
        lock: FileLock = FileLock(path, is_singleton=False)
        with contextlib.suppress(OSError, NotImplementedError):
            path.parent.mkdir(exist_ok=True)
            lock.acquire(timeout=0)
        try:
            yield
        finally:
            self._since = 0.0
            with contextlib.suppress(OSError):
                path.unlink()
            lock.release()

    def _now(self) -> float:
        """The time, or that of the run's beginning if the clock was set back before it."""
        return max(time.time(), self._since)

    # ------------------------------------------------------------ listing

    def hashes(self) -> Iterator[str]:
        """The hash of every entry, whole or not, in order."""
        for shelf in _below(self.folder / ENTRIES, 2):
            yield from _below(self.folder / ENTRIES / shelf, 64)

    def rows_of_entries(self) -> Iterator[Row]:
        """What the entries say of themselves: nothing of it is compared. Those of a later format are left out."""
        for digest in self.hashes():
            with contextlib.suppress(Later, FileNotFoundError):
                yield self.row_of_entry(digest)

    def row_of_entry(self, digest: str) -> Row:
        """The row of one entry; of a damaged one what there is to say. Raises Later, and FileNotFoundError if it is gone."""
        folder = self.entry_folder(digest)
        entry, size = described(folder), size_of(folder)
        try:
            used = last_used(folder)
        except OSError:
            used = os.lstat(folder).st_mtime
        try:
            assert entry is not None
            about = (str(entry.kind), str(entry.name), str(entry.spec), float(entry.made), used, float(entry.seconds))
        except (AssertionError, TypeError, ValueError):
            about = ("damaged", "", "", used, used, 0.0)
        return Row(digest, *about, size)

    def set_aside(self, digest: str, reason: str) -> None:
        """Move a damaged entry to `damaged/` and say so."""
        place = self.folder / AWAY / f"{digest}-{time.time_ns()}"
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            move(self.entry_folder(digest), place)
        except FileNotFoundError:
            return  # another process was quicker
        except OSError as error:
            raise OutputError(
                f"the store's entry {digest[:10]} is damaged ({reason}) and can't be moved away ({error.strerror}): "
                "give another store with `--store`, or use `--no-store`"
            ) from error
        self.forget([digest])
        self.warn(f"the store's entry {digest[:10]} is damaged ({reason}); it is kept in {place} and computed again")

    # ------------------------------------------------------------ making

    def obtain(self, key: Key, make: Make, force: bool = False, continues: bool = False) -> Obtained:
        """The entry of a key, made by `make` if there is none (or if `force`). While another process makes it, this one waits
        and takes its result. Whatever `make` raises passes through, and what it left stays in the work folder; a `make` that
        `continues` is given that again the next time, any other an empty folder.

        Raises OSError if the store can't be written.
        """
        found = self.find(key.hash)  # also if `force`: an entry of a later format is not written over
        if found is not None and not force:
            return Obtained(found, True, 0.0)
        with self.locked(key):
            found = None if force else self.find(key.hash)
            if found is not None:
                return Obtained(found, True, 0.0)
            work = self.work_folder(key.hash)
            if (force or not continues) and work.exists():
                remove(work)
            work.mkdir(parents=True, exist_ok=True)
            began = time.perf_counter()
            result = make(work)
            seconds = time.perf_counter() - began
            made = Entry(key.hash, key.kind, key.name, key.spec, time.time(), seconds, processor(), result, work, kernels())
            return Obtained(self._publish(made), False, seconds)

    def _publish(self, made: Entry) -> Entry:
        """Rename a work folder to its place, its contents on the disk before and its name after. What took no time to make is
        left to the system to write: if the power fails before it does, the checksums tell, and it is made again."""
        durable = made.seconds >= self.durable_from
        size = write_entry(made, durable)
        place = self.entry_folder(made.hash)
        _make_sure_of(place.parent)
        if place.exists():
            old = self.folder / WORK / f".{made.hash}-{os.getpid()}"
            move(place, old)
            move(made.folder, place)
            remove(old)
        else:
            move(made.folder, place)
        if durable:
            sync_folder(place.parent)
        mark_used(place, self._now())
        entry = Entry(**(made.about() | {"folder": place}))
        self._list(entry, size)
        return entry

    def _list(self, entry: Entry, size: int) -> None:
        """Put an entry of so many bytes into the index."""
        if self._index is not None:
            row = Row(entry.hash, entry.kind, entry.name, entry.spec, entry.made, entry.made, entry.seconds, size)
            with contextlib.suppress(sqlite3.Error):  # the entries are the truth; `hmmdsl store verify` makes the index again
                self._index.add([row])

    @contextmanager
    def locked(self, key: Key) -> Iterator[None]:
        """Hold the lock of a key; the file goes away with the hold, and a waiter that then holds a file without a name tries
        again."""
        from filelock import FileLock, Timeout

        path = self.folder / LOCKS / f"{key.hash}.lock"
        _make_sure_of(path.parent)
        lock: FileLock = FileLock(path, is_singleton=False)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            self.waits(f"{key.kind} {key.name}".strip() + " is being computed by another process: waiting for its result")
            lock.acquire(poll_interval=0.1)
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                path.unlink()
            lock.release()

    # ------------------------------------------------------------ the rest

    def check_writable(self) -> None:
        """Raises OutputError if nothing can be made in the store: better before a long training run than after it."""
        try:
            (self.folder / WORK).mkdir(parents=True, exist_ok=True)
            try_to_write(self.folder / WORK)
        except OSError as error:
            raise OutputError(
                f"the store {self.folder} can't be written ({(error.strerror or str(error)).lower()}): "
                "give another one with `--store`, or use `--no-store`"
            ) from error

    @property
    def index(self) -> Index:
        """The list of entries. Raises OutputError for a private store, which has none."""
        if self._index is None:
            raise OutputError("this store keeps no list")
        return self._index

    def remove(self, digest: str) -> None:
        """Remove an entry: it is renamed first, so that at no time a part of it looks whole."""
        place = self.entry_folder(digest)
        away = self.folder / WORK / f".{digest}-{os.getpid()}"
        away.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            move(place, away)
        remove(away)

    def close(self) -> None:
        """Write down what was used."""
        if self._index is not None:
            self._index.close()

    def forget(self, hashes: Iterable[str]) -> None:
        """Take entries that are gone out of the index, where it can be written."""
        if self._index is not None:
            with contextlib.suppress(sqlite3.Error):
                self._index.remove(hashes)


def size_of(folder: Path) -> int:
    """Bytes of all files in a folder; those that are gone meanwhile count nothing."""
    total = 0
    with contextlib.suppress(OSError):
        for name in files_of(folder):
            with contextlib.suppress(OSError):
                total += os.lstat(folder / name).st_size
    return total


def _below(folder: Path, length: int) -> list[str]:
    """The names in a folder that are hexadecimal and so long, in order."""
    return sorted(name for name in _names(folder) if len(name) == length and _HEXADECIMAL.fullmatch(name))


def _names(folder: Path) -> list[str]:
    """What a folder holds; nothing if it is none."""
    try:
        return os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _make_sure_of(folder: Path) -> None:
    """Make a folder that is there as a rule: looking is quicker than trying."""
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
