"""Replication: the experiment again with other seeds, and what each claim came to with each of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field, computed_field, model_validator
from pydantic_core import PydanticCustomError

from hmmdsl.schema.base import Record
from hmmdsl.schema.confidence import interval

SEED = "seed"
"""The axis that the seeds of a replication are."""

SEEDS = 2**63
"""Seeds are below this."""

MOST_SEEDS = 100_000
"""Most seeds of one `replicate`, however many points are allowed."""


class Replicate(Record):
    """The whole experiment once for each seed, its claims judged with each: seed k is added to the seed of every train, so that 0
    is the experiment as it is written. Sweeps that have an axis of seeds are run once, as declared."""

    seeds: tuple[Annotated[int, Field(ge=0, lt=SEEDS)], ...] = Field(
        max_length=MOST_SEEDS, description="what is added to the seed of every train, such as `0..8`"
    )

    @model_validator(mode="after")
    def _different(self) -> Replicate:
        if not self.seeds:
            raise PydanticCustomError("seeds", "one seed is the least", {"field": "seeds", "help": "write `seeds = 0..8`"})
        counts = Counter(self.seeds)
        twice = next((seed for seed in self.seeds if counts[seed] > 1), None)
        if twice is not None:
            cure = "a seed counts once: leave one out"
            raise PydanticCustomError("seeds", f"the seed {twice} is given twice", {"field": "seeds", "help": cure})
        return self


class OverSeeds(Record):
    """A number with each seed, in their order (None where it has no value), and over those that have one the mean, the sample's
    standard deviation, and the ends of Student's interval of the mean at 95 %."""

    values: tuple[float | None, ...]
    mean: float | None
    sd: float | None
    lower: float | None
    upper: float | None

    @staticmethod
    def of(values: Sequence[float | None]) -> OverSeeds:
        """What the values come to."""
        known = [value for value in values if value is not None]
        if not known:
            return OverSeeds(values=tuple(values), mean=None, sd=None, lower=None, upper=None)
        found = interval(known)
        return OverSeeds(values=tuple(values), mean=found.mean, sd=found.sd, lower=found.lower, upper=found.upper)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def spreads(self) -> float | None:
        """The mean in units of the standard deviation; None where there is none, or it is 0."""
        return self.mean / self.sd if self.mean is not None and self.sd else None

    @model_validator(mode="before")
    @classmethod
    def _read_back(cls, given: Any) -> Any:
        """What follows from the rest is written, and not read."""
        return {key: value for key, value in given.items() if key != "spreads"} if isinstance(given, dict) else given


class Replicated(Record):
    """What a claim came to with each seed. It holds as often as stated if it does with at least `required` of them."""

    seeds: tuple[int, ...] = Field(description="what was added to the seed of every train")
    holds: tuple[bool, ...] = Field(description="whether it held, by seed")
    required: int = Field(description="with how many it must hold")
    margin: OverSeeds | None = Field(None, description="how far from its bound, above 0 where it holds")
    numbers: dict[str, OverSeeds] = Field(
        default_factory=dict, description="each single number that it compares, by its term, or reads, by its path"
    )

    @computed_field  # type: ignore[prop-decorator]
    @property
    def held(self) -> int:
        """With how many seeds it held."""
        return sum(self.holds)

    @model_validator(mode="before")
    @classmethod
    def _read_back(cls, given: Any) -> Any:
        """What follows from the rest is written, and not read."""
        return {key: value for key, value in given.items() if key != "held"} if isinstance(given, dict) else given

    @property
    def enough(self) -> bool:
        """Whether it held as often as stated."""
        return self.held >= self.required
