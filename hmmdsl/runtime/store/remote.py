"""A store that several machines share, behind any URL that fsspec knows (s3://, gs://, file://): entries are made in a folder
of this machine and then uploaded, and those that others made are downloaded once."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from hmmdsl.files.folders import move
from hmmdsl.files.sums import SUMS, files_of
from hmmdsl.files.writing import write_whole
from hmmdsl.runtime.failures import OutputError
from hmmdsl.runtime.store.entry import Damaged, Entry, read_entry
from hmmdsl.runtime.store.location import ENTRIES, FORMAT, MARK, WORK
from hmmdsl.runtime.store.store import Store, warn_on_stderr


class RemoteStore(Store):
    """Locks hold on this machine only: two machines that make the same entry at once both compute it, and upload the same.

    An entry's checksums are uploaded last, so that one without them is not there yet.
    """

    def __init__(self, folder: Path, url: str, warn: Callable[[str], None] = warn_on_stderr) -> None:
        super().__init__(folder, warn)
        self.url = url
        self._files, self._root = _file_system(url)
        self._open_remote()

    def has(self, digest: str) -> bool:
        """Whether there is an entry here or there."""
        return super().has(digest) or bool(self._there(lambda: self._files.exists(f"{self._place(digest)}/{SUMS}")))

    def find(self, digest: str) -> Entry | None:
        """The entry from this machine, else downloaded and verified; None if there is none."""
        if not super().has(digest):
            self._download(digest)
        return super().find(digest)

    def remove(self, digest: str) -> None:
        """Remove an entry here and there, its checksums first."""
        place = self._place(digest)
        if self._there(lambda: self._files.exists(place)):
            if self._there(lambda: self._files.exists(f"{place}/{SUMS}")):
                self._there(lambda: self._files.rm(f"{place}/{SUMS}"))
            self._there(lambda: self._files.rm(place, recursive=True))
        super().remove(digest)

    def _publish(self, made: Entry) -> Entry:
        entry = super()._publish(made)
        names = sorted(set(files_of(entry.folder)) - {SUMS})
        try:
            for name in (*names, SUMS):
                self._files.makedirs(str(PurePosixPath(f"{self._place(entry.hash)}/{name}").parent), exist_ok=True)
                self._files.put_file(str(entry.folder / name), f"{self._place(entry.hash)}/{name}")
        except Exception as error:
            self.warn(f"the store's entry {entry.hash[:10]} could not be uploaded to {self.url} ({error}); it is kept here")
        return entry

    def _download(self, digest: str) -> None:
        """Fetch an entry into the work folder, verify it, and rename it into place."""
        place = self._place(digest)
        if not self._there(lambda: self._files.exists(f"{place}/{SUMS}")):
            return
        beside = self.folder / WORK / f".{digest}-download-{os.getpid()}"
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
        try:
            sums = self._there(lambda: self._files.cat_file(f"{place}/{SUMS}")).decode()
            write_whole(beside / SUMS, sums, durable=False)
            for line in sums.splitlines():
                name = PurePosixPath(line.partition("  ")[2])
                if not name.parts or name.is_absolute() or ".." in name.parts:
                    raise Damaged(f"it names a file outside its folder: {name}")
                (beside / name).parent.mkdir(parents=True, exist_ok=True)
                self._there(partial(self._files.get_file, f"{place}/{name}", str(beside / name)))
            entry = read_entry(beside, digest)
            size = sum((beside / name).stat().st_size for name in files_of(beside))
            final = self.entry_folder(digest)
            final.parent.mkdir(parents=True, exist_ok=True)
            if not final.exists():
                move(beside, final)
                self._list(entry, size)
        except (Damaged, UnicodeDecodeError, FileNotFoundError) as damage:
            self.warn(f"the entry {digest[:10]} in {self.url} is damaged ({damage}); it is computed again")
        finally:
            shutil.rmtree(beside, ignore_errors=True)

    def _open_remote(self) -> None:
        """Make sure that the URL is a store's; an empty place becomes one."""
        mark = f"{self._root}/{MARK}"
        if self._there(lambda: self._files.exists(mark)):
            if f'"format": {FORMAT}' not in self._there(lambda: self._files.cat_file(mark)).decode(errors="replace"):
                raise OutputError(f"the store {self.url} has another format: give another place with `--store`")
            return
        if self._there(lambda: self._files.exists(self._root) and self._files.ls(self._root)):
            raise OutputError(f"{self.url} is not a store: it holds other things; give `--store` an empty place")
        self._there(lambda: self._files.makedirs(self._root, exist_ok=True))
        self._there(lambda: self._files.pipe_file(mark, f'{{"format": {FORMAT}}}\n'.encode()))

    def _there(self, call: Callable[[], Any]) -> Any:
        """Call the file system, and say in words if it can't be reached."""
        try:
            return call()
        except FileNotFoundError:
            raise
        except Exception as error:
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            raise OutputError(f"the store {self.url} can't be reached ({reason}): mend that, or use a local one") from error

    def _place(self, digest: str) -> str:
        return f"{self._root}/{ENTRIES}/{digest[:2]}/{digest}"


def _file_system(url: str) -> tuple[Any, str]:
    """fsspec's file system for a URL, and the path in it. Raises OutputError if a library is missing or the URL is none."""
    try:
        from fsspec.core import url_to_fs
    except ImportError as error:
        raise OutputError(f"the store {url} needs fsspec: `pip install 'hmmdsl[remote]'`") from error
    try:
        files, root = url_to_fs(url)
    except (ImportError, ValueError) as error:
        raise OutputError(f"the store {url} can't be opened ({error}): install what it needs, or give a folder") from error
    return files, str(root).rstrip("/")
