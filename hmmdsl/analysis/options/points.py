"""The points of the residual stream that an analysis reads, as a spec names them and as results do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, Field

from hmmdsl.spec.base import Record
from hmmdsl.spec.model import Transformer


class EmbeddingPoint(Record):
    """The sum of token and position embeddings, before the first block."""

    kind: Literal["embedding"] = "embedding"


class BlocksPoint(Record):
    """The residual stream after each block: one point for every block, `block[0]`, `block[1]`, …"""

    kind: Literal["blocks"] = "blocks"


class BlockPoint(Record):
    """The residual stream after one block. In a list its results are called `block_3` for `block { index = 3 }`."""

    kind: Literal["block"] = "block"
    index: int = Field(ge=0, description="which block, counted from 0")


class FinalNormPoint(Record):
    """The residual stream after the final norm, which the unembedding reads."""

    kind: Literal["final_norm"] = "final_norm"


def _from_word(value: Any) -> Any:
    """In YAML a point without options may be its word alone."""
    return {"kind": value} if isinstance(value, str) else value


OnePoint = Annotated[
    Annotated[EmbeddingPoint | BlocksPoint | BlockPoint | FinalNormPoint, Field(discriminator="kind")],
    BeforeValidator(_from_word),
]


class ConcatPoint(Record):
    """Several points side by side, as one wide feature vector."""

    kind: Literal["concat"] = "concat"
    of: tuple[OnePoint, ...] = Field(
        (EmbeddingPoint(), BlocksPoint(), FinalNormPoint()),
        min_length=1,
        description="the points that are joined; the embedding, all blocks and the final norm if not given",
    )


Point = Annotated[
    Annotated[EmbeddingPoint | BlocksPoint | BlockPoint | FinalNormPoint | ConcatPoint, Field(discriminator="kind")],
    BeforeValidator(_from_word),
]

AnyPoint: TypeAlias = EmbeddingPoint | BlocksPoint | BlockPoint | FinalNormPoint | ConcatPoint


@dataclass(frozen=True)
class Place:
    """One point as results name it, and the activations it is made of.

    `name` is `embedding`, `block[2]`, `final_norm`, `concat` or `block_2`; `parts` are names of the network's points.
    """

    name: str
    parts: tuple[str, ...]
    width: int


def places(at: AnyPoint | Sequence[AnyPoint], model: Transformer) -> list[Place]:
    """The places in a network, in the order of the spec; blocks that the network lacks are left out."""
    found = []
    for point in (at,) if isinstance(at, Record) else at:
        for name, parts in _named_parts(point, model):
            known = tuple(part for part in parts if part in model.points())
            if known:
                found.append(Place(name, known, sum(model.points()[part] for part in known)))
    return found


def has_segment(at: AnyPoint | Sequence[AnyPoint]) -> bool:
    """Whether results have a segment for the point: where several are asked for, as a list or as `blocks`."""
    return not isinstance(at, Record) or isinstance(at, BlocksPoint)


def missing_block(point: AnyPoint, model: Transformer) -> int | None:
    """The index of a block that the point names and the network does not have."""
    for one in point.of if isinstance(point, ConcatPoint) else (point,):
        if isinstance(one, BlockPoint) and one.index >= model.layers:
            return one.index
    return None


def _named_parts(point: AnyPoint, model: Transformer) -> Iterator[tuple[str, tuple[str, ...]]]:
    match point:
        case BlocksPoint():
            for i in range(model.layers):
                yield f"block[{i}]", (f"block[{i}]",)
        case BlockPoint(index=index):
            yield f"block_{index}", (f"block[{index}]",)
        case ConcatPoint(of=of):
            yield "concat", tuple(part for one in of for _, parts in _named_parts(one, model) for part in parts)
        case _:
            yield point.kind, (point.kind,)


def nested(by_place: dict[str, Any]) -> dict[str, Any]:
    """Results by place, with `block[0]`, `block[1]`, … gathered into one list `block`, as `by_point` does for schemas."""
    gathered: dict[str, Any] = {}
    for name, value in by_place.items():
        base, bracket, _ = name.partition("[")
        if bracket:
            gathered.setdefault(base, []).append(value)
        else:
            gathered[name] = value
    return gathered
