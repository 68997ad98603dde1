"""Controls: what a score is worth, shown by what the same procedure gives where there is nothing to find."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from hmmdsl.analysis.reading.held_out import By, ByHistory
from hmmdsl.schema.base import Record, from_word


class HeldOut(Record):
    """Cross-validation: each history is predicted by a fit that never saw it, nor any that is held out together with it. Each
    fold has as many short histories as any other; features are standardized and the ridge penalty is chosen inside the other
    folds. Scored for the analysis and for every other control."""

    kind: Literal["held_out"] = "held_out"
    folds: int = Field(10, ge=3, le=1000, description="number of folds over the distinct histories, or over what `by` says")
    by: By = ByHistory()
    repeats: int = Field(5, ge=1, le=1000, description="how often the folds are drawn; scores are means over the draws")
    by_position: bool = Field(False, description="also the scores among the held-out histories of each length")


class Untrained(Record):
    """The same network with its initial weights, at step 0."""

    kind: Literal["untrained"] = "untrained"


class Shuffled(Record):
    """The targets, permuted over histories; weights stay with the activations."""

    kind: Literal["shuffled"] = "shuffled"
    repeats: int = Field(100, ge=1, le=10_000, description="number of permutations")


class Noise(Record):
    """Gaussian random features, as many as the activations have."""

    kind: Literal["noise"] = "noise"
    repeats: int = Field(1, ge=1, le=1000, description="number of draws")


class Planted(Record):
    """A positive control: what the score would be if the geometry were there. A random linear image of the target, in as many
    features as the activations have, with Gaussian noise in each."""

    kind: Literal["planted"] = "planted"
    noise: float = Field(
        0.1, ge=0, le=1e6, description="standard deviation of the noise, for a standard deviation 1 of the target"
    )
    repeats: int = Field(1, ge=1, le=1000, description="number of draws")


class RandomSubspace(Record):
    """The same changes, of the same lengths and at the same angles to one another, along a random subspace of equal dimension."""

    kind: Literal["random"] = "random"
    repeats: int = Field(10, ge=1, le=10_000, description="number of subspaces")


Control = Annotated[Annotated[HeldOut | Untrained | Shuffled | Noise | Planted, Field(discriminator="kind")], from_word]

SteeringControl = Annotated[Annotated[RandomSubspace | Shuffled | Untrained, Field(discriminator="kind")], from_word]
"""Controls of an intervention. A shuffled probe is fitted to permuted beliefs, and its changes are scaled to the real lengths."""


def repeats_of(control: Record) -> int:
    """How often a control is repeated; results of more than one end in `.mean .sd .min .max`. Folds may be drawn often, and one
    score is the mean over the draws."""
    if isinstance(control, HeldOut):
        return 1
    repeats: int = getattr(control, "repeats", 1)
    return repeats
