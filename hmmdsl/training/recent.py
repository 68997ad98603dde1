"""The latest results of costly computations, kept in bounded memory so that several analyses of one run make them once."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")

SHARE = 16
"""One part in so many of the machine's memory may be kept."""

MOST_BYTES = 2**31
"""No more than this is kept, however large the machine."""


def kept_bytes() -> int:
    """How many bytes one training run may keep: a sixteenth of the machine's memory, 2 GiB at most."""
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # a system that does not say
        return 2**28
    return min(memory // SHARE, MOST_BYTES)


@dataclass(frozen=True)
class _Kept:
    """`owners` are held so that their identities, which the key has, are not given to others."""

    value: Any
    owners: tuple[object, ...]
    size: int


class Recent:
    """Values by key, in at most `limit` bytes; what was not asked for longest is dropped first."""

    def __init__(self, limit: int | None = None) -> None:
        self.limit = kept_bytes() if limit is None else limit
        self.size = 0
        self._kept: OrderedDict[Hashable, _Kept] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], T], size: Callable[[T], int], owners: tuple[object, ...] = ()) -> T:
        """The value of `key`, made if it is not there. `key` names objects without a value of their own by their `id`; these are
        `owners`. A value of more than the limit is handed out and not kept."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
            value: T = found.value
            return value
        value = make()
        needed = size(value)
        if needed <= self.limit:
            while self.size + needed > self.limit:
                _, dropped = self._kept.popitem(last=False)
                self.size -= dropped.size
            self._kept[key] = _Kept(value, owners, needed)
            self.size += needed
        return value
