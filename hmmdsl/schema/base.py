"""What every record of a spec has in common: frozen, closed to unknown fields, its fields described."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


class Record(BaseModel):
    """Base of all records. Each field has a description: it is the reference, the help and the hint in messages."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True)

    called: ClassVar[str | None] = None
    """The field that a tagged record's only argument is, where it may be written as a call: `future(3)` is `future { k = 3 }`."""


@dataclass(frozen=True)
class Reference:
    """Marks a field that names a declaration: `to` is its keyword."""

    to: Literal["process", "model", "train", "analysis", "result"]


@dataclass(frozen=True)
class DottedName:
    """Marks a field that takes a word or a path of words, such as `within.A`; `examples` show which."""

    examples: tuple[str, ...]


ProcessName = Annotated[str, Reference("process")]
ModelName = Annotated[str, Reference("model")]
TrainName = Annotated[str, Reference("train")]
AnalysisName = Annotated[str, Reference("analysis")]
ResultName = Annotated[str, Reference("result")]
"""A path to one group of results, such as `beliefs.concat`."""


@dataclass(frozen=True)
class Problem:
    """What is wrong with a validated record in its surroundings. `path` leads from the record to the field."""

    path: tuple[str | int, ...]
    code: str
    message: str
    label: str = ""
    help: str = ""


class Exact(Record):
    """All histories, enumerated: no sampling error."""

    kind: Literal["exact"] = "exact"


class SampledHistories(Record):
    """The histories of drawn words, weighted by how often they were drawn."""

    kind: Literal["sampled"] = "sampled"
    words: int = Field(10_000, ge=1, le=10_000_000, description="number of words of full length drawn")


class AutoHistories(Record):
    """Exact up to 200,000 histories, else sampled (10,000 words)."""

    kind: Literal["auto"] = "auto"


Histories = Annotated[Exact | SampledHistories | AutoHistories, Field(discriminator="kind")]

ReadHistories = Annotated[Histories, Field(description="the histories that are read")]
"""The field `histories` of an analysis."""

OtherProcess = Annotated[
    ProcessName | None, Field(description="another process to read histories of, with the same tokens in the same order")
]
"""The field `on` of an analysis: None for the process that its network was trained on."""

AUTO_HISTORY_LIMIT = 200_000
"""`histories = auto` enumerates up to this many nodes."""

Weights = Literal["probability", "uniform", "words", "beliefs"]
"""How much a history counts: by its probability, once, once for each word of full length that extends it, or so that each
distinct belief counts once, shared equally by the histories that lead to it."""


def _as_record(value: Any) -> Any:
    return {"kind": value} if isinstance(value, str) else value


from_word = BeforeValidator(_as_record)
"""Marks a field of tagged records that may be given as a word."""
