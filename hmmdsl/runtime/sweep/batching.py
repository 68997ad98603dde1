"""Which training runs of a sweep are trained as one batch, and why.

Runs can share a batch if they differ only in seed, learning rate or process, and their processes have the same words. Whether
that pays is a matter of estimates alone: of what the spec says, of the device, and of how many cores there are. What the store
holds and how many workers were asked for don't enter, so the same spec on the same machine is always decided the same.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from hmmdsl.runtime.asked import Fusion
from hmmdsl.runtime.engines.choice import START, WORTH
from hmmdsl.runtime.estimate import LOADING, training
from hmmdsl.runtime.identity.contents import content_hash, process_content
from hmmdsl.runtime.progress import duration
from hmmdsl.runtime.stage import LIBRARIES, Part, Task
from hmmdsl.runtime.stages.batch import batch_task
from hmmdsl.schema.objectives import Adversarial

if TYPE_CHECKING:
    from hmmdsl.process.process import Process

PAYS = 1.5
"""How many times quicker a batch must be estimated on a CPU than runs side by side: estimates are rough."""

MOST_BYTES: Mapping[str, int] = {"cpu": 2**31, "cuda": 2**34, "mps": 2**31}
"""Estimated memory of one batch, by device."""

MOST_RUNS: Mapping[str, int] = {"cpu": 64, "cuda": 256, "mps": 64}
"""Runs of one batch, by device."""


@dataclass(frozen=True)
class Batch:
    """Training runs to be done as one: the task that trains them, and their tasks as they would be alone, in its order."""

    task: Task
    alone: tuple[Task, ...]

    def parts(self) -> dict[str, Part]:
        """By the hash of each run alone, its place here."""
        return {run.hash: Part(self.task.hash, place) for place, run in enumerate(self.alone)}


@dataclass(frozen=True)
class Decision:
    """Runs that can share a batch, the batches that they are put into (none: they are trained one by one), and why."""

    name: str
    runs: int
    batches: tuple[Batch, ...]
    why: str

    def line(self) -> str:
        """`fit: 15 runs differ only in seed, learning rate or process; fused in 1 batch: about 4.0 s, one by one 42 s`."""
        count = len(self.batches)
        chosen = f"fused in {count} batch{'es' if count > 1 else ''}" if count else "not fused"
        return f"{self.name}: {self.runs:,} runs differ only in seed, learning rate or process; {chosen}: {self.why}"

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {"name": self.name, "runs": self.runs, "batches": [len(each.alone) for each in self.batches], "why": self.why}


def decide(trains: Iterable[Task], fusion: Fusion) -> tuple[Decision, ...]:
    """What becomes of those training runs that can share a batch with another, each hash counted once."""
    alike: dict[Hashable, dict[str, Task]] = {}
    known: set[str] = set()
    for task in trains:
        if task.hash not in known:
            known.add(task.hash)
            like = _likeness(task)
            if like is not None:
                alike.setdefault(like, {})[task.hash] = task
    return tuple(_decision(list(runs.values()), fusion) for runs in alike.values() if len(runs) > 1)


def _decision(runs: Sequence[Task], fusion: Fusion) -> Decision:
    first = runs[0]
    name, device = first.stage.name, first.device
    if fusion.fuse == "never":
        return Decision(name, len(runs), (), "as asked for")
    width = max(1, fusion.cores // first.threads) if device == "cpu" else 1
    most = max(2, min(MOST_RUNS[device], MOST_BYTES[device] // max(1, training(first, name).bytes - LIBRARIES)))
    fewest = -(-len(runs) // most)
    counts = {fewest, min(max(fewest, width), len(runs) // 2)}
    fused, count = min((_wall(_cut(runs, count), width), count) for count in counts)
    alone = min(_wall([[run] for run in runs], workers) for workers in {1, width})
    told = f"about {duration(fused)}, one by one {duration(alone)}" + (f" on {width} cores" if width > 1 else "")
    if fusion.fuse == "auto" and device == "mps":
        return Decision(name, len(runs), (), "never on mps unless asked for")
    if fusion.fuse == "auto" and device == "cpu" and (alone < PAYS * fused or alone - fused < WORTH):
        return Decision(name, len(runs), (), told)
    return Decision(name, len(runs), tuple(Batch(batch_task(each), tuple(each)) for each in _cut(runs, count)), told)


def _wall(groups: Sequence[Sequence[Task]], width: int) -> float:
    """Seconds that the groups take, so many side by side, each worker beyond the first having to begin."""
    seconds = [training(group[0], group[0].stage.name, len(group)).seconds - LOADING for group in groups]
    workers = min(width, len(groups))
    return max(sum(seconds) / workers, max(seconds)) + START * (workers > 1)


def _cut(runs: Sequence[Task], count: int) -> list[list[Task]]:
    """So many groups of about equal size; in order of learning rate, since equal rates are stepped together."""
    ordered = sorted(runs, key=lambda run: run.experiment.trains[run.stage.name].optimizer.lr)
    bounds = [len(ordered) * k // count for k in range(count + 1)]
    return [ordered[start:end] for start, end in pairwise(bounds)]


def _likeness(task: Task) -> Hashable:
    """What runs of one batch have in common; None for one that shares none: it starts from another's weights, or trains against
    a discriminator."""
    train = task.experiment.trains[task.stage.name]
    if train.start_from is not None or isinstance(train.objective, Adversarial):
        return None
    plain = train.model_dump(mode="json", exclude={"process", "model", "seed"})
    plain["optimizer"].pop("lr")
    model = task.experiment.models[train.model].model_dump(mode="json")
    process = task.experiment.processes[train.process]
    words = _words(task.processes()[train.process])
    return content_hash([plain, model, task.device]), words if words is not None else content_hash(process_content(process))


def _words(process: Process) -> Hashable:
    """What decides which words have a probability: which entries are not zero. None where that is not enough, since entries may
    cancel, or are floats, of which the smallest products are dropped."""
    if process.generalized or not process.exact:
        return None
    if process.factored:
        return tuple(_words(factor) for factor in process.factors)
    entries = tuple(tuple(sorted(place for place, value in of.items() if value)) for of in process.operators)
    return entries, tuple(state for state, weight in enumerate(process.start) if weight), len(process.states)
