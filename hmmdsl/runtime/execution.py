"""Running stages: what is in the store is taken from there, the rest is handed to an engine as soon as what it needs is made."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Container, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hmmdsl.runtime.engines.engine import Done, Engine
    from hmmdsl.runtime.stage import Task


@dataclass
class Ran:
    """By hash: stages whose results are in the store, what others failed with, and those that could not begin since something
    that they need failed."""

    done: dict[str, Done] = field(default_factory=dict)
    failed: dict[str, Exception] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    """From a stage to the one that failed."""


def run_stages(
    tasks: Iterable[Task],
    engine: Engine,
    essential: Container[str] | None = None,
    finished: Callable[[Task, bool], None] = lambda task, failed: None,
) -> Ran:
    """Make the stages of one plan or of many: equal hashes are made once, each after what it needs.

    The first failure among the hashes that are `essential`, if not given all, is raised when what runs beside it is done. Another
    stage that fails takes only those with it that need it. `finished` is told of each stage that was tried, and whether it
    failed.
    """
    by_hash: dict[str, Task] = {}
    for task in tasks:
        by_hash.setdefault(task.hash, task)
    left = {digest: {need for need in task.needs if need in by_hash} for digest, task in by_hash.items()}
    after: dict[str, list[str]] = {}
    for digest, needs in left.items():
        for need in needs:
            after.setdefault(need, []).append(digest)
    ready = deque(digest for digest, needs in left.items() if not needs)
    running: dict[Future[Done], str] = {}
    ran = Ran()
    fatal: Exception | None = None
    while running or (ready and fatal is None):
        while ready and fatal is None and len(running) < engine.width:
            digest = ready.popleft()
            running[engine.submit(by_hash[digest])] = digest
        ended, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in sorted(ended, key=lambda each: running[each]):
            digest = running.pop(future)
            error = future.exception()
            finished(by_hash[digest], error is not None)
            if error is None:
                ran.done[digest] = future.result()
                for follower in after.get(digest, ()):
                    left[follower].discard(digest)
                    if not left[follower]:
                        ready.appendleft(follower)  # what it reads is still in memory
            elif not isinstance(error, Exception):
                raise error
            else:
                ran.failed[digest] = error
                _skip(digest, after, ran)
                if fatal is None and (essential is None or digest in essential):
                    fatal = error
    if fatal is not None:
        raise fatal
    return ran


def _skip(failed: str, after: dict[str, list[str]], ran: Ran) -> None:
    waiting = list(after.get(failed, ()))
    while waiting:
        digest = waiting.pop()
        if digest not in ran.skipped:
            ran.skipped[digest] = failed
            waiting += after.get(digest, ())
