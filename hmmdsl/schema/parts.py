"""The parts of a network, by the names under which `freeze` keeps them from being trained."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from hmmdsl.schema.base import Record
from hmmdsl.schema.models.base import Model
from hmmdsl.schema.models.ngram import NGram
from hmmdsl.schema.models.transformer import Transformer


class BlockPart(Record):
    """One block, or one layer of a recurrent network or a perceptron."""

    kind: Literal["block"] = "block"
    index: int = Field(ge=0, description="which block, counted from 0")


Part = Literal["body", "embedding", "positions", "blocks", "final_norm", "unembedding"] | BlockPart

VOCABULARY_PARTS = ("embedding", "unembedding")
"""The parts whose rows belong to tokens; all others are the body."""


def part_name(part: Part) -> str:
    """The part as a message names it: `block 3` for `block { index = 3 }`."""
    return f"block {part.index}" if isinstance(part, BlockPart) else part


def parts_of(model: Model) -> tuple[str, ...]:
    """The parts that have weights, in the order of the computation: `embedding`, `positions`, `block 0`, …, `final_norm`,
    `unembedding`. An n-gram table is all unembedding."""
    if isinstance(model, NGram):
        return ("unembedding",)
    positions = ("positions",) if isinstance(model, Transformer) and model.positions == "learned" else ()
    norm = ("final_norm",) if getattr(model, "norm", "none") != "none" else ()
    return ("embedding", *positions, *(f"block {i}" for i in range(model.count("block"))), *norm, "unembedding")


def meant_by(part: Part, model: Model) -> tuple[str, ...]:
    """Which of the network's parts a part in `freeze` means; none if the network has no such part."""
    name = part_name(part)
    match name:
        case "body":
            return tuple(each for each in parts_of(model) if each not in VOCABULARY_PARTS)
        case "blocks":
            return tuple(each for each in parts_of(model) if each.startswith("block "))
    return tuple(each for each in parts_of(model) if each == name)


def frozen_parts(freeze: tuple[Part, ...], model: Model) -> frozenset[str]:
    """All parts that are not trained."""
    return frozenset(each for part in freeze for each in meant_by(part, model))
