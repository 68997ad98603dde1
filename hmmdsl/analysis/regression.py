"""`regression`: what an affine map reads off the activations, beside the controls that say what its scores are worth."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from hmmdsl.analysis.options.along import AlongCheckpoints
from hmmdsl.analysis.options.by_place import nest, results_of
from hmmdsl.analysis.options.controls import Control, HeldOut, Noise, Planted, Shuffled, Untrained, repeats_of
from hmmdsl.analysis.options.metrics import metrics
from hmmdsl.analysis.options.points import ConcatPoint, Place, Point, has_segment, places
from hmmdsl.analysis.options.result_path import ResultPath
from hmmdsl.analysis.options.targets import Target, group_targets, nest_targets, results_of_target, target_name
from hmmdsl.spec.analysis import Analysis, Surroundings
from hmmdsl.spec.base import AutoHistories, OtherProcess, Problem, ReadHistories, ResultName, TrainName, Weights
from hmmdsl.spec.results import Group, Quantity, ResultSchema, Series, by_point, spread_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hmmdsl.analysis.outcome import Inputs, Outcome


SD = Quantity("1", "standard deviation of r2 from one draw of the folds to another; undefined where they are drawn once")

SHARED = Group(
    {
        "distinct": Quantity("1", "distinct beliefs of the histories that are read", theory=True),
        "in_fold": Quantity("1", "distinct beliefs in one fold, the mean over folds and draws"),
        "shared": Quantity("1", "how many of those are also in its training folds, the mean over folds and draws"),
    },
    "how many beliefs the folds share",
)


class Regression(AlongCheckpoints):
    """An affine map from activations to what an optimal observer knows, fitted over histories (Shai et al. 2024, §3.1). Scores
    are in sample unless they say `held_out`."""

    word: ClassVar[str] = "regression"
    kind: Literal["regression"] = "regression"
    of: TrainName = Field(description="the training run whose network is read")
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

    # ---------------------------------------------------------------- before the run

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

    def train_in(self, analyses: Mapping[str, Analysis]) -> str | None:
        return self.of

    def places_in(self, around: Surroundings) -> list[Place]:
        """The places of the network that it reads."""
        return places(self.at, around.model_of(self.of))

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
        from hmmdsl.analysis.options.regression_problems import problems

        return problems(self, around)

    # ---------------------------------------------------------------- the run

    def compute(self, inputs: Inputs) -> Outcome:
        from hmmdsl.analysis.probe.regress import regress

        return regress(self, inputs)

    def compute_at_checkpoint(self, inputs: Inputs, step: int) -> Outcome:
        from hmmdsl.analysis.probe.regress import regress

        return regress(self, inputs, step)

    def nest(self, result: Callable[[str, str], Any], names: Sequence[str]) -> dict[str, Any]:
        """Results for each (target, place name), nested as the schema is."""
        by_target = {target: nest(self.at, {name: result(target, name) for name in names}) for target in self.target_names}
        return nest_targets(by_target) if isinstance(self.target, tuple) else by_target[self.target_names[0]]

    def map_results(self, results: Mapping[str, Any], target: str, place: str) -> Mapping[str, Any]:
        """The results of one map, by its target and the name of its place."""
        group = results_of_target(results, target) if isinstance(self.target, tuple) else results
        return results_of(self.at, group, place)

    def figures(self, outcome: Outcome, inputs: Inputs) -> dict[str, Figure]:
        from hmmdsl.analysis.figures.regression import figures

        return figures(self, outcome, inputs)

    def caption(self, figure: str, outcome: Outcome) -> str:
        from hmmdsl.analysis.figures.regression import caption

        return caption(self, figure, outcome)


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
