"""`regression`: what an affine map reads off the activations, beside the controls that say what its scores are worth."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from hmmdsl.analysis.kind import ReadsPlaces
from hmmdsl.analysis.outcome import Inputs, Outcome
from hmmdsl.analysis.reading.by_place import nest, results_of
from hmmdsl.analysis.reading.controls import Control, HeldOut, Noise, Planted, Shuffled, Untrained, repeats_of
from hmmdsl.analysis.reading.held_out import fold_problems
from hmmdsl.analysis.reading.points import (
    ConcatPoint,
    Place,
    Point,
    has_segment,
    places,
)
from hmmdsl.analysis.reading.problems import repeated
from hmmdsl.analysis.reading.result_path import ResultPath
from hmmdsl.analysis.reading.targets import Target, group_targets, nest_targets, results_of_target, target_name, target_problems
from hmmdsl.analysis.work import (
    NUMBER,
    Reads,
    control_of,
)
from hmmdsl.process.counting import count_histories
from hmmdsl.schema.analysis import Analysis, Surroundings
from hmmdsl.schema.base import (
    AUTO_HISTORY_LIMIT,
    AutoHistories,
    Exact,
    OtherProcess,
    Problem,
    ReadHistories,
    ResultName,
    SampledHistories,
    Weights,
)
from hmmdsl.schema.results import Group, Quantity, ResultSchema, Series, by_point, spread_of

if TYPE_CHECKING:
    from hmmdsl.process.process import Process

R2 = Quantity("1", "share of the target's weighted variance that the map explains (variance-weighted over coordinates)")
MSE = Quantity("1", "weighted mean squared error, averaged over the target's coordinates")

_LINEAR = {"r2": R2, "mse": MSE}

_STATE = {
    "r2": Quantity("1", "share of the variance of the hidden state, one coordinate for each, that the map explains"),
    "ceiling": Quantity(
        "1", "the r2 of the belief itself, the most that histories can tell: Var(belief) / Var(state)", theory=True
    ),
    "r2_of_ceiling": Quantity("1", "r2 as a share of its ceiling"),
    "accuracy": Quantity("1", "probability that the state which the map puts highest is the hidden state"),
    "best_accuracy": Quantity(
        "1", "probability that the most probable state, given the history, is the hidden state", theory=True
    ),
    "mse": Quantity("1", "weighted mean squared error of the hidden state, averaged over its coordinates"),
}


def metrics(target: str) -> Mapping[str, Quantity]:
    """The scores of one map to a target, by the target's name in results. Controls have the same: shuffled beliefs have a ceiling
    of their own."""
    return _STATE if target == "state" else _LINEAR


SD = Quantity("1", "standard deviation of r2 from one draw of the folds to another; undefined where they are drawn once")

SHARED = Group(
    {
        "distinct": Quantity("1", "distinct beliefs of the histories that are read", theory=True),
        "in_fold": Quantity("1", "distinct beliefs in one fold, the mean over folds and draws"),
        "shared": Quantity("1", "how many of those are also in its training folds, the mean over folds and draws"),
    },
    "how many beliefs the folds share",
)


class Regression(ReadsPlaces):
    """An affine map from activations to what an optimal observer knows, fitted over histories (Shai et al. 2024, §3.1). Scores
    are in sample unless they say `held_out`."""

    word: ClassVar[str] = "regression"
    kind: Literal["regression"] = "regression"
    target: Target | tuple[Target, ...] = Field(
        "belief",
        description="what is read: the belief over hidden states, the distribution of the next token or of the next k tokens "
        "(`future(k)`), the hidden `state` itself, or, of a composed process, the belief about a part: which `component` is "
        "active, the state `within.A` given that component A is, the state of `factor.left`",
    )
    at: Point | tuple[Point, ...] = Field(ConcatPoint(), description="where in the network; a list gives one result for each")
    weights: Weights = Field("probability", description="how much a history counts, in the fit and in its scores")
    intercept: bool = Field(True, description="whether the map has a constant term")
    ridge: Annotated[float, Field(gt=0)] | Literal["auto", "none"] = Field(
        "auto",
        description="penalty on squared coefficients of standardized features, added to the mean squared error; auto is none in "
        "sample and, held out, what predicts best inside the other folds",
    )
    controls: tuple[Control, ...] = Field((), description="what else is scored, so that one can tell what the scores are worth")
    shortest: int = Field(0, ge=0, le=100_000, description="the shortest histories that are read, in tokens")
    longest: int | None = Field(
        None, ge=0, le=100_000, description="the longest that are read; the network's context if not given"
    )
    histories: ReadHistories = AutoHistories()
    on: OtherProcess = None
    without: ResultName | None = Field(
        None,
        description="another regression of the same run, with its target if it has several (`factors.factor.left`): the subspace "
        "of its probe at each point is projected out of the activations first",
    )
    directions: Literal["encoding", "readout"] = Field(
        "encoding",
        description="which subspace `without` leaves out: the directions along which activations move with the other target, "
        "without which no affine map reads any of it over the histories of the fit, or those that its probe's own map reads",
    )

    @property
    def targets(self) -> tuple[Target, ...]:
        """The targets, always as a tuple."""
        return self.target if isinstance(self.target, tuple) else (self.target,)

    @property
    def target_names(self) -> tuple[str, ...]:
        """What results call the targets."""
        return tuple(target_name(target) for target in self.targets)

    def needs(self) -> Sequence[str]:
        return (self.of,) if self.without is None else (self.of, ResultPath.of(self.without).name)

    def results(self, around: Surroundings) -> Group:
        model = around.model_of(self.of)
        lengths = model.context + model.bos
        counted = "from 0" if model.bos else "from 1"

        def one_map(target: str) -> Group:
            position = Group(dict(metrics(target)), "among the histories of one length")
            members: dict[str, ResultSchema] = dict(metrics(target))
            members["position"] = Series(position, lengths, f"by position: histories of each length, {counted}")
            members |= {control.kind: self._control_results(control, target, lengths) for control in self.controls}
            return Group(members, "one map")

        return self._segments(around, one_map)

    def results_at_checkpoint(self, around: Surroundings) -> Group:
        return self._segments(around, lambda target: Group(dict(metrics(target)), "one map"))

    def _control_results(self, control: HeldOut | Untrained | Shuffled | Noise | Planted, target: str, lengths: int) -> Group:
        quantities = metrics(target)
        if isinstance(control, HeldOut):
            members: dict[str, ResultSchema] = {**quantities, "sd": SD}
            members["folds"] = Group({"r2": spread_of(quantities["r2"])}, "how scores vary from fold to fold")
            members["beliefs"] = SHARED
            if control.by_position:
                members["position"] = Series(Group(dict(quantities)), lengths, "by position: histories of each length")
            return Group(members, "histories that the fit never saw")
        many = repeats_of(control) > 1
        scores: dict[str, ResultSchema] = {name: spread_of(one) if many else one for name, one in quantities.items()}
        if self.held_out() is not None:
            scores["held_out"] = Group(scores | ({} if many else {"sd": SD}), "histories that the fit never saw")
        return Group(scores, (type(control).__doc__ or "").split(".")[0])

    def _segments(self, around: Surroundings, one_map: Callable[[str], Group]) -> Group:
        """The group for each target and point, nested as the paths are."""

        def one_target(target: str) -> Group:
            group = one_map(target)
            if not has_segment(self.at):
                return group
            return Group(by_point({place.name: group for place in self.places_in(around)}))

        if not isinstance(self.target, tuple):
            return one_target(self.target_names[0])
        return group_targets({target: one_target(target) for target in self.target_names})

    def held_out(self) -> HeldOut | None:
        """How histories are held out, if they are."""
        return next((control for control in self.controls if isinstance(control, HeldOut)), None)

    def problems(self, around: Surroundings) -> list[Problem]:
        """Mistakes (E082x) and oddities (W096x)."""
        model = around.model_of(self.of)
        single = not isinstance(self.target, tuple)
        found = [
            *target_problems(self.targets, single, read_process(self, around), model.context, model.bos),
            *joint_problems(self, around),
            *super().problems(around),
            *(() if single else repeated("target", list(self.target_names))),
            *left_out_problems(self, around),
            *length_problems(self.shortest, self.longest, model.context, model.bos),
        ]
        return found or [*_folds(self, around)] or [*_width(self, around)]

    def nest(self, result: Callable[[str, str], Any], names: Sequence[str]) -> dict[str, Any]:
        """Results for each (target, place name), nested as the schema is."""
        by_target = {target: nest(self.at, {name: result(target, name) for name in names}) for target in self.target_names}
        return nest_targets(by_target) if isinstance(self.target, tuple) else by_target[self.target_names[0]]

    def map_results(self, results: Mapping[str, Any], target: str, place: str) -> Mapping[str, Any]:
        """The results of one map, by its target and the name of its place."""
        group = results_of_target(results, target) if isinstance(self.target, tuple) else results
        return results_of(self.at, group, place)

    def compute_at_checkpoint(self, inputs: Inputs, step: int) -> Outcome:
        return self._computed(inputs, step)

    def seconds(self, reads: Reads, around: Surroundings) -> float:
        widths, targets = [place.width for place in self.places_in(around)], sum(map(reads.width, self.targets))
        ridge = self.ridge == "auto"
        held_out = control_of(self, "held_out")
        folds, draws = (0, 1) if held_out is None else (held_out.folds, held_out.repeats)
        once = reads.fits(widths, targets, folds, ridge, draws)
        seconds = reads.forward() + once + reads.histories * targets * NUMBER
        for control in self.controls:
            match control.kind:
                case "untrained":
                    seconds += reads.forward() + once
                case "noise" | "planted":
                    drawn = 5 * reads.histories * sum(widths) * NUMBER
                    # Each target has an image of its own.
                    seconds += repeats_of(control) * (drawn + once) * (1 if control.kind == "noise" else len(self.targets))
                case "shuffled":
                    seconds += reads.shuffled(widths, targets, folds, repeats_of(control), ridge)
        return seconds


def place_of(analysis: Regression, path: Sequence[str], around: Surroundings) -> tuple[str, Place] | None:
    """The target's name and the place that a result's path below a regression leads to, such as `("concat",)`; None if it leads
    nowhere or stops before a single map."""
    remaining = list(path)
    target = analysis.target_names[0]
    if isinstance(analysis.target, tuple):
        named = [each for each in analysis.target_names if remaining[: each.count(".") + 1] == each.split(".")]
        if not named:
            return None
        target = max(named, key=len)
        remaining = remaining[target.count(".") + 1 :]
    found = analysis.places_in(around)
    if has_segment(analysis.at):
        found = [place for place in found if remaining == [place.name]]
    elif remaining:
        return None
    return (target, found[0]) if found else None


LARGEST = 500_000_000
"""Numbers that a regression onto joint beliefs may hold: 4 GB."""

NAMED = 3
"""Factors that the cure names."""

HELD = 4
"""Arrays of one number for each history and coordinate: the true values, side by side with the other targets, the predicted ones,
and those of held-out histories."""


def read_process(analysis: Regression, around: Surroundings) -> Process:
    """The process whose histories the analysis reads."""
    return around.process_of(analysis.of, analysis.on)


def joint_problems(analysis: Regression, around: Surroundings) -> Iterator[Problem]:
    """A problem (E0365) for each target that is a joint one of a product and would not fit."""
    process = read_process(analysis, around)
    if not process.factored:
        return
    sizes = {"belief": len(process.states), "state": len(process.states), "next_token": len(process.tokens)}
    histories = _most_histories(analysis, around, process)
    for i, target in enumerate(analysis.target_names):
        size = sizes.get(target, 0)
        numbers = size * (HELD * histories + size)
        if numbers <= LARGEST:
            continue
        parts = process.parts.factors if process.parts is not None else ()
        factors = ", ".join([f"factor.{part.name}" for part in parts[:NAMED]] + ["…"] * (len(parts) > NAMED))
        yield Problem(
            ("target",) if isinstance(analysis.target, str) else ("target", i),
            "E0365",
            f"`{target}` of {process.name} has {size:,} numbers after each of up to {histories:,} histories: "
            f"{numbers * 8 / 1e9:,.0f} GB",
            label="too large",
            help=f"read the factors, `target = [{factors}]`, or fewer histories; {LARGEST * 8 // 10**9} GB fit",
        )


def _most_histories(analysis: Regression, around: Surroundings, process: Process) -> int:
    """How many histories are read, at most."""
    model, histories = around.model_of(analysis.of), analysis.histories
    counted = count_histories(process, model.context, model.bos).total
    if isinstance(histories, Exact) or (not isinstance(histories, SampledHistories) and counted <= AUTO_HISTORY_LIMIT):
        return counted
    words = histories.words if isinstance(histories, SampledHistories) else SampledHistories().words
    return min(counted, words * (model.context + int(model.bos)))


@dataclass(frozen=True)
class LeftOutProbe:
    """The map of the regression `source` to one target. `directions` says which subspace is the probe's."""

    source: Regression
    target: Target
    directions: Literal["encoding", "readout"]


def left_out(analysis: Regression, analyses: Mapping[str, Analysis]) -> list[LeftOutProbe]:
    """The probes that are left out, in the order in which they are fitted: what a probe leaves out itself comes before it."""
    if analysis.without is None:
        return []
    path = ResultPath.of(analysis.without)
    source = analyses[path.name]
    assert isinstance(source, type(analysis))
    target = _target(source, path)
    assert target is not None
    return [*left_out(source, analyses), LeftOutProbe(source, target, analysis.directions)]


def _target(source: Regression, path: ResultPath) -> Target | None:
    """The target that a path leads to; None if it leads to none, to several, or beyond."""
    if not isinstance(source.target, tuple):
        return source.target if not path.below else None
    return next((each for each in source.targets if target_name(each) == ".".join(path.below)), None)


def left_out_problems(analysis: Regression, around: Surroundings) -> Iterator[Problem]:
    """What is wrong with `without`: no regression (E0580), no single target (E0581), a point that was not read there (E0582),
    another network or other histories (E0583)."""
    if analysis.without is None:
        return
    path = ResultPath.of(analysis.without)
    source = around.analyses[path.name]
    where = ("without",)
    if not isinstance(source, type(analysis)):
        yield Problem(
            where,
            "E0580",
            f"what is left out is a regression's probe, and {path.name} is of kind {source.word}",
            label="not a regression",
            help="name a regression, and its target if it has several",
        )
        return
    if _target(source, path) is None:
        paths = [f"{path.name}.{name}" for name in source.target_names] if isinstance(source.target, tuple) else [path.name]
        yield Problem(
            where,
            "E0581",
            f"what is left out is the probe of one target, and {analysis.without} is no single one",
            label="no single target",
            help="write " + (f"one of {', '.join(f'`{each}`' for each in paths)}" if len(paths) > 1 else f"`{paths[0]}`"),
        )
        return
    other = _other_material(analysis, path.name, source)
    if other is not None:
        yield Problem(where, "E0583", *other)
        return
    read = {place.parts for place in source.places_in(around)}
    lacking = [place.name for place in analysis.places_in(around) if place.parts not in read]
    if lacking:
        yield Problem(
            where,
            "E0582",
            f"{path.name} has no probe at {lacking[0]}, where this regression reads",
            label=f"not read at {', '.join(lacking)}",
            help=f"let both read the same points: give {path.name} this regression's `at`",
        )


def _other_material(analysis: Regression, name: str, source: Regression) -> tuple[str, str, str] | None:
    """Message, label and help if a probe is fitted to another network or to other histories."""
    if source.of != analysis.of:
        return (
            f"{name} reads {source.of}, and this regression reads {analysis.of}: a probe of one network is none of another",
            "another network's probe",
            f"name a regression of {analysis.of}",
        )
    if source.on != analysis.on:
        return (
            f"{name} reads the histories of {source.on or 'the process trained on'}, and this regression those of "
            f"{analysis.on or 'the process trained on'}",
            "fitted to other histories",
            "give both the same `on`",
        )
    if source.histories != analysis.histories:
        return (
            f"{name} reads other histories than this regression",
            "fitted to other histories",
            "give both the same `histories`",
        )
    return None


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
