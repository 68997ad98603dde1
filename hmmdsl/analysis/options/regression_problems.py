"""What can be wrong with a regression in its surroundings, known before it runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from hmmdsl.analysis.options.points import AnyPoint, missing_block, places
from hmmdsl.analysis.options.targets import target_problems
from hmmdsl.process.counting import count_histories
from hmmdsl.spec.analysis import Surroundings
from hmmdsl.spec.base import Problem, Record, SampledHistories

if TYPE_CHECKING:
    from hmmdsl.analysis.regression import Regression
    from hmmdsl.process.process import Process


def problems(analysis: Regression, around: Surroundings) -> list[Problem]:
    """Mistakes (E082x) and oddities (W096x), in the order of the fields."""
    model = around.model_of(analysis.of)
    single = isinstance(analysis.target, str)
    found = [
        *target_problems(analysis.target_names, single, _read_process(analysis, around), model.context, model.bos),
        *missing_points(analysis.of, analysis.at, around),
        *_repetitions(analysis, around),
        *same_vocabulary(analysis.of, analysis.on, around),
    ]
    return found if found else list(_width(analysis, around))


def _read_process(analysis: Regression, around: Surroundings) -> Process:
    return around.processes[analysis.on] if analysis.on is not None else around.process_of(analysis.of)


def missing_points(of: str, at: AnyPoint | Sequence[AnyPoint], around: Surroundings) -> Iterator[Problem]:
    """A problem for each point `at` which the network of the training run `of` has no block."""
    model = around.model_of(of)
    single = isinstance(at, Record)
    for i, point in enumerate((at,) if isinstance(at, Record) else at):
        index = missing_block(point, model)
        if index is not None:
            yield Problem(
                ("at",) if single else ("at", i),
                "E0821",
                f"the network has no block {index}: blocks are counted from 0, and it has {model.layers}",
                label=f"its last block is {model.layers - 1}",
                help=f"write an index {'from 0 to ' if model.layers > 1 else ''}{model.layers - 1}, or `blocks` for all of them",
            )


def _repetitions(analysis: Regression, around: Surroundings) -> Iterator[Problem]:
    yield from repeated_points(analysis.at)
    if not isinstance(analysis.target, str):
        yield from repeated("target", list(analysis.target))
    yield from repeated("controls", [control.kind for control in analysis.controls])


def repeated_points(at: AnyPoint | Sequence[AnyPoint]) -> Iterator[Problem]:
    """A problem for each point of a list that stood there before."""
    if not isinstance(at, Record):
        yield from repeated("at", [point.kind if point.kind != "block" else f"block {point.index}" for point in at])


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
    """Warn where plain least squares has a coefficient for every history, and nothing is held out. Drawn histories are counted
    when they are drawn."""
    held_out = any(control.kind == "held_out" for control in analysis.controls)
    if held_out or isinstance(analysis.histories, SampledHistories) or isinstance(analysis.ridge, float):
        return
    model = around.model_of(analysis.of)
    counts = count_histories(_read_process(analysis, around), model.context, model.bos)
    wide = [place for place in places(analysis.at, model) if place.width >= counts.total]
    if wide and counts.exact:
        place = wide[0]
        yield Problem(
            ("at",),
            "W0960",
            f"{place.name} has {place.width:,} features for {counts.total:,} histories: in sample it fits any target",
            label="more features than histories",
            help="ask for `controls = [held_out]`, lengthen the context, or give `ridge` a penalty",
        )
