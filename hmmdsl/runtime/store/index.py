"""The store's index: what there is, in one SQLite file, so that a long list is quick. It can be made again from the entries."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from hmmdsl.files.folders import move
from hmmdsl.runtime.store.location import AWAY, INDEX

FILE, *_BESIDE = INDEX

VERSION = 1
"""Of the table's layout, as SQLite's `user_version`; 0 was the same."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (
  hash TEXT PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, spec TEXT NOT NULL,
  made REAL NOT NULL, used REAL NOT NULL, seconds REAL NOT NULL, bytes INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_made ON entries (made);
"""


_DELETE = "DELETE FROM entries WHERE hash = ?"
_INSERT = "INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?)"


class Row(NamedTuple):
    """One entry as the index knows it: times in seconds since 1970; `seconds` is what it took to compute. (A tuple, since a
    hundred thousand of them are made in a fraction of the time.)"""

    hash: str
    kind: str
    name: str
    spec: str
    made: float
    used: float
    seconds: float
    bytes: int


Line = tuple[float, str, int, str]
"""When an entry was made; its kind, name, spec and seconds in columns; bytes; the start of its hash."""


@dataclass(frozen=True)
class Total:
    """All entries of one kind together."""

    kind: str
    count: int
    bytes: int
    seconds: float


class Index:
    """Rows of a SQLite file in WAL mode: many may read while one writes, and a writer waits for another up to 30 s.

    The entries are the truth, which `entries` reads. An index that is not there is made from them; so is one that is broken or of
    another layout, which is set aside first, and said. Where there is no room for one, where it can't be written, or where it is
    of a later version, which is left alone, its rows are in memory.
    """

    def __init__(
        self, folder: Path, entries: Callable[[], Iterable[Row]] = tuple, warn: Callable[[str], None] = lambda message: None
    ) -> None:
        self._path = folder / FILE
        self._entries, self._warn = entries, warn
        self._opened: sqlite3.Connection | None = None
        self._memory = False
        self._used: set[str] = set()

    def add(self, rows: Iterable[Row]) -> None:
        """Add rows, replacing those of the same hash. Raises sqlite3.Error if the file can't be written."""
        with self._connection(or_memory=False) as connection:
            connection.executemany(_INSERT, rows)

    def remove(self, hashes: Iterable[str]) -> None:
        """Forget entries. Raises sqlite3.Error if the file can't be written."""
        gone = [(digest,) for digest in hashes]
        if self._opened is not None and self._memory:
            kept, self._opened = self._opened, None
            kept.executemany(_DELETE, gone)  # and in the file: there may be room for it now
            try:
                with self._connection(or_memory=False) as connection:
                    connection.executemany(_DELETE, gone)
            except sqlite3.Error:
                self._opened, self._memory = kept, True
                raise
            kept.close()
            return
        with self._connection(or_memory=False) as connection:
            connection.executemany(_DELETE, gone)

    def touch(self, digest: str) -> None:
        """Remember that an entry was read; written when the index is closed."""
        self._used.add(digest)

    def rows(self, kind: str | None = None, text: str | None = None, limit: int | None = None) -> list[Row]:
        """Entries, the newest first: of one kind, whose spec, name or hash holds a text, at most so many."""
        found = self._select("hash, kind, name, spec, made, used, seconds, bytes", kind, text, limit)
        return list(map(Row._make, found))

    def lines(self, kind: str | None = None, text: str | None = None, limit: int | None = None) -> list[Line]:
        """The same, as a list shows them. SQLite lays them out in half the time that Python takes."""
        middle = "printf('%!-8s  %!-24.24s  %!-24.24s  %9.2f s', kind, name, spec, seconds)"
        return self._select(f"made, {middle}, bytes, substr(hash, 1, 10)", kind, text, limit)

    def _select(self, columns: str, kind: str | None, text: str | None, limit: int | None) -> list[Any]:
        pattern = None if text is None else f"%{text.replace('!', '!!').replace('%', '!%').replace('_', '!_')}%"
        # All of them are sorted in half the time that looking each up by date takes, but not under a LIMIT, even one of -1.
        order = "+made DESC" if limit is None else "made DESC LIMIT ?3"
        return self._read(
            f"SELECT {columns} FROM entries"
            " WHERE (?1 IS NULL OR kind = ?1)"
            " AND (?2 IS NULL OR spec LIKE ?2 ESCAPE '!' OR name LIKE ?2 ESCAPE '!' OR hash LIKE ?2 ESCAPE '!')"
            f" ORDER BY {order}",
            (kind, pattern) if limit is None else (kind, pattern, limit),
        )

    def totals(self) -> list[Total]:
        """Count, bytes and computing time by kind."""
        query = "SELECT kind, COUNT(*), SUM(bytes), SUM(seconds) FROM entries GROUP BY kind ORDER BY SUM(bytes) DESC"
        return [Total(*row) for row in self._read(query)]

    def replace(self, rows: Iterable[Row]) -> None:
        """Forget everything and take these rows, or nothing of it. Raises sqlite3.Error if the file can't be written."""
        with self._connection(or_memory=False) as connection:
            connection.execute("DELETE FROM entries")
            connection.executemany(_INSERT, rows)

    def hashes(self) -> list[str]:
        """The hash of every row."""
        return [digest for (digest,) in self._read("SELECT hash FROM entries")]

    def close(self) -> None:
        """Write down which entries were read, and let go of the file."""
        if self._used:
            with suppress(sqlite3.Error, OSError), self._connection(or_memory=False) as connection:  # it may be read-only
                now = time.time()
                connection.executemany("UPDATE entries SET used = ? WHERE hash = ?", [(now, digest) for digest in self._used])
            self._used.clear()
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def _read(self, query: str, values: tuple[Any, ...] = ()) -> list[Any]:
        """The rows of a query. What is found to be broken only now is made anew, once."""
        try:
            return self._connection().execute(query, values).fetchall()
        except sqlite3.DatabaseError as error:
            connection, self._opened = self._opened, None
            if connection is not None:
                connection.close()
            self._opened = self._in_memory(str(error)) if _of_the_system(error) else self._anew(str(error))
            return self._opened.execute(query, values).fetchall()

    def _connection(self, or_memory: bool = True) -> sqlite3.Connection:
        if self._opened is None:
            try:
                self._opened = self._open(there=os.path.lexists(self._path))
            except sqlite3.DatabaseError as error:
                if _of_the_system(error) and not or_memory:
                    raise
                self._opened = self._in_memory(str(error)) if _of_the_system(error) else self._anew(str(error))
        return self._opened

    def _open(self, there: bool) -> sqlite3.Connection:
        """The file, made from the entries if it is not there. Raises sqlite3.DatabaseError, also for another layout."""
        connection = sqlite3.connect(self._path, timeout=30, check_same_thread=False)
        try:
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version > VERSION:
                raise sqlite3.OperationalError(f"it is of version {version}, and this hmmdsl writes {VERSION}")
            columns = tuple(row[1] for row in connection.execute("PRAGMA table_info(entries)"))
            if columns and columns != Row._fields:
                raise sqlite3.DatabaseError("it has another layout")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.executescript(_SCHEMA)
            if not columns:
                connection.execute(f"PRAGMA user_version = {VERSION}")
                self._fill(connection)
        except BaseException:
            connection.close()
            if not there:
                for name in INDEX:  # half an index would be taken for a whole one
                    with suppress(OSError):
                        self._path.with_name(name).unlink()
            raise
        self._memory = False
        return connection

    def _anew(self, reason: str) -> sqlite3.Connection:
        """Set the file aside, and make it anew from the entries."""
        aside = self._path.parent / AWAY / f"{FILE}-{time.time_ns()}"
        try:
            aside.parent.mkdir(exist_ok=True)
            move(self._path, aside)
            for name in _BESIDE:
                self._path.with_name(name).unlink(missing_ok=True)
            made = self._open(there=False)
        except (OSError, sqlite3.DatabaseError):
            return self._in_memory(reason)
        self._warn(f"the store's index is broken ({reason}); it is kept in {aside} and made anew from the entries")
        return made

    def _in_memory(self, reason: str) -> sqlite3.Connection:
        """The rows of all entries, in memory alone."""
        self._warn(f"the store's index can't be used ({reason}): the entries themselves are read")
        connection = sqlite3.connect(":memory:", check_same_thread=False)
        self._memory = True
        connection.executescript(_SCHEMA)
        self._fill(connection)
        return connection

    def _fill(self, connection: sqlite3.Connection) -> None:
        with connection:
            connection.executemany(_INSERT, self._entries())


def _of_the_system(error: sqlite3.DatabaseError) -> bool:
    """Whether the file may be good, and can't be used now: a full or read-only disk, another process, a later version."""
    return isinstance(error, sqlite3.OperationalError) and not str(error).startswith(("no such", "table "))
