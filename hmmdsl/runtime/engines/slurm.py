"""The engine that makes each stage as a job of SLURM, through submitit.

submitit writes the batch script, submits it, asks after it and cancels it. Functions that it is given it would pickle into files;
it is given a command instead (`PicklingExecutor._submit_command`), which reads its order from a file of JSON and answers in
another. Both lie in the store's folder, which must be one that all machines share.
"""

from __future__ import annotations

import contextlib
import json
import shlex
import shutil
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from hmmdsl.files.writing import write_whole
from hmmdsl.runtime.engines.engine import CallingEngine, Done
from hmmdsl.runtime.engines.making import thread_settings
from hmmdsl.runtime.engines.messages import Message
from hmmdsl.runtime.engines.options import number, only_known
from hmmdsl.runtime.engines.pool import search_path
from hmmdsl.runtime.engines.worker import GRACE
from hmmdsl.runtime.failures import OutputError, RunError
from hmmdsl.runtime.store.location import WORK

if TYPE_CHECKING:
    from hmmdsl.runtime.engines.engine import Events
    from hmmdsl.runtime.stage import Task

OPTIONS = {
    "partition": "where jobs go",
    "account": "who pays",
    "qos": "quality of service",
    "time": "minutes that a job may take",
    "mem": "GiB of a job",
    "cpus": "processors of a job; its threads if not given",
    "gpus": "graphics cards of a train on cuda",
    "jobs": "jobs at once",
    "cluster": "slurm, or local for processes of this machine, to try it",
}

MINUTES, JOBS, SEEN_LATE = 60.0, 64.0, 10.0
"""Defaults of `time` and `jobs`; and seconds after the end of a job in which a shared folder may still show its answer."""


class SlurmEngine(CallingEngine):
    """As many jobs at once as the option `jobs` says."""

    def __init__(self, events: Events, store: Path, options: Mapping[str, str]) -> None:
        only_known("slurm", options, OPTIONS)
        super().__init__(events, max(1, int(number("slurm", options, "jobs", JOBS))), "job")
        self._options = options
        self._local = options.get("cluster", "slurm") == "local"
        self._minutes = max(1, int(number("slurm", options, "time", MINUTES)))
        self._cpus, self._gpus = int(number("slurm", options, "cpus", 0)), int(number("slurm", options, "gpus", 1))
        self._memory = number("slurm", options, "mem", 0)
        self._folder = store.absolute() / WORK / f".jobs-{uuid4().hex}"
        self._submitit = _submitit(self._local)
        self._jobs: dict[str, Any] = {}
        self._closed = threading.Event()
        self._turn = threading.Lock()

    @property
    def jobs(self) -> tuple[Any, ...]:
        """The jobs that wait or run, as submitit knows them."""
        return tuple(self._jobs.values())

    def close(self) -> None:
        """Cancel what waits or runs, and remove the orders."""
        self._closed.set()
        with self._turn:
            for job in self._jobs.values():
                with contextlib.suppress(Exception):
                    job.cancel(check=False)
        self._callers.shutdown(wait=True)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _made(self, task: Task) -> Done:
        attempt = 0
        while True:
            attempt += 1
            self._events.told(task, {"start": True})
            told, how = self._job(task, attempt)
            for message in told or ():
                if "start" not in message and "step" not in message:  # they are long past
                    done = self._events.told(task, message)
                    if done is not None:
                        return done
            if self._closed.is_set():
                raise RunError("the run was ended")
            self._events.lost(task, how, attempt)

    def _job(self, task: Task, attempt: int) -> tuple[list[Message] | None, str]:
        """Submit a job and wait for its answer: what it told, or None if it ended without, and the state it ended in."""
        folder = self._folder / f"{task.hash[:16]}-{attempt}"
        folder.mkdir(parents=True, exist_ok=True)
        order, answer = folder / "order.json", folder / "answer.json"
        write_whole(order, self._events.order(task))
        settings = thread_settings(task.threads) | {"PYTHONPATH": search_path()}
        worker = [sys.executable, "-P", "-m", "hmmdsl.runtime.engines.worker", str(order), str(answer)]
        with self._turn:
            if self._closed.is_set():
                raise RunError("the run was ended")
            executor = self._executor(folder, task)
            job = executor._submit_command(shlex.join(["env", *(f"{name}={value}" for name, value in settings.items()), *worker]))
            self._jobs[task.hash] = job
        try:
            return self._answer(job, answer), str(job.state).lower()
        finally:
            self._jobs.pop(task.hash, None)

    def _answer(self, job: Any, answer: Path) -> list[Message] | None:
        pause = 0.1 if self._local else 2.0
        last_look: float | None = None
        while not answer.exists():
            if last_look is not None and time.monotonic() > last_look:
                return None
            if last_look is None and (job.done() or self._closed.is_set()):
                patience = GRACE if self._closed.is_set() else 0.5 if self._local else SEEN_LATE
                last_look = time.monotonic() + patience
            if self._closed.is_set() and job.done():
                return None
            time.sleep(pause)
        told: list[Message] = json.loads(answer.read_text(encoding="utf-8"))
        return told

    def _executor(self, folder: Path, task: Task) -> Any:
        gpus = self._gpus if task.device == "cuda" else 0
        if self._local:
            executor = self._submitit.LocalExecutor(folder)
            executor.update_parameters(timeout_min=self._minutes, gpus_per_node=gpus)
            return executor
        executor = self._submitit.SlurmExecutor(folder)
        asked: dict[str, Any] = {name: self._options[name] for name in ("partition", "account", "qos") if name in self._options}
        if self._memory:
            asked["mem"] = f"{self._memory:g}GB"
        if gpus:
            asked["gpus_per_node"] = gpus
        executor.update_parameters(
            job_name=f"hmmdsl-{task.stage.short}", time=self._minutes, cpus_per_task=self._cpus or task.threads, **asked
        )
        return executor


def _submitit(local: bool) -> Any:
    """submitit. Raises OutputError if it is not installed, or if there is no SLURM here."""
    try:
        import submitit
    except ImportError as error:
        raise OutputError("`--engine slurm` needs submitit: `pip install 'hmmdsl[slurm]'`") from error
    if not local and (shutil.which("sbatch") is None or shutil.which("srun") is None):
        raise OutputError("`--engine slurm` finds no `sbatch` here: run it on a machine of the cluster that submits jobs")
    return submitit
