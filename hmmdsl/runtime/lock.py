"""Claims locked before a run: what a spec claimed on which day, in a plain file beside it, so that runs tell whether it changed.

A lock proves nothing by itself, since whoever can change a spec can change its lock; it says in the open what was claimed before
the numbers were seen. Under version control, or handed to somebody else, its date can be believed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hmmdsl.files.plain import read_plain
from hmmdsl.files.writing import write_whole
from hmmdsl.language.compiled import plain_param
from hmmdsl.language.values.symbols import string_text
from hmmdsl.runtime.failures import OutputError

if TYPE_CHECKING:
    from hmmdsl.language.compiled import Compiled

ENDING = ".lock"
"""What is put behind a spec's name: `rrxor.hmm.lock`."""

_MOST = 2**22
"""Bytes of a lock; a spec has at most 2^20, and each of its claims stands once in its lock."""

_MOST_TOLD = 8
"""Statements of a difference that are told; more are counted."""

_FIRST = "hmmdsl lock 1"
_DATE = "%Y-%m-%dT%H:%M:%SZ"
_LAST = re.compile(r"sha256 ([0-9a-f]{64})")


@dataclass(frozen=True)
class Lock:
    """What a spec claimed at a time: a line for each claim in order, behind the values of the params that claims use. `earlier`
    are the locks that this one replaced: when each was made, and the SHA-256 of its statements."""

    locked: datetime
    statements: tuple[str, ...]
    earlier: tuple[tuple[datetime, str], ...] = ()

    def text(self) -> str:
        """The file: its last line proves the others whole."""
        lines = [_FIRST, f"locked {self.locked:{_DATE}}"]
        lines += [f"earlier {when:{_DATE}} {digest}" for when, digest in self.earlier]
        body = "\n".join([*lines, *self.statements]) + "\n"
        return f"{body}sha256 {sha256(body.encode()).hexdigest()}\n"

    @property
    def digest(self) -> str:
        """The SHA-256 of the statements."""
        return sha256("\n".join(self.statements).encode()).hexdigest()


@dataclass(frozen=True)
class Compared:
    """A spec's claims beside its lock: statements that it has lost and that are new. `after` is when the run's first number was
    computed, if that was before the claims were locked; None else, and before a run."""

    lock: Lock
    lost: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    after: datetime | None = None

    @property
    def same(self) -> bool:
        return not self.lost and not self.new

    def of_run(self, first: float | None) -> Compared:
        """The same of a run whose first number was computed at `first` (seconds since 1970; None if it has no number)."""
        if first is None or first >= self.lock.locked.timestamp():
            return self
        return replace(self, after=datetime.fromtimestamp(first, UTC))

    def since(self) -> str:
        """`locked on 2026-12-01 09:30 UTC`."""
        return f"locked on {self.lock.locked:%Y-%m-%d %H:%M:%S} UTC"

    def line(self) -> str:
        """In a sentence, for the terminal and the report."""
        if not self.same:
            return f"claims are not those {self.since()}: {len(self.lost)} of them gone, {len(self.new)} new"
        if self.after is not None:
            return f"claims as {self.since()}, after the first number of this run was computed ({self.after:%Y-%m-%d %H:%M:%S})"
        return f"claims as {self.since()}, before this run"

    def told(self) -> list[str]:
        """The difference, a line for each statement: `− ` before what was locked, `+ ` before what stands now."""
        lines = [*(f"− {statement}" for statement in self.lost), *(f"+ {statement}" for statement in self.new)]
        return lines if len(lines) <= _MOST_TOLD else [*lines[:_MOST_TOLD], f"… and {len(lines) - _MOST_TOLD:,} more"]

    def as_json(self) -> dict[str, Any]:
        """For programs, and for the run folder."""
        return {
            "locked": f"{self.lock.locked:{_DATE}}",
            "same": self.same,
            "before_run": self.after is None,
            "lost": list(self.lost),
            "new": list(self.new),
        }


def lock_place(spec: Path) -> Path:
    """Where the lock of a spec lies."""
    return spec.with_name(spec.name + ENDING)


def statements(compiled: Compiled) -> tuple[str, ...]:
    """What a spec claims, a line each: the params that its claims use, in order of name, then the claims as the language writes
    them. Layout and comments are no part of it."""
    params = {name: value for claim in compiled.claims for name, value in claim.constants.items()}
    lines = [f"param {name} = {plain_param(value)}" for name, value in sorted(params.items())]
    for claim in compiled.claims:
        label = f" {string_text(claim.label)}" if claim.label else ""
        often = "" if claim.often is None else f" in {claim.often[0]} of {claim.often[1]}"
        lines.append(f"expect{label}{often}: {claim.text}")
    return tuple(" ".join(line.split()) for line in lines)


def write_lock(spec: Path, compiled: Compiled, renew: bool = False, now: datetime | None = None) -> Lock:
    """Lock the claims of a spec, at the time `now` if given. Raises OutputError if there are none, if they are locked already and
    this is not to `renew` that, or if the file can't be written."""
    found, place = statements(compiled), lock_place(spec)
    if not compiled.claims:
        raise OutputError(f"{spec} claims nothing: write an `expect` line, and lock it before it is run")
    before = read_lock(place)
    if before is not None and not renew:
        if before.statements == found:
            return before
        raise OutputError(
            f"{place} has locked other claims on {before.locked:%Y-%m-%d}: `--renew` locks those of today and keeps that date"
        )
    earlier = () if before is None else (*before.earlier, (before.locked, before.digest))
    lock = Lock((now or datetime.now(UTC)).replace(microsecond=0), found, earlier)
    try:
        write_whole(place, lock.text(), new=before is None)
    except OSError as error:
        raise OutputError(f"{place} can't be written: {(error.strerror or str(error)).lower()}") from error
    return lock


def read_lock(place: Path) -> Lock | None:
    """The lock in a file; None if there is no such file. Raises OutputError if it is torn, or not what was written."""
    try:
        text = read_plain(place, _MOST).decode("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        what = (error.strerror or str(error)).lower() if isinstance(error, OSError) else "it is no text"
        raise OutputError(f"{place} can't be read: {what}; restore it, or delete it and lock the claims anew") from error
    body, _, last = text.removesuffix("\n").rpartition("\n")
    found = _LAST.fullmatch(last)
    if not text.endswith("\n") or found is None or found[1] != sha256(f"{body}\n".encode()).hexdigest():
        raise OutputError(
            f"{place} is torn, or was changed by hand: its last line is not the SHA-256 of those before it; "
            "restore it, or delete it and lock the claims anew"
        )
    try:
        return _parsed(body.split("\n"))
    except ValueError as error:
        raise OutputError(
            f"{place} is no lock of this version of hmmdsl ({error}); delete it and lock the claims anew"
        ) from error


def compare_lock(spec: Path, compiled: Compiled) -> Compared | None:
    """A spec's claims beside its lock; None if they were never locked. Raises OutputError if the lock can't be read."""
    lock = read_lock(lock_place(spec))
    if lock is None:
        return None
    now = statements(compiled)
    return Compared(lock, _without(lock.statements, now), _without(now, lock.statements))


def _without(some: Sequence[str], others: Sequence[str]) -> tuple[str, ...]:
    """Those that the others lack; what stands twice here and once there is lacking once."""
    left = Counter(others)
    lacking = []
    for statement in some:
        if left[statement]:
            left[statement] -= 1
        else:
            lacking.append(statement)
    return tuple(lacking)


def _parsed(lines: Sequence[str]) -> Lock:
    first, second, *others = [*lines, "", ""]
    if first != _FIRST:
        raise ValueError(f"it begins with {first[:40]!r}")
    word, _, when = second.partition(" ")
    if word != "locked":
        raise ValueError("it has no date")
    rest = others[:-2]
    earlier = []
    while rest and rest[0].startswith("earlier "):
        _, day, digest = rest.pop(0).split(" ")
        earlier.append((_date(day), digest))
    return Lock(_date(when), tuple(rest), tuple(earlier))


def _date(text: str) -> datetime:
    return datetime.strptime(text, _DATE).replace(tzinfo=UTC)
