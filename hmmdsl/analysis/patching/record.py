"""`patching`: where in the network what tells two histories apart stands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from hmmdsl.analysis.kind import ReadsNetwork
from hmmdsl.analysis.reading.controls import Untrained, repeats_of
from hmmdsl.analysis.reading.transformers import no_transformer
from hmmdsl.analysis.reading.words import known_word, possible, unknown_token
from hmmdsl.analysis.work import (
    CALL,
    Reads,
)
from hmmdsl.process.words import UnknownTokenError, read_word
from hmmdsl.schema.analysis import Surroundings
from hmmdsl.schema.base import Problem, Record, TrainName, from_word
from hmmdsl.schema.results import Group, Quantity, ResultSchema, Series, by_point, spread_of

if TYPE_CHECKING:
    from hmmdsl.process.process import Process

RESTORED = Quantity("1", "share of the divergence from the source's prediction that the patch takes away: 1 all, 0 none")
DIVERGENCE = Quantity("nats", "KL divergence of the base's prediction from the source's, before any patch")


class RandomSource(Record):
    """Patches from other histories of the same length, drawn by probability; scored against the same source."""

    kind: Literal["random"] = "random"
    repeats: int = Field(20, ge=1, le=10_000, description="number of histories")


PatchingControl = Annotated[Annotated[RandomSource | Untrained, Field(discriminator="kind")], from_word]


class Patching(ReadsNetwork):
    """Activation patching (Meng et al. 2022; Geiger et al. 2021 call it an interchange intervention): while the network reads
    `base`, the residual stream at one point and position is replaced by what it is there for `source`, and the forward pass goes
    on. What is restored of the source's next-token distribution says where the difference of the two stands.

    Nothing is fitted: there is nothing to hold out and no target to shuffle; patches from `random` histories are its noise."""

    word: ClassVar[str] = "patching"
    headline: ClassVar[str] = "whole.restored"
    kind: Literal["patching"] = "patching"
    of: TrainName = Field(description="the training run whose network is patched")
    source: str = Field(description="the history that activations are taken from: its tokens, such as `0 1 1`")
    base: str = Field(description="the history that is read, of the same length")
    controls: tuple[PatchingControl, ...] = Field((), description="what else is done, so that one can tell what it is worth")

    def results(self, around: Surroundings) -> Group:
        model = around.model_of(self.of)
        positions = len(known_word(self.base, around.process_of(self.of)) or ()) + model.bos
        patched: dict[str, ResultSchema] = {"restored": RESTORED}
        for control in self.controls:
            one = spread_of(RESTORED) if repeats_of(control) > 1 else RESTORED
            patched[control.kind] = Group({"restored": one}, (type(control).__doc__ or "").split(".")[0])
        group = Group(patched, "one patch")
        point = Group(
            {
                "position": Series(group, positions, "by the position that is patched, from the word's first"),
                "whole": Group(dict(patched), "all positions patched at once"),
            }
        )
        members: dict[str, ResultSchema] = {"divergence": DIVERGENCE}
        if any(isinstance(control, Untrained) for control in self.controls):
            members["untrained"] = Group({"divergence": DIVERGENCE}, "the network with its initial weights")
        return Group(members | dict(by_point(dict.fromkeys(model.points(), point))))

    def problems(self, around: Surroundings) -> list[Problem]:
        lacking = no_transformer("of", self.of, around, "residual stream that could be patched at every position")
        return [*lacking, *word_problems(self, around), *super().problems(around)]

    def seconds(self, reads: Reads, around: Surroundings) -> float:
        patches = (1 + sum(map(repeats_of, self.controls))) * len(reads.model.points()) * reads.model.context
        return 3 * patches * CALL


def word_problems(analysis: Patching, around: Surroundings) -> Iterator[Problem]:
    """Words that can't be patched into one another (E0579), or are the same (W0983)."""
    process, context = around.process_of(analysis.of), around.model_of(analysis.of).context
    problems = [_word_problem(field, getattr(analysis, field), process, context) for field in ("source", "base")]
    yield from filter(None, problems)
    if any(problems):
        return
    source, base = (read_word(process.tokens, text) for text in (analysis.source, analysis.base))
    if len(source) != len(base):
        yield Problem(
            ("base",),
            "E0579",
            f"`source` has {_tokens(len(source))} and `base` {_tokens(len(base))}, so their positions do not correspond",
            label="another length",
            help="give both the same number of tokens",
        )
    elif source == base:
        yield Problem(
            ("base",),
            "W0983",
            "`source` and `base` are the same history, so that no patch changes anything",
            label="the same word",
            help="let them differ in at least one token",
        )


def _word_problem(field: str, text: str, process: Process, context: int) -> Problem | None:
    try:
        word = read_word(process.tokens, text)
    except UnknownTokenError as error:
        return unknown_token((field,), "E0579", error, process)
    if not word:
        return Problem((field,), "E0579", f"`{field}` has no token", label="empty", help='write its tokens, such as `"0 1 1"`')
    if len(word) > context:
        return Problem(
            (field,),
            "E0579",
            f"`{field}` has {_tokens(len(word))}, and the network reads {context} at most",
            label="longer than the context",
            help="shorten it, or lengthen the model's `context`",
        )
    if not possible(word, process):
        return Problem(
            (field,),
            "E0579",
            f"{process.name} never emits this word, so that no belief follows it",
            label="probability 0",
            help="choose a word that can occur",
        )
    return None


def _tokens(count: int) -> str:
    return f"{count} token{'' if count == 1 else 's'}"
