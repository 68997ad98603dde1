"""What an analysis must offer so that `emergence` can repeat it at every checkpoint."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING

from hmmdsl.spec.analysis import Analysis, Surroundings
from hmmdsl.spec.results import Group

if TYPE_CHECKING:
    from hmmdsl.analysis.outcome import Inputs, Outcome


class AlongCheckpoints(Analysis):
    """An analysis of one training run that can read any checkpoint."""

    @abstractmethod
    def train_in(self, analyses: Mapping[str, Analysis]) -> str | None:
        """The training run that it reads, perhaps by way of other analyses; None where those lead nowhere."""

    @abstractmethod
    def results_at_checkpoint(self, around: Surroundings) -> Group:
        """The results at one checkpoint: those of the analysis without its controls."""

    @abstractmethod
    def compute_at_checkpoint(self, inputs: Inputs, step: int) -> Outcome:
        """The results at checkpoint `step`, in the shape of `results_at_checkpoint`. `inputs.name` is the analysis' own name, so
        that its random streams are the same at each checkpoint."""
