"""What stages before made, as stages after read it: loaded from the store when it is first asked for, and kept for a while."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from hmmdsl.runtime.failures import RunError

if TYPE_CHECKING:
    from hmmdsl.analysis.outcome import Inputs, Outcome
    from hmmdsl.runtime.stages.task import Task
    from hmmdsl.runtime.store.entry import Entry
    from hmmdsl.runtime.store.store import Store
    from hmmdsl.training.trained import Trained

T = TypeVar("T")

KEPT = 16
"""Training runs and outcomes that are kept in memory."""


class Shelf:
    """Entries by hash, each verified once, and what was last loaded from them."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._entries: dict[str, Entry] = {}
        self._trained: OrderedDict[str, Trained] = OrderedDict()
        self._outcomes: OrderedDict[str, Outcome] = OrderedDict()

    def entry(self, hash: str) -> Entry:
        """The entry of a stage that has been made. Raises RunError if it is there no more."""
        if hash not in self._entries:
            found = self.store.find(hash)
            if found is None:
                raise RunError(
                    f"the store's entry {hash[:10]} is gone", "run the same command again: it computes what is missing"
                )
            self._entries[hash] = found
        return self._entries[hash]

    def knows(self, hash: str) -> bool:
        """Whether an entry was verified already."""
        return hash in self._entries

    def first_made(self) -> float | None:
        """When the making of the first training run or analysis that was asked for began, in seconds since 1970; of the first
        description of a process where there is neither."""
        for kinds in (("train", "batch", "analysis"), ("process",)):
            began = [entry.made - entry.seconds for entry in self._entries.values() if entry.kind in kinds]
            if began:
                return min(began)
        return None

    def put(self, entry: Entry) -> None:
        """Keep an entry that has just been verified or made."""
        self._entries[entry.hash] = entry

    def put_trained(self, hash: str, trained: Trained) -> None:
        """Keep a training run that has just been made, so that its history tree need not be built again."""
        _keep(self._trained, hash, trained)

    def trained(self, task: Task, name: str) -> Trained:
        """The training run `name` of a task."""
        from hmmdsl.runtime.stages.train import load

        hash = task.hashes.get(f"train {name}", task.hash)
        if hash not in self._trained:
            _keep(self._trained, hash, load(task, name, self.entry(hash)))
        process = task.processes()[task.experiment.trains[name].process]  # equal but for its name, which captions show
        return replace(self._trained[hash], name=name, process=process, folder=self.entry(hash).folder)

    def outcome(self, task: Task, name: str) -> Outcome:
        """The outcome of the analysis `name` of a task."""
        from hmmdsl.runtime.stages.analysis import load

        hash = task.hashes.get(f"analysis {name}", task.hash)
        if hash not in self._outcomes:
            _keep(self._outcomes, hash, load(self.entry(hash)))
        return self._outcomes[hash]

    def inputs(self, task: Task, name: str) -> Inputs:
        """What the analysis `name` may read: its needs, and nothing that its hash does not cover."""
        from hmmdsl.analysis.outcome import Inputs

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
        from hmmdsl.runtime.stages.process import load

        entry = self.store.find(task.hashes[f"process {name}"])
        if entry is None:
            raise KeyError(name)
        return load(entry, name)


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


def _keep(kept: OrderedDict[str, Any], hash: str, value: Any) -> None:
    kept[hash] = value
    kept.move_to_end(hash)
    while len(kept) > KEPT:
        kept.popitem(last=False)
