"""What can be wrong with a regression in its surroundings, known before it runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from hmmdsl.analysis.options.controls import HeldOut
from hmmdsl.analysis.options.held_out import fold_problems
from hmmdsl.analysis.options.joint_size import joint_problems, read_process
from hmmdsl.analysis.options.left_out import left_out_problems
from hmmdsl.analysis.options.points import AnyPoint, BlockPoint, CellPoint, missing_index, missing_kind, places, point_words
from hmmdsl.analysis.options.targets import target_problems
from hmmdsl.process.counting import count_histories
from hmmdsl.spec.analysis import Surroundings
from hmmdsl.spec.base import Problem, Record, SampledHistories

if TYPE_CHECKING:
    from hmmdsl.analysis.regression import Regression


def problems(analysis: Regression, around: Surroundings) -> list[Problem]:
    """Mistakes (E082x) and oddities (W096x), in the order of the fields."""
    model = around.model_of(analysis.of)
    single = not isinstance(analysis.target, tuple)
    found = [
        *target_problems(analysis.targets, single, read_process(analysis, around), model.context, model.bos),
        *joint_problems(analysis, around),
        *missing_points(analysis.of, analysis.at, around),
        *_repetitions(analysis, around),
        *same_vocabulary(analysis.of, analysis.on, around),
        *left_out_problems(analysis, around),
        *length_problems(analysis.shortest, analysis.longest, model.context, model.bos),
    ]
    if not found:
        found += _folds(analysis, around)
    return found if found else list(_width(analysis, around))


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


def _repetitions(analysis: Regression, around: Surroundings) -> Iterator[Problem]:
    yield from repeated_points(analysis.at)
    if isinstance(analysis.target, tuple):
        yield from repeated("target", list(analysis.target_names))
    yield from repeated("controls", [control.kind for control in analysis.controls])


def repeated_points(at: AnyPoint | Sequence[AnyPoint]) -> Iterator[Problem]:
    """A problem for each point of a list that stood there before."""
    if not isinstance(at, Record):
        yield from repeated("at", [_called(point) for point in at])


def _called(point: AnyPoint) -> str:
    return f"{point.kind} {point.index}" if isinstance(point, BlockPoint | CellPoint) else point.kind


def length_problems(shortest: int, longest: int | None, context: int, bos: bool) -> Iterator[Problem]:
    """A problem where no history that the network reads is of these lengths."""
    least = 0 if bos else 1
    last = context if longest is None else longest
    if not max(shortest, least) <= last <= context:
        field = "longest" if longest is not None and (longest > context or longest < least) else "shortest"
        yield Problem(
            (field,),
            "E0586",
            f"there are no histories from {shortest} to {last} tokens: the network reads {least} to {context}",
            label="outside the network's context" if shortest <= last else f"above the longest, {last}",
            help=f"choose lengths from {least} to {context}, or lengthen the context",
        )


def _folds(analysis: Regression, around: Surroundings) -> Iterator[Problem]:
    """What is wrong with the folds of `held_out`, of the histories that are read."""
    model = around.model_of(analysis.of)
    shortest = max(analysis.shortest, 0 if model.bos else 1)
    longest = model.context if analysis.longest is None else analysis.longest
    for i, control in enumerate(analysis.controls):
        if isinstance(control, HeldOut):
            process = read_process(analysis, around)
            yield from fold_problems(("controls", i), control.by, control.folds, process, shortest, longest)


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


def _width(analysis: Regression, around: Surroundings) -> Iterator[Problem]:
    """Warn where plain least squares has a coefficient for every history, and nothing is held out. Of drawn words there are at
    most as many histories as they have positions."""
    held_out = any(control.kind == "held_out" for control in analysis.controls)
    if held_out or isinstance(analysis.ridge, float):
        return
    model = around.model_of(analysis.of)
    counts = count_histories(read_process(analysis, around), model.context, model.bos)
    least = 0 if model.bos else 1
    longest = model.context if analysis.longest is None else analysis.longest
    read = [count for length, count in enumerate(counts, least) if analysis.shortest <= length <= longest]
    histories = sum(read) if counts.exact else None
    if isinstance(analysis.histories, SampledHistories):
        positions = analysis.histories.words * model.context + model.bos
        histories = positions if histories is None else min(histories, positions)
    wide = [place for place in places(analysis.at, model) if histories is not None and place.width >= histories]
    if wide:
        place = wide[0]
        yield Problem(
            ("at",),
            "W0960",
            f"{place.name} has {place.width:,} features for {histories:,} histories: in sample it fits any target",
            label="more features than histories",
            help="ask for `controls = [held_out]`, lengthen the context, or give `ridge` a penalty",
        )
