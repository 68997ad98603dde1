"""`model NAME: ngram { … }`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from hmmdsl.schema.models.base import Model


class NGram(Model):
    """A table of next-token logits for every word of the last n - 1 tokens, or of fewer where the history is shorter: a baseline,
    trained like any network. Its best loss is that of a Markov chain of order n - 1. It has no points to analyse."""

    kind: Literal["ngram"] = "ngram"
    n: int = Field(2, ge=1, le=64, description="n - 1 tokens are read: 1 reads none, 2 the last one")
    initial_sd: float | None = Field(None, gt=0, le=10, description="standard deviation of the initial logits; 0 if not given")

    @model_validator(mode="after")
    def _fits(self) -> NGram:
        if self.n - 1 > self.context:
            raise PydanticCustomError(
                "window",
                "an n-gram of n = {n} reads {seen} tokens, and the context is {context}",
                {"n": self.n, "seen": self.n - 1, "context": self.context, "field": "n", "help": "choose n up to context + 1"},
            )
        return self

    @property
    def width(self) -> None:
        return None

    @property
    def summary(self) -> str:
        return f"a table of {self.n}-grams"

    def points(self) -> dict[str, int]:
        return {}

    def lengths(self) -> range:
        """The lengths of the words that have a row in the table."""
        return range(0 if self.bos or self.n == 1 else 1, self.n)

    def rows(self, vocabulary: int) -> int:
        """Rows of the table for so many tokens."""
        return sum(vocabulary**length for length in self.lengths())

    def parameters(self, vocabulary: int) -> int:
        return self.rows(vocabulary) * vocabulary

    def activation_floats(self) -> int:
        return 2 * self.n
