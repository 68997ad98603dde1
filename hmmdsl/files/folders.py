"""Folders that are whole or not there: made under a random name beside their place, and renamed into it."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path
from secrets import token_hex

from hmmdsl.files.writing import sync_file, sync_folder


def beside(place: Path, role: str) -> Path:
    """A name beside a place that nothing bears, hidden, which says what for."""
    return place.with_name(f".{place.name[:100]}.{role}-{token_hex(8)}")


def move(source: Path, place: Path) -> None:
    """Rename a folder to a place where nothing stands, or an empty folder. Raises OSError, FileExistsError among them or
    'directory not empty' where something does."""
    os.rename(source, place)


def sync_tree(folder: Path) -> None:
    """Bring a folder with all that is in it to the disk. Raises OSError."""
    for below, _, names in os.walk(folder):
        for name in names:
            if not (Path(below) / name).is_symlink():
                sync_file(Path(below) / name)
        sync_folder(Path(below))


def remove(folder: Path) -> None:
    """Remove a folder of ours with all that is in it, as far as that can be done, or whatever stands in its place; links are
    removed, not followed."""
    if folder.is_dir() and not folder.is_symlink():
        shutil.rmtree(folder, ignore_errors=True)
    else:
        with suppress(OSError):
            folder.unlink()
