"""Opening the store that was asked for."""

from __future__ import annotations

from hmmdsl.runtime.store.location import locate, open_folder
from hmmdsl.runtime.store.remote import RemoteStore
from hmmdsl.runtime.store.store import Store


def open_store(given: str | None = None) -> Store:
    """The store in a folder or behind a URL, made if need be; `$HMMDSL_STORE` or the cache folder if none is given.

    Raises OutputError if it is no store, can't be opened, or if the URL's library is not installed.
    """
    location = locate(given)
    open_folder(location.folder)
    if location.url is not None:
        return RemoteStore(location.folder, location.url)
    return Store(location.folder)


def peek_store(given: str | None = None) -> Store | None:
    """The store in a folder (of one behind a URL, this machine's part), None if nothing has been kept in it yet: nothing is made.

    Raises OutputError if the folder is no store.
    """
    folder = locate(given).folder
    if not folder.exists():
        return None
    open_folder(folder)
    return Store(folder)
