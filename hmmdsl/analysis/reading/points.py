"""The points of the residual stream that an analysis reads, as a spec names them and as results do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, Field

from hmmdsl.schema.base import Record
from hmmdsl.schema.models.base import Model


class EmbeddingPoint(Record):
    """The sum of token and position embeddings, or what else the first layer reads."""

    kind: Literal["embedding"] = "embedding"


class BlocksPoint(Record):
    """The residual stream after each block, or each layer's hidden state: one point for every block, `block[0]`, `block[1]`, …"""

    kind: Literal["blocks"] = "blocks"


class BlockPoint(Record):
    """The residual stream after one block, or one layer's hidden state. In a list its results are called `block_3` for
    `block { index = 3 }`."""

    kind: Literal["block"] = "block"
    index: int = Field(ge=0, description="which block, counted from 0")


class CellsPoint(Record):
    """What each layer of an lstm or ssm carries along besides what it shows: one point for every layer, `cell[0]`, …"""

    kind: Literal["cells"] = "cells"


class CellPoint(Record):
    """What one layer of an lstm or ssm carries along. In a list its results are called `cell_3` for `cell { index = 3 }`."""

    kind: Literal["cell"] = "cell"
    index: int = Field(ge=0, description="which layer, counted from 0")


class FinalNormPoint(Record):
    """The residual stream after the final norm, which the unembedding reads. Not every network has one."""

    kind: Literal["final_norm"] = "final_norm"


def _from_word(value: Any) -> Any:
    """In YAML a point without options may be its word alone."""
    return {"kind": value} if isinstance(value, str) else value


AnyOnePoint: TypeAlias = EmbeddingPoint | BlocksPoint | BlockPoint | CellsPoint | CellPoint | FinalNormPoint

OnePoint = Annotated[
    Annotated[AnyOnePoint, Field(discriminator="kind")],
    BeforeValidator(_from_word),
]


class ConcatPoint(Record):
    """Several points side by side, as one wide feature vector."""

    kind: Literal["concat"] = "concat"
    of: tuple[OnePoint, ...] = Field(
        (EmbeddingPoint(), BlocksPoint(), FinalNormPoint()),
        min_length=1,
        description="the points that are joined; the embedding, all blocks and the final norm if not given, as far as there are",
    )


Point = Annotated[
    Annotated[
        AnyOnePoint | ConcatPoint,
        Field(discriminator="kind"),
    ],
    BeforeValidator(_from_word),
]

AnyPoint: TypeAlias = AnyOnePoint | ConcatPoint

OneOfMany: TypeAlias = BlockPoint | CellPoint


@dataclass(frozen=True)
class Place:
    """One point as results name it, and the activations it is made of.

    `name` is `embedding`, `block[2]`, `final_norm`, `concat` or `block_2`; `parts` are names of the network's points.
    """

    name: str
    parts: tuple[str, ...]
    width: int


def places(at: AnyPoint | Sequence[AnyPoint], model: Model) -> list[Place]:
    """The places in a network, in the order of the spec; points that the network lacks are left out."""
    found = []
    for point in (at,) if isinstance(at, Record) else at:
        for name, parts in _named_parts(point, model):
            known = tuple(part for part in parts if part in model.points())
            if known:
                found.append(Place(name, known, sum(model.points()[part] for part in known)))
    return found


def has_segment(at: AnyPoint | Sequence[AnyPoint]) -> bool:
    """Whether results have a segment for the point: where several are asked for, as a list or as `blocks`."""
    return not isinstance(at, Record) or isinstance(at, BlocksPoint | CellsPoint)


def missing_index(point: AnyPoint, model: Model) -> OneOfMany | None:
    """A block or cell that the point names by an index beyond those that the network has; None if it has none at all."""
    for one in point.of if isinstance(point, ConcatPoint) else (point,):
        if isinstance(one, BlockPoint | CellPoint) and 0 < model.count(one.kind) <= one.index:
            return one
    return None


def missing_kind(point: AnyPoint, model: Model) -> str | None:
    """The word of a kind of point that the network has none of. A `concat` without a list of its own takes what there is."""
    whole = isinstance(point, ConcatPoint) and point.of == ConcatPoint().of
    if whole and model.points():
        return None
    for one in point.of if isinstance(point, ConcatPoint) else (point,):
        base = {"blocks": "block", "cells": "cell"}.get(one.kind, one.kind)
        if base not in model.points() and not model.count(base):
            return "concat" if whole else one.kind
    return None


def point_words(model: Model) -> list[str]:
    """The words of the points that a network has, as a spec writes them."""
    listed = {"block": "blocks", "cell": "cells"}
    bases = dict.fromkeys(name.partition("[")[0] for name in model.points())
    return [listed.get(base, base) for base in bases] + (["concat"] if bases else [])


def _named_parts(point: AnyPoint, model: Model) -> Iterator[tuple[str, tuple[str, ...]]]:
    match point:
        case BlocksPoint() | CellsPoint():
            one = point.kind.removesuffix("s")
            for i in range(model.count(one)):
                yield f"{one}[{i}]", (f"{one}[{i}]",)
        case BlockPoint(index=index) | CellPoint(index=index):
            yield f"{point.kind}_{index}", (f"{point.kind}[{index}]",)
        case ConcatPoint(of=of):
            yield "concat", tuple(part for one in of for _, parts in _named_parts(one, model) for part in parts)
        case _:
            yield point.kind, (point.kind,)


def place_label(name: str) -> str:
    """A point for people: `block[2]` is 'block 2', `final_norm` is 'final norm'."""
    return name.replace("[", " ").replace("]", "").replace("_", " ")
