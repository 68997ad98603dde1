"""What an analysis must offer so that `emergence` can repeat it at every checkpoint."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from hmmdsl.spec.analysis import Analysis, Surroundings
from hmmdsl.spec.results import Group

if TYPE_CHECKING:
    from hmmdsl.analysis.outcome import Inputs, Outcome


class AlongCheckpoints(Analysis):
    """An analysis of one training run that can read any checkpoint.

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
        return self._alone().results(around)

    def compute_at_checkpoint(self, inputs: Inputs, step: int) -> Outcome:
        """The results at checkpoint `step`, in the shape of `results_at_checkpoint`."""
        train = self.train_in(inputs.analyses)
        assert train is not None
        return self._alone().compute(inputs.at_checkpoint(train, step))

    def _alone(self) -> AlongCheckpoints:
        """The same without controls."""
        return self.model_copy(update={"controls": ()}) if "controls" in type(self).model_fields else self
