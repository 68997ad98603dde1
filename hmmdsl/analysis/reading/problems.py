"""What can be wrong with the fields that many kinds have: points, repetitions, vocabularies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hmmdsl.analysis.reading.points import AnyPoint, BlockPoint, CellPoint, missing_index, missing_kind, point_words
from hmmdsl.schema.analysis import Surroundings
from hmmdsl.schema.base import Problem, Record


def missing_points(of: str, at: AnyPoint | Sequence[AnyPoint], around: Surroundings) -> Iterator[Problem]:
    """A problem for each point `at` which the network of the training run `of` has nothing to read."""
    model = around.model_of(of)
    single = isinstance(at, Record)
    for i, point in enumerate((at,) if isinstance(at, Record) else at):
        path: tuple[str | int, ...] = ("at",) if single else ("at", i)
        absent, one = missing_kind(point, model), missing_index(point, model)
        if absent is not None:
            words = point_words(model)
            yield Problem(
                path,
                "E0830",
                f"{model.summary} has no `{absent}` to read",
                label="not in this network",
                help=f"its points are {listed(words)}" if words else "it is a baseline for losses: leave it out of this analysis",
            )
        elif one is not None:
            last = model.count(one.kind) - 1
            yield Problem(
                path,
                "E0821",
                f"the network has no {one.kind} {one.index}: {one.kind}s are counted from 0, and it has {last + 1}",
                label=f"its last {one.kind} is {last}",
                help=f"write an index {'from 0 to ' if last else ''}{last}, or `{one.kind}s` for all of them",
            )


def repeated_points(at: AnyPoint | Sequence[AnyPoint]) -> Iterator[Problem]:
    """A problem for each point of a list that stood there before."""
    if not isinstance(at, Record):
        yield from repeated("at", [_called(point) for point in at])


def _called(point: AnyPoint) -> str:
    return f"{point.kind} {point.index}" if isinstance(point, BlockPoint | CellPoint) else point.kind


def listed(words: list[str]) -> str:
    """'`a`, `b` and `c`'."""
    quoted = [f"`{word}`" for word in words]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"


def repeated(field: str, names: list[str]) -> Iterator[Problem]:
    """A problem for each item of a list that stood there before."""
    for i, name in enumerate(names):
        if name in names[:i]:
            yield Problem(
                (field, i),
                "E0822",
                f"`{field}` names {name} twice, and both results would have the same path",
                label="named before",
                help="leave one out, or put it into an analysis of its own",
            )


def same_vocabulary(train: str, on: str | None, around: Surroundings) -> Iterator[Problem]:
    """A problem if the process that an analysis reads `on` has other tokens than the one trained on."""
    if on is None:
        return
    trained, other = around.process_of(train), around.processes[on]
    if trained.tokens != other.tokens:
        yield Problem(
            ("on",),
            "E0820",
            f"the network of {train} reads the tokens {_listed(trained.tokens)}, and {other.name} emits {_listed(other.tokens)}",
            label="another vocabulary",
            help="choose a process with the same tokens in the same order",
        )


def _listed(tokens: tuple[str, ...]) -> str:
    shown = ", ".join(tokens[:6])
    return f"{shown}, … ({len(tokens)} tokens)" if len(tokens) > 6 else shown
