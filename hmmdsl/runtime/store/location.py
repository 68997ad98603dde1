"""Where the store lies, and how a folder is known to be one."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from hmmdsl.files.plain import read_plain
from hmmdsl.files.writing import write_whole
from hmmdsl.runtime.failures import OutputError

MARK = "hmmdsl-store.json"
"""The file that makes a folder a store."""

FORMAT = 1
"""Version of the store's layout."""

AREAS = ENTRIES, WORK, LOCKS, RUNNING, AWAY = "entries", "work", "locks", "running", "damaged"
"""The folders of a store: what was made, what is being made, the locks on it, the runs that go on, what was found broken."""

INDEX = tuple(f"index.sqlite{ending}" for ending in ("", "-wal", "-shm", "-journal"))
"""The index, and SQLite's own files beside it."""

_LARGEST_MARK = 10_000

VARIABLE = "HMMDSL_STORE"
"""The environment variable that names the store."""


@dataclass(frozen=True)
class Location:
    """`folder` holds the entries, the locks and the work of this machine. `url` is where entries go besides and come from, for a
    store that several machines share; None for a store that is a folder and nothing else."""

    folder: Path
    url: str | None = None


def locate(given: str | None = None) -> Location:
    """The store that was asked for, else `$HMMDSL_STORE`, else `hmmdsl` in the user's cache folder ($XDG_CACHE_HOME or
    ~/.cache). A URL (`s3://…`, `gs://…`, any that fsspec knows) keeps its work in the cache folder."""
    chosen = given or os.environ.get(VARIABLE) or ""
    if "://" in chosen:
        url = chosen.rstrip("/")
        return Location(_cache() / "remote" / sha256(url.encode()).hexdigest()[:16], url)
    return Location(Path(chosen).expanduser() if chosen else _cache())


def open_folder(folder: Path) -> None:
    """Make sure that `folder` is a store; one that is empty or not there becomes one.

    Raises OutputError if it holds other things, or was written by a later version, or can't be made.
    """
    mark = folder / MARK
    try:
        text = read_plain(mark, _LARGEST_MARK).decode(errors="replace") if os.path.lexists(mark) else None
        if text is None:
            if _strange(folder):
                raise OutputError(
                    f"{folder} is not a store: it holds other things; give `--store` a new or empty folder, or use `--no-store`"
                )
            folder.mkdir(parents=True, exist_ok=True)
            text = json.dumps({"format": FORMAT}) + "\n"
            write_whole(mark, text)
    except OSError as error:
        raise OutputError(
            f"the store {folder} can't be opened ({(error.strerror or str(error)).lower()}): "
            "give another folder with `--store`, or use `--no-store`"
        ) from error
    _check_format(folder, text)


def _check_format(folder: Path, text: str) -> None:
    try:
        found = json.loads(text)["format"]
    except (ValueError, TypeError, KeyError):
        raise OutputError(f"{folder} is not a store: its {MARK} can't be read; give another folder with `--store`") from None
    if found != FORMAT:
        raise OutputError(f"the store {folder} has format {found}, and this hmmdsl reads {FORMAT}: give another with `--store`")


def _strange(folder: Path) -> bool:
    """Whether what is in a folder keeps it from becoming a store, or again one whose mark was lost: two processes may be opening
    a new one at once, and the cache folder also holds the work of stores on other machines."""
    if folder.is_symlink() and not folder.exists():
        return False
    if not folder.is_dir():
        return folder.exists()
    names = {each.name for each in folder.iterdir() if not each.name.startswith(f".{MARK}.")} - {"remote", MARK}
    shelves = [each.name for each in (folder / AREAS[0]).iterdir()] if AREAS[0] in names else []
    a_store = AREAS[0] in names and names <= {*AREAS, *INDEX} and all(re.fullmatch("[0-9a-f]{2}", each) for each in shelves)
    return bool(names) and not a_store


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or ""
    return (Path(base) if os.path.isabs(base) else Path.home() / ".cache") / "hmmdsl"
