"""Opening the store that was asked for."""

from __future__ import annotations

from hmmdsl.runtime.store.location import locate, open_folder
from hmmdsl.runtime.store.store import Store


def open_store(given: str | None = None) -> Store:
    """The store in a folder or behind a URL, made if need be; `$HMMDSL_STORE` or the cache folder if none is given.

    Raises OutputError if it is no store, can't be opened, or if the URL's library is not installed.
    """
    location = locate(given)
    open_folder(location.folder)
    if location.url is not None:
        from hmmdsl.runtime.store.remote import RemoteStore

        return RemoteStore(location.folder, location.url)
    return Store(location.folder)
