"""The engine that makes stages as tasks of a Ray cluster (Moritz et al. 2018, arXiv:1712.05889).

Ray places tasks by the processors and graphics cards that they declare, begins them again elsewhere when their worker is lost,
and queues those that have no room. Results go through the store, which must be one that every machine reaches: a shared folder or
a URL.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import socket
from collections.abc import Mapping
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from hmmdsl.runtime.engines.cores import available_cores
from hmmdsl.runtime.engines.engine import ATTEMPTS, Done, lost_too_often
from hmmdsl.runtime.engines.making import thread_settings
from hmmdsl.runtime.engines.messages import Message
from hmmdsl.runtime.engines.options import number, only_known
from hmmdsl.runtime.engines.worker import Worker
from hmmdsl.runtime.failures import OutputError, RunError

if TYPE_CHECKING:
    from hmmdsl.runtime.engines.engine import Events
    from hmmdsl.runtime.stage import Task

OPTIONS = {
    "cpus": "processors of a stage; its threads if not given",
    "gpus": "graphics cards, or a share of one, of a train on cuda",
}

QUEUED = 256
"""Stages that are handed to Ray at once: it keeps those waiting that have no room."""

REACH = 5.0
"""Seconds in which a cluster must answer."""


class RayEngine:
    """A cluster at `address` (`HOST:PORT`, `ray://HOST:PORT`, or `auto` for the one of this machine); with none, one is begun
    here and ends with the run."""

    width = QUEUED

    def __init__(self, events: Events, address: str | None, options: Mapping[str, str]) -> None:
        only_known("ray", options, OPTIONS)
        self._cpus, self._gpus = number("ray", options, "cpus", 0), number("ray", options, "gpus", 1)
        self._events = events
        self._ray = _connected(address)
        self._running: dict[str, tuple[Any, Future[Done]]] = {}
        self._make = self._ray.remote(make_order)

    def submit(self, task: Task) -> Future[Done]:
        """Take a stage from the store, or hand it to Ray."""
        future: Future[Done] = Future()
        try:
            stored = self._events.stored(task)
            if stored is not None:
                future.set_result(stored)
                return future
            placed = self._make.options(
                name=task.stage.id,
                num_cpus=self._cpus or task.threads,
                num_gpus=self._gpus if task.device == "cuda" else 0,
                max_retries=ATTEMPTS - 1,
                runtime_env={"env_vars": thread_settings(task.threads)},
            ).remote(self._events.order(task))
        except Exception as error:
            future.set_exception(error)
            return future
        self._running[task.hash] = (placed, future)
        self._events.told(task, {"start": True})
        placed.future().add_done_callback(lambda done: self._finish(task, done, future))
        return future

    def close(self) -> None:
        """Leave the cluster: what still runs for this run is ended."""
        left = list(self._running.values())
        for placed, _ in left:
            with contextlib.suppress(Exception):
                self._ray.cancel(placed, force=True)
        self._ray.shutdown()
        for _, future in left:  # Ray answers no more
            if not future.done():
                self._events.settle(future, RunError("the run was ended"))

    def _finish(self, task: Task, answer: Future[str], future: Future[Done]) -> None:
        outcome = self._outcome(task, answer)
        self._running.pop(task.hash, None)
        if not future.done():
            self._events.settle(future, outcome)

    def _outcome(self, task: Task, answer: Future[str]) -> Done | BaseException:
        try:
            for message in json.loads(answer.result()):
                done = self._events.told(task, message)
                if done is not None:
                    return done
        except Exception as error:
            return self._in_words(task, error)
        return RunError(f"{task.stage.id} came back from Ray without a result", "run the same command again")

    def _in_words(self, task: Task, error: Exception) -> Exception:
        errors = self._ray.exceptions
        lost = (errors.WorkerCrashedError, errors.NodeDiedError, errors.OutOfMemoryError)
        if isinstance(error, lost):
            return lost_too_often(task, type(error).__name__, ATTEMPTS)
        if isinstance(error, errors.RayError):
            text = " ".join(str(error).split())[:300]
            return RunError(f"Ray could not make {task.stage.id}: {text}", "is the same hmmdsl installed on every machine of it?")
        return error


def make_order(order: str) -> str:
    """The task: make the stage of an order, in a worker of the cluster. Returns all that is told of it, as JSON."""
    told: list[Message] = []
    Worker().make(order, told.append)
    return json.dumps([message for message in told if "step" not in message and "start" not in message])


def _connected(address: str | None) -> Any:
    """Ray, connected. Raises OutputError if it is not installed or nothing answers at the address."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # no network call unasked
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray
    except ImportError as error:
        raise OutputError("`--engine ray` needs Ray: `pip install 'hmmdsl[ray]'`") from error
    if address is not None and address not in ("auto", "local"):
        _reach(address)
    here: dict[str, Any] = {}
    if address is None or address == "local":
        here = {"num_cpus": available_cores(), "object_store_memory": 80 * 2**20, "include_dashboard": False}
        address = "local"
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, **here)
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise OutputError(
            f"the Ray cluster {address} can't be used ({reason}): is it running, and of the same version?"
        ) from error
    return ray


def _reach(address: str) -> None:
    """Raises OutputError if nothing listens at an address, or what listens does not answer as Ray's gRPC does; Ray itself would
    try for minutes."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not colon or not port.isdigit():
        raise OutputError(f"`--address {address}` is not HOST:PORT: write it like `--address 10.0.0.5:6379`")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=REACH) as opened:
            speaks = os.environ.get("RAY_USE_TLS") == "1" or _speaks_http2(opened)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise OutputError(
            f"no Ray cluster answers at {address} ({reason.lower()}): start one with `ray start --head`, or mend the address"
        ) from error
    if not speaks:
        raise OutputError(f"what listens at {address} is no Ray cluster: mend the address, `ray status` tells a cluster's own")


def _speaks_http2(opened: socket.socket) -> bool:
    """Whether the other end greets as servers of HTTP/2 must (RFC 9113, section 3.4): with a SETTINGS frame."""
    try:
        opened.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + b"\x04" + bytes(5))
        header = b""
        while len(header) < 9 and (more := opened.recv(9 - len(header))):
            header += more
    except OSError:  # silence, or a slammed door
        return False
    return len(header) == 9 and header[3] == 4
