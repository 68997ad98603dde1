"""What every analysis is to a spec: validated options, and a schema of results.

The kinds live in `hmmdsl/analysis/`, a folder each; this is the face that the language knows them by.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from hmmdsl.process.counting import count_histories
from hmmdsl.schema.base import AUTO_HISTORY_LIMIT, Exact, Problem, Record, SampledHistories
from hmmdsl.schema.results import Group

if TYPE_CHECKING:
    from hmmdsl.process.process import Process
    from hmmdsl.schema.models.base import Model
    from hmmdsl.schema.train import Train


@dataclass(frozen=True)
class Surroundings:
    """What an analysis may refer to, as far as it is declared and valid. `analyses` has those declared before it."""

    processes: Mapping[str, Process]
    models: Mapping[str, Model]
    trains: Mapping[str, Train]
    analyses: Mapping[str, Analysis]

    def model_of(self, train: str) -> Model:
        """The network of a training run."""
        return self.models[self.trains[train].model]

    def trains_behind(self, name: str) -> frozenset[str]:
        """The training runs that determine the results of a train or an analysis: a run may start from another's weights."""
        found: set[str] = set()
        waiting = [name]
        while waiting:
            each = waiting.pop()
            if each in self.analyses:
                waiting.extend(self.analyses[each].needs())
            elif each in self.trains and each not in found:
                found.add(each)
                start = self.trains[each].start_from
                waiting.extend([start] if start is not None else [])
        return frozenset(found)

    def draws(self, name: str) -> bool:
        """Whether the histories that a train or an analysis reads are drawn by its training run's seed, and not enumerated."""
        record = self.trains.get(name) or self.analyses.get(name)
        histories = getattr(record, "histories", None)
        if record is None or histories is None or isinstance(histories, Exact):
            return False
        if isinstance(histories, SampledHistories):
            return True
        train = name if name in self.trains else getattr(record, "of", None)
        if not isinstance(train, str) or train not in self.trains:
            return True
        model = self.model_of(train)
        process = self.process_of(train, getattr(record, "on", None))
        return count_histories(process, model.context, model.bos).total > AUTO_HISTORY_LIMIT

    def process_of(self, train: str, on: str | None = None) -> Process:
        """The process whose histories are read: that of the training run, or the one called `on` in its place."""
        return self.processes[self.trains[train].process if on is None else on]


class Analysis(Record):
    """Base of all kinds of analysis. A subclass gives `kind` as a literal field and `word`, the same, as a class variable."""

    word: ClassVar[str]
    """The kind's word in `analysis NAME: KIND { … }`."""

    kind: str

    @abstractmethod
    def needs(self) -> Sequence[str]:
        """Names of the training runs and analyses that must come first."""

    @abstractmethod
    def results(self, around: Surroundings) -> Group:
        """The results there will be."""

    def problems(self, around: Surroundings) -> list[Problem]:
        """What is wrong, or odd (codes that begin with W), in these surroundings. References are valid already."""
        return []


AnalysisKinds = Mapping[str, type[Analysis]]
"""The kinds there are, by their words."""


def kind_of(record: Mapping[str, Any], kinds: AnalysisKinds) -> type[Analysis]:
    """The class for a plain record with a `kind`. Raises ValueError with the known kinds."""
    word = record.get("kind")
    if not isinstance(word, str) or word not in kinds:
        raise ValueError(f"no analysis of kind {word!r}; there are {', '.join(sorted(kinds))}")
    return kinds[word]
