"""A stage as plain data: all that is needed to make it, here or in another process, beside the entries of what it needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hmmdsl.runtime.identity.device import device_type
from hmmdsl.runtime.plan import Part, Plan, Stage, StageKind, closure
from hmmdsl.runtime.store.store import Key
from hmmdsl.spec.experiment import Experiment

if TYPE_CHECKING:
    from hmmdsl.process.process import Process

COMPUTED: tuple[StageKind, ...] = ("process", "train", "analysis", "figures")
"""The kinds that need nothing but a task: the report also shows the run."""


@dataclass(frozen=True)
class Task:
    """`experiment` holds the records that the stage reads and no others, `hashes` the hash of each stage that it reads by its id,
    `needs` those that must be in the store first. `device` is a train's or a batch's. A batch's experiment holds the train of
    each of its runs, in order."""

    stage: Stage
    experiment: Experiment
    needs: tuple[str, ...]
    hashes: Mapping[str, str]
    threads: int
    device: str
    known: Mapping[str, Process] = field(default_factory=dict, compare=False, repr=False)

    @property
    def hash(self) -> str:
        return self.stage.hash

    @property
    def key(self) -> Key:
        """What its entry is found by."""
        return Key(self.stage.hash, self.stage.kind, self.stage.name, self.experiment.name)

    def processes(self) -> Mapping[str, Process]:
        """The processes by name, from their tables where they are not at hand."""
        tables = self.experiment.processes
        return {name: self.known[name] if name in self.known else table.process() for name, table in tables.items()}

    def as_json(self) -> dict[str, Any]:
        """Plain data, for another process."""
        stage, part = self.stage, self.stage.part
        return {
            "stage": {"kind": stage.kind, "name": stage.name, "needs": list(stage.needs), "hash": stage.hash},
            "part": None if part is None else [part.batch, part.place],
            "experiment": self.experiment.model_dump(mode="json"),
            "needs": list(self.needs),
            "hashes": dict(self.hashes),
            "threads": self.threads,
            "device": self.device,
        }

    @staticmethod
    def from_json(plain: Mapping[str, Any]) -> Task:
        """What `as_json` wrote. Raises pydantic's ValidationError and KeyError if it is something else."""
        from hmmdsl.analysis import kinds

        stage, part = plain["stage"], plain["part"]
        return Task(
            Stage(stage["kind"], stage["name"], tuple(stage["needs"]), stage["hash"], part and Part(str(part[0]), int(part[1]))),
            Experiment.model_validate(plain["experiment"], context={"analyses": kinds()}),
            tuple(plain["needs"]),
            dict(plain["hashes"]),
            int(plain["threads"]),
            str(plain["device"]),
        )


def tasks_of(
    plan: Plan, experiment: Experiment, processes: Mapping[str, Process], kinds: Iterable[StageKind] = COMPUTED
) -> tuple[Task, ...]:
    """The tasks of a plan, in its order. Tasks of many plans may be run together: equal hashes are one stage."""
    wanted = set(kinds)
    return tuple(_task(stage, plan, experiment, processes) for stage in plan.stages if stage.kind in wanted)


def _task(stage: Stage, plan: Plan, experiment: Experiment, processes: Mapping[str, Process]) -> Task:
    read = closure(plan, stage.id)
    names = {kind: {each.name for each in (*read, stage) if each.kind == kind} for kind in ("process", "train", "analysis")}
    trains = {name: train for name, train in experiment.trains.items() if name in names["train"]}
    models = {model for train in trains.values() for model in train.models()}
    trimmed = experiment.model_copy(
        update={
            "about": type(experiment.about)(),
            "params": {},
            "expect": (),
            "processes": {name: table for name, table in experiment.processes.items() if name in names["process"]},
            "models": {name: model for name, model in experiment.models.items() if name in models},
            "trains": trains,
            "analyses": {name: analysis for name, analysis in experiment.analyses.items() if name in names["analysis"]},
        }
    )
    by_id = {each.id: each.hash for each in read}
    direct = [by_id[need] for need in stage.needs if stage.kind == "figures" or not need.startswith("process ")]
    if stage.part is not None:
        direct.append(stage.part.batch)
    threads = max((train.threads for train in trains.values()), default=1)
    device = device_type(trains[stage.name].device) if stage.kind == "train" else "cpu"
    known = {name: processes[name] for name in trimmed.processes if name in processes}
    return Task(stage, trimmed, tuple(direct), by_id, threads, device, known)
