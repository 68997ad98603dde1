"""The store's index: what there is, in one SQLite file, so that a long list is quick. It can be made again from the entries."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

FILE = "index.sqlite"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (
  hash TEXT PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, spec TEXT NOT NULL,
  made REAL NOT NULL, used REAL NOT NULL, seconds REAL NOT NULL, bytes INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_made ON entries (made);
"""


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

    An index that can't be read is begun anew: the entries are the truth, and `rebuild` reads them.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._opened: sqlite3.Connection | None = None
        self._used: set[str] = set()

    def add(self, rows: Iterable[Row]) -> None:
        """Add rows, replacing those of the same hash."""
        with self._connection() as connection:
            connection.executemany("INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def remove(self, hashes: Iterable[str]) -> None:
        """Forget entries."""
        with self._connection() as connection:
            connection.executemany("DELETE FROM entries WHERE hash = ?", [(hash,) for hash in hashes])

    def touch(self, hash: str) -> None:
        """Remember that an entry was read; written when the index is closed."""
        self._used.add(hash)

    def rows(self, kind: str | None = None, text: str | None = None, limit: int | None = None) -> list[Row]:
        """Entries, the newest first: of one kind, whose spec, name or hash holds a text, at most so many."""
        found = self._select("hash, kind, name, spec, made, used, seconds, bytes", kind, text, limit)
        return list(map(Row._make, found))

    def lines(self, kind: str | None = None, text: str | None = None, limit: int | None = None) -> list[Line]:
        """The same, as a list shows them. SQLite lays them out in half the time that Python takes."""
        middle = "printf('%!-8s  %!-24.24s  %!-24.24s  %9.2f s', kind, name, spec, seconds)"
        return self._select(f"made, {middle}, bytes, substr(hash, 1, 10)", kind, text, limit).fetchall()

    def _select(self, columns: str, kind: str | None, text: str | None, limit: int | None) -> sqlite3.Cursor:
        pattern = None if text is None else f"%{text.replace('!', '!!').replace('%', '!%').replace('_', '!_')}%"
        # All of them are sorted in half the time that looking each up by date takes, but not under a LIMIT, even one of -1.
        order = "+made DESC" if limit is None else "made DESC LIMIT ?3"
        return self._connection().execute(
            f"SELECT {columns} FROM entries"
            " WHERE (?1 IS NULL OR kind = ?1)"
            " AND (?2 IS NULL OR spec LIKE ?2 ESCAPE '!' OR name LIKE ?2 ESCAPE '!' OR hash LIKE ?2 ESCAPE '!')"
            f" ORDER BY {order}",
            (kind, pattern) if limit is None else (kind, pattern, limit),
        )

    def totals(self) -> list[Total]:
        """Count, bytes and computing time by kind."""
        query = "SELECT kind, COUNT(*), SUM(bytes), SUM(seconds) FROM entries GROUP BY kind ORDER BY SUM(bytes) DESC"
        return [Total(*row) for row in self._connection().execute(query)]

    def replace(self, rows: Iterable[Row]) -> None:
        """Forget everything and take these rows."""
        with self._connection() as connection:
            connection.execute("DELETE FROM entries")
        self.add(rows)

    def close(self) -> None:
        """Write down which entries were read, and let go of the file."""
        if self._used:
            with suppress(sqlite3.Error, OSError), self._connection() as connection:  # a read-only store is no mistake
                now = time.time()
                connection.executemany("UPDATE entries SET used = ? WHERE hash = ?", [(now, hash) for hash in self._used])
            self._used.clear()
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def _connection(self) -> sqlite3.Connection:
        if self._opened is None:
            try:
                self._opened = self._open()
            except sqlite3.DatabaseError as error:
                if isinstance(error, sqlite3.OperationalError):
                    raise
                for path in (self._path, *self._path.parent.glob(f"{FILE}-*")):
                    path.unlink(missing_ok=True)
                self._opened = self._open()
        return self._opened

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=30, check_same_thread=False)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.executescript(_SCHEMA)
        return connection
