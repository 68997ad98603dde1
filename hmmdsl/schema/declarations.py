"""Which records a spec may declare: keyword → schema, as data. A new sort of record is a new line here and no new grammar."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hmmdsl.schema.analysis import AnalysisKinds
from hmmdsl.schema.base import Record
from hmmdsl.schema.experiment import About
from hmmdsl.schema.model import MODELS
from hmmdsl.schema.replication import Replicate
from hmmdsl.schema.train import Train


@dataclass(frozen=True)
class RecordSort:
    """One keyword: `experiment { … }` has no name, `train NAME { … }` one schema (by the empty word),
    `model NAME: KIND { … }` one for each kind."""

    word: str
    schemas: Mapping[str, type[Record]]
    named: bool = True

    @property
    def kinds(self) -> tuple[str, ...]:
        """The words after the colon; none where the sort has one schema only."""
        return tuple(word for word in self.schemas if word)

    @property
    def example(self) -> str:
        """How such a declaration begins."""
        kind = f": {self.kinds[0]}" if self.kinds else ""
        return f"{self.word}{' NAME' if self.named else ''}{kind} {{ … }}"


def record_sorts(kinds: AnalysisKinds) -> Mapping[str, RecordSort]:
    """All sorts of records by their keywords, given the kinds of analysis there are."""
    sorts = (
        RecordSort("experiment", {"": About}, named=False),
        RecordSort("replicate", {"": Replicate}, named=False),
        RecordSort("model", dict(MODELS)),
        RecordSort("train", {"": Train}),
        RecordSort("analysis", dict(kinds)),
    )
    return {sort.word: sort for sort in sorts}
