"""What a stage is: what it is called, what its kind does with it, and the context in which it is made.

A kind of stage is one file of `stages/`, found there by its presence, which has a `StageKind` as `KIND`. Nothing else asks of
what kind a stage is: what differs is a method or an attribute of the kind.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, TypeVar

from hmmdsl.analysis import kinds
from hmmdsl.analysis.outcome import Inputs
from hmmdsl.runtime import stages
from hmmdsl.runtime.asked import Asked
from hmmdsl.runtime.failures import RunError
from hmmdsl.runtime.identity.contents import content_hash, process_content
from hmmdsl.runtime.identity.source_code import source_hash, versions
from hmmdsl.runtime.store.store import Key
from hmmdsl.schema.base import Record
from hmmdsl.schema.experiment import Experiment

if TYPE_CHECKING:
    from hmmdsl.analysis.outcome import Inputs, Outcome
    from hmmdsl.process.process import Process
    from hmmdsl.runtime.log import RunLog
    from hmmdsl.runtime.store.entry import Entry
    from hmmdsl.runtime.store.store import Store
    from hmmdsl.training.trained import Trained, TrainingResult

T = TypeVar("T")

Makes = Literal["theory", "measurements", "pictures", "page"]
"""What the stages of a kind make: what a record alone says, numbers of networks, pictures of what others made, or the page that
also shows the run."""

MEASURED: tuple[Makes, ...] = ("measurements",)
NUMBERS: tuple[Makes, ...] = ("theory", *MEASURED)
COMPUTED: tuple[Makes, ...] = (*NUMBERS, "pictures")
"""What needs nothing but a task: the page also shows the run."""

HASH_DIGITS = 10
"""Hexadecimal digits of a hash that are shown, and that name a run folder: 40 bits."""

FORMAT = 1
"""Version of what the stages keep; a new one recomputes everything."""

KEPT = 16
"""Training runs that are kept in memory, and as many outcomes."""


class StageId(str):
    """What a stage is called, as users see it: `train fit`, `figures of beliefs`, `report`. Its parts stay beside the text, so
    that nobody takes that apart."""

    kind: StageKind
    name: str

    def __new__(cls, kind: StageKind, name: str) -> StageId:
        made = super().__new__(cls, f"{kind.label or kind.name} {name}".strip())
        made.kind, made.name = kind, name
        return made

    @staticmethod
    def of(kind: str, name: str) -> StageId:
        """The same with the kind's name."""
        return StageId(stage_kinds()[kind], name)

    def as_json(self) -> list[str]:
        """The names of kind and stage."""
        return [self.kind.name, self.name]


@dataclass(frozen=True)
class Part:
    """A training run's place in a batch of runs that are trained as one, and the hash of the batch."""

    batch: str
    place: int

    @property
    def hash(self) -> str:
        """The run's own: it is another than that of the same run alone, whose numbers differ in their last digits."""
        return content_hash({"format": FORMAT, "kind": "train", "batch": self.batch, "place": self.place})


@dataclass(frozen=True)
class Stage:
    """One step of a run. `needs` are the stages before it. `hash` (SHA-256) covers its resolved inputs, the source
    code it runs, versions, device and threads, and through the hashes of its needs theirs. Names change no number and are not in
    it: trains and analyses may be renamed. `part` is a train's that is done in a batch."""

    id: StageId
    needs: tuple[StageId, ...]
    hash: str
    part: Part | None = None

    @property
    def kind(self) -> StageKind:
        return self.id.kind

    @property
    def name(self) -> str:
        return self.id.name

    @property
    def reads(self) -> tuple[StageId, ...]:
        """Those of its needs whose results it reads. Numbers of networks come from a process' definition, which is in their
        records, and not from what theory finds out about it."""
        return tuple(need for need in self.needs if self.kind.makes not in NUMBERS or need.kind.makes != "theory")

    @property
    def trains(self) -> bool:
        """Whether it trains, and may leave a resume point; a part of a batch is only taken from there."""
        return self.kind.trains and self.part is None

    @property
    def short(self) -> str:
        """The hash as it is shown."""
        return self.hash[:HASH_DIGITS]


@dataclass(frozen=True)
class Plan:
    """The stages in an order in which they can run. `hash` covers what the spec says of the numbers (not the title, nor the
    claims, nor versions): the run folder is `<name>-<hash>`."""

    name: str
    stages: tuple[Stage, ...]
    hash: str

    @property
    def folder_name(self) -> str:
        return f"{self.name}-{self.hash}"

    def stage(self, stage_id: str) -> Stage:
        """The stage of an id. Raises KeyError if there is none."""
        for stage in self.stages:
            if stage.id == stage_id:
                return stage
        raise KeyError(stage_id)


@dataclass
class Memory:
    """What is known already of records that many plans share: the hash of each model and process, by identity; `kept` lets them
    live as long as their identities are used."""

    hashes: dict[int, str] = field(default_factory=dict)
    kept: list[Record] = field(default_factory=list)

    def hash_of(self, record: Record, content: Callable[[], Any]) -> str:
        """The hash of a record's content, worked out once."""
        if id(record) not in self.hashes:
            self.hashes[id(record)] = content_hash(content())
            self.kept.append(record)
        return self.hashes[id(record)]


@dataclass
class Drawing:
    """A plan on the way. `parts` says by their hashes which trains are done in batches; the page also shows the spec's text
    `spec`, its sweeps, whose points' stages have the hashes `swept`, and the verdicts with other seeds, whose stages have the
    hashes `seeded`."""

    experiment: Experiment
    memory: Memory = field(default_factory=Memory)
    parts: Mapping[str, Part] = field(default_factory=dict)
    spec: str | None = None
    swept: Mapping[str, Any] = field(default_factory=dict)
    seeded: Mapping[int, Any] = field(default_factory=dict)
    stages: dict[str, Stage] = field(default_factory=dict)

    def add(
        self,
        stage_id: StageId,
        needs: Iterable[StageId],
        content: Any,
        roots: tuple[str, ...],
        beside: tuple[str, ...] = (),
    ) -> None:
        """A stage after those that it needs, whose numbers are made of `content` by the source code of the modules `roots`
        and the files `beside` them."""
        stage = Stage(stage_id, tuple(dict.fromkeys(needs)), "")
        read = [self.stages[need].hash for need in stage.reads]
        digest = identity(stage_id.kind, content, source_hash(roots, beside), needs=read)
        part = self.parts.get(digest)
        self.stages[stage_id] = replace(stage, hash=digest) if part is None else replace(stage, hash=part.hash, part=part)

    def resolve(self, sort: str, name: str) -> str | None:
        """What a reference is replaced by: the hash of what it names."""
        experiment = self.experiment
        if sort == "process" and name in experiment.processes:
            table = experiment.processes[name]
            return self.memory.hash_of(table, partial(process_content, table))
        if sort == "model" and name in experiment.models:
            model = experiment.models[name]
            return self.memory.hash_of(model, partial(plain_record, model))
        stage = self.stages.get(StageId.of(sort, name)) if sort in stage_kinds() else None
        return stage.hash if stage is not None else None


def identity(kind: StageKind, content: Any, source: str, **more: Any) -> str:
    """The hash of a stage."""
    about = {"format": FORMAT, "kind": kind.name, "content": content, "source": source}
    return content_hash({**about, "versions": dict(versions(kind.packages, kind.makes in NUMBERS)), **more})


def plain_record(record: Record) -> dict[str, Any]:
    """A record as plain data."""
    plain: dict[str, Any] = record.model_dump(mode="json")
    return plain


@dataclass(frozen=True)
class Task:
    """A stage as plain data: all that is needed to make it, here or in another process, beside the entries of what it needs.

    `experiment` holds the records that the stage reads and no others, `hashes` the hash of each stage that it reads by its id,
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
        return Key(self.stage.hash, self.stage.kind.name, self.stage.name, self.experiment.name)

    def processes(self) -> Mapping[str, Process]:
        """The processes by name, from their tables where they are not at hand."""
        tables = self.experiment.processes
        return {name: self.known[name] if name in self.known else table.process() for name, table in tables.items()}

    def as_json(self) -> dict[str, Any]:
        """Plain data, for another process."""
        stage, part = self.stage, self.stage.part
        return {
            "stage": {"id": stage.id.as_json(), "needs": [need.as_json() for need in stage.needs], "hash": stage.hash},
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
        stage, part = plain["stage"], plain["part"]
        needs = tuple(StageId.of(*need) for need in stage["needs"])
        return Task(
            Stage(StageId.of(*stage["id"]), needs, stage["hash"], part and Part(str(part[0]), int(part[1]))),
            Experiment.model_validate(plain["experiment"], context={"analyses": kinds()}),
            tuple(plain["needs"]),
            dict(plain["hashes"]),
            int(plain["threads"]),
            str(plain["device"]),
        )


def tasks_of(
    plan: Plan, experiment: Experiment, processes: Mapping[str, Process], makes: Collection[Makes] = COMPUTED
) -> tuple[Task, ...]:
    """The tasks of a plan that make such things, in its order. Tasks of many plans may be run together: equal hashes are one
    stage."""
    return tuple(_task(stage, plan, experiment, processes) for stage in plan.stages if stage.kind.makes in makes)


def _task(stage: Stage, plan: Plan, experiment: Experiment, processes: Mapping[str, Process]) -> Task:
    read = closure(plan, stage.id)
    ids = {each.id for each in (*read, stage)}
    rooms = {
        kind.room: {name: record for name, record in getattr(experiment, kind.room).items() if StageId(kind, name) in ids}
        for kind in stage_kinds().values()
        if kind.room
    }
    models = {model for train in rooms["trains"].values() for model in train.models()}
    trimmed = experiment.model_copy(
        update={
            "about": type(experiment.about)(),
            "params": {},
            "expect": (),
            "models": {name: model for name, model in experiment.models.items() if name in models},
            **rooms,
        }
    )
    by_id: dict[str, str] = {each.id: each.hash for each in read}
    direct = [by_id[need] for need in stage.reads]
    if stage.part is not None:
        direct.append(stage.part.batch)
    threads = max((train.threads for train in rooms["trains"].values()), default=1)
    known = {name: processes[name] for name in trimmed.processes if name in processes}
    return Task(stage, trimmed, tuple(direct), by_id, threads, stage.kind.device(trimmed, stage.name), known)


def closure(plan: Plan, stage_id: str) -> tuple[Stage, ...]:
    """The stages that a stage needs, directly or through others, in the plan's order."""
    of = {stage.id: stage for stage in plan.stages}
    waiting, found = list(plan.stage(stage_id).needs), set[str]()
    while waiting:
        need = waiting.pop()
        if need not in found:
            found.add(need)
            waiting += of[need].needs
    return tuple(stage for stage in plan.stages if stage.id in found)


@dataclass(frozen=True)
class Estimate:
    """Seconds of wall-clock time, peak bytes of memory, and bytes that stay on the disk."""

    seconds: float
    bytes: int
    disk: int = 0


LIBRARIES = 350 * 2**20
"""Bytes that loading torch and numpy takes."""

STAGE_SECONDS, FIGURE_SECONDS = 0.1, 0.7
"""What a stage takes at least, and one picture."""


class Progress:
    """Told of each stage as it begins and ends, of training as it goes, and how many `points` of what are done. This one says
    nothing."""

    def begin(self, plan: Plan) -> None: ...
    def start(self, stage: Stage) -> None: ...
    def step(self, stage: Stage, step: int, steps: int, loss: float, gap: float | None) -> None: ...
    def finish(self, stage: Stage, seconds: float, cached: bool = False) -> None: ...
    def points(self, of: str, done: int, points: int, failed: int, left: float | None) -> None: ...
    def close(self) -> None: ...


@dataclass(frozen=True)
class RunContext:
    """What a run and all of its stages are made with: what was read already, who is told, and what was asked for."""

    cache: Cache
    progress: Progress
    log: RunLog
    asked: Asked = field(default_factory=Asked)

    @property
    def store(self) -> Store:
        return self.cache.store


@dataclass
class Found:
    """What stages found. `results` is nested as results.json, `facts` says by analysis how it was computed, `portraits` what each
    process is, `trainings` what became of each training run."""

    results: dict[str, Any] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    portraits: dict[str, Any] = field(default_factory=dict)
    trainings: dict[str, TrainingResult] = field(default_factory=dict)


class StageKind:
    """All that a kind of stage is. Attributes that a kind leaves out, and methods, do nothing.

    name      as the store lists it
    label     what its stages are called before their own name; its name if empty
    order     kinds are planned in this order: a stage may need those of kinds before its own
    packages  libraries whose versions can change what it makes
    room      the experiment's field that has a record for each of its stages, by name
    trains    whether its stages train, and leave resume points
    """

    name: ClassVar[str]
    label: ClassVar[str] = ""
    makes: ClassVar[Makes] = "measurements"
    order: ClassVar[int]
    packages: ClassVar[tuple[str, ...]]
    room: ClassVar[str] = ""
    trains: ClassVar[bool] = False

    def plan(self, drawing: Drawing) -> None:
        """Add its stages, after those that they need."""

    def pictured(self, experiment: Experiment, name: str) -> tuple[dict[str, Any], tuple[str, ...]] | None:
        """What the pictures of one of its stages are made of, and by which modules; None if there are none."""
        return None

    def device(self, experiment: Experiment, name: str) -> str:
        """On which device a stage is made."""
        return "cpu"

    def estimate(self, task: Task) -> Estimate:
        """What making a stage takes, but for the disk."""
        return Estimate(STAGE_SECONDS, LIBRARIES)

    def disk(self, task: Task) -> int:
        """Bytes that a stage leaves on the disk, where that is more than a little."""
        return 0

    def pictures_estimate(self, task: Task, name: str) -> Estimate:
        """What the pictures of one of its stages take."""
        return Estimate(FIGURE_SECONDS, LIBRARIES // 2)

    def make(self, task: Task, folder: Path, context: RunContext) -> Any:
        """Leave a stage's files in `folder`; returns its result as plain data."""
        raise ValueError(f"{task.stage.id} is made by the run itself")

    def load(self, task: Task, name: str, entry: Entry) -> Any:
        """What an entry holds, as the stages after it read it."""
        raise ValueError(f"nothing reads a {self.name}")

    def shown(self, task: Task, name: str, cache: Cache) -> dict[str, Any]:
        """What its pictures show of a stage: fields of a `Finished` run."""
        return {}

    def collect(self, found: Found, task: Task, entry: Entry) -> None:
        """Put what a stage found under its name."""

    def publish(self, name: str, made: Path, folder: Path) -> None:
        """Put a stage's files, which lie in `made`, into the run folder."""


@cache
def stage_kinds() -> Mapping[str, StageKind]:
    """Every kind by its name, in the order in which they are planned."""
    names = [module.name for module in pkgutil.iter_modules(stages.__path__)]
    found: list[StageKind] = [importlib.import_module(f"{stages.__name__}.{name}").KIND for name in names]
    return {kind.name: kind for kind in sorted(found, key=lambda kind: (kind.order, kind.name))}


class Cache:
    """What stages before made, as stages after read it: entries by hash, each verified once, and what was last loaded of them."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._entries: dict[str, Entry] = {}
        self._loaded: dict[str, OrderedDict[str, Any]] = {}

    def entry(self, digest: str) -> Entry:
        """The entry of a stage that has been made. Raises RunError if it is there no more."""
        if digest not in self._entries:
            found = self.store.find(digest)
            if found is None:
                raise RunError(
                    f"the store's entry {digest[:10]} is gone", "run the same command again: it computes what is missing"
                )
            self._entries[digest] = found
        return self._entries[digest]

    def first_made(self) -> float | None:
        """When the making of the first training run or analysis that was asked for began, in seconds since 1970; of the first
        description of a process where there is neither."""
        for makes in reversed(NUMBERS):
            began = [each.made - each.seconds for each in self._entries.values() if stage_kinds()[each.kind].makes == makes]
            if began:
                return min(began)
        return None

    def put(self, entry: Entry) -> None:
        """Keep an entry that has just been verified or made."""
        self._entries[entry.hash] = entry

    def loaded(self, task: Task, kind: str, name: str) -> Any:
        """What a stage that `task` reads, or is, found."""
        stage_id = StageId.of(kind, name)
        digest = task.hashes.get(stage_id, task.hash)
        kept = self._loaded.setdefault(kind, OrderedDict())
        return kept[digest] if digest in kept else self.keep(kind, digest, stage_id.kind.load(task, name, self.entry(digest)))

    def keep(self, kind: str, digest: str, value: Any) -> Any:
        """Keep what a stage has loaded, or would load if it has just been made."""
        kept = self._loaded.setdefault(kind, OrderedDict())
        kept[digest] = value
        if len(kept) > KEPT:
            kept.popitem(last=False)
        return value

    def trained(self, task: Task, name: str) -> Trained:
        """The training run `name` of a task."""
        kept: Trained = self.loaded(task, "train", name)
        process = task.processes()[task.experiment.trains[name].process]  # equal but for its name, which captions show
        folder = self.entry(task.hashes.get(StageId.of("train", name), task.hash)).folder
        return replace(kept, name=name, process=process, folder=folder)

    def outcome(self, task: Task, name: str) -> Outcome:
        """The outcome of the analysis `name` of a task."""
        kept: Outcome = self.loaded(task, "analysis", name)
        return kept

    def inputs(self, task: Task, name: str) -> Inputs:
        """What the analysis `name` may read: its needs, and nothing that its hash does not cover."""
        experiment = task.experiment
        return Inputs(
            name,
            OnDemand(tuple(experiment.trains), lambda train: self.trained(task, train)),
            experiment.analyses,
            OnDemand(tuple(experiment.analyses), lambda analysis: self.outcome(task, analysis)),
            task.processes(),
            OnDemand(tuple(experiment.processes), lambda process: self._portrait(task, process)),
        )

    def _portrait(self, task: Task, name: str) -> dict[str, Any]:
        """What the stage of a process has found: the same as would be found again. Raises KeyError if it was not made before."""
        stage_id = StageId.of("process", name)
        entry = self.store.find(task.hashes[stage_id])
        if entry is None:
            raise KeyError(name)
        found: dict[str, Any] = stage_id.kind.load(task, name, entry)
        return found


class OnDemand(Mapping[str, T], Generic[T]):
    """A mapping whose values are loaded when they are asked for."""

    def __init__(self, names: tuple[str, ...], load: Callable[[str], T]) -> None:
        self._names, self._load = names, load

    def __getitem__(self, name: str) -> T:
        if name not in self._names:
            raise KeyError(name)
        return self._load(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
