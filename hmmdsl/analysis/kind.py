"""What every kind of analysis is: a folder here, with its options and results, its computation and its figures.

`<kind>/record.py` has the record, `<kind>/compute.py` a function `compute(analysis, inputs)`, and `<kind>/figures.py`, which may
be left out, `figures(analysis, outcome, inputs)` and `caption(analysis, figure, outcome)`. The record imports neither of them:
they are found by the folder's name when they are needed, so that a spec is checked without a heavy library.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from hmmdsl.analysis.outcome import Inputs, Outcome
from hmmdsl.analysis.reading.points import FinalNormPoint, Place, Point, places
from hmmdsl.analysis.reading.problems import missing_points, repeated, repeated_points, same_vocabulary
from hmmdsl.analysis.work import Reads
from hmmdsl.schema.analysis import Analysis, Surroundings
from hmmdsl.schema.base import Problem, TrainName
from hmmdsl.schema.results import Group

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Kind(Analysis):
    """An analysis with what runs it: the files beside its record."""

    def compute(self, inputs: Inputs) -> Outcome:
        """The results, in the shape of `results`."""
        return self._computed(inputs)

    def figures(self, outcome: Outcome, inputs: Inputs) -> dict[str, Figure]:
        """Figures by a short name."""
        found: dict[str, Figure] = self._file("figures").figures(self, outcome, inputs) if self._draws() else {}
        return found

    def caption(self, figure: str, outcome: Outcome) -> str:
        """What that figure shows: over which histories, with which weights, in which units. Empty if the name says it all."""
        return str(self._file("figures").caption(self, figure, outcome)) if self._draws() else ""

    @abstractmethod
    def seconds(self, reads: Reads, around: Surroundings) -> float:
        """How long the computation takes on one thread, counted out from shapes."""

    @classmethod
    def folder(cls) -> str:
        """The package of the kind's files."""
        return cls.__module__.rpartition(".")[0]

    def _computed(self, inputs: Inputs, *step: int) -> Outcome:
        """What `compute` makes, at the last step or at a checkpoint's if it takes one."""
        found: Outcome = self._file("compute").compute(self, inputs, *step)
        return found

    def _file(self, name: str) -> ModuleType:
        return import_module(f"{self.folder()}.{name}")

    def _draws(self) -> bool:
        return find_spec(f"{self.folder()}.figures") is not None


class AlongCheckpoints(Kind):
    """An analysis of one training run that can read any checkpoint, so that `emergence` can repeat it.

    If a kind says nothing else, it is computed without its controls on the run as it was at the checkpoint: what the analysis
    calls the last checkpoint is that one.
    """

    headline: ClassVar[str] = ""
    """The end of the path of the results that are drawn along training, such as `held_out.bits`."""

    @abstractmethod
    def train_in(self, analyses: Mapping[str, Analysis]) -> str | None:
        """The training run that it reads, perhaps by way of other analyses; None where those lead nowhere, or to several."""

    def results_at_checkpoint(self, around: Surroundings) -> Group:
        """The results at one checkpoint: those of the analysis without its controls."""
        return self.alone().results(around)

    def compute_at_checkpoint(self, inputs: Inputs, step: int) -> Outcome:
        """The results at checkpoint `step`, in the shape of `results_at_checkpoint`."""
        train = self.train_in(inputs.analyses)
        assert train is not None
        return self.alone().compute(inputs.at_checkpoint(train, step))

    def alone(self) -> AlongCheckpoints:
        """The same without controls."""
        return self.model_copy(update={"controls": ()}) if "controls" in type(self).model_fields else self


class ReadsNetwork(AlongCheckpoints):
    """An analysis `of` one training run's network."""

    of: TrainName = Field(description="the training run whose network is read")

    def needs(self) -> Sequence[str]:
        return (self.of,)

    def train_in(self, analyses: Mapping[str, Analysis]) -> str | None:
        return self.of

    def problems(self, around: Surroundings) -> list[Problem]:
        """Controls that are named twice, and a process `on` which the network can't read."""
        controls = [getattr(control, "kind", control) for control in getattr(self, "controls", ())]
        return [*repeated("controls", controls), *same_vocabulary(self.of, getattr(self, "on", None), around)]


class ReadsPlaces(ReadsNetwork):
    """An analysis of what a network holds `at` some of its points."""

    at: Point | tuple[Point, ...] = Field(FinalNormPoint(), description="where in the network; a list gives one result for each")

    def places_in(self, around: Surroundings) -> list[Place]:
        """The places of the network that it reads."""
        return places(self.at, around.model_of(self.of))

    def problems(self, around: Surroundings) -> list[Problem]:
        """The same, and points that the network lacks or that are named twice."""
        return [*missing_points(self.of, self.at, around), *repeated_points(self.at), *super().problems(around)]
