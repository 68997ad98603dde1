"""What is found of a process is found once, although many ask for it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

if TYPE_CHECKING:
    from hmmdsl.process.process import Process

P = ParamSpec("P")
T = TypeVar("T")

KEPT = 16
"""Results of one function that are kept, those asked for last."""


def once(function: Callable[Concatenate[Process, P], T]) -> Callable[Concatenate[Process, P], T]:
    """Keep what a function finds for the very object; equal processes are worked on apart, since comparing them takes long. A
    sweep has thousands of processes, so only the last few are kept."""
    known: OrderedDict[tuple[Any, ...], tuple[Process, T]] = OrderedDict()

    @wraps(function)
    def kept(process: Process, /, *args: P.args, **kwargs: P.kwargs) -> T:
        # The process is kept beside its result, so that no other object has its number.
        key = (id(process), args, tuple(sorted(kwargs.items())))
        if key not in known:
            known[key] = process, function(process, *args, **kwargs)
            if len(known) > KEPT:
                known.popitem(last=False)
        known.move_to_end(key)
        return known[key][1]

    return kept
