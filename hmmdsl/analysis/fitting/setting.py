"""What is asked of activations: which targets, read where, by which fit, over which histories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from hmmdsl.analysis.fitting.scores import Scoring
from hmmdsl.analysis.reading.points import Place

if TYPE_CHECKING:
    from jaxtyping import Float, Float64, Int64


@dataclass(frozen=True)
class LeftOut:
    """A probe whose subspace is left out: its `target` for each history, the `weights` of its fit (0 where the target is
    undefined), and how it is fitted."""

    target: Float64[np.ndarray, "history target"]
    weights: Float64[np.ndarray, " history"]
    directions: Literal["encoding", "readout"]
    intercept: bool
    ridge: Ridge


Features: TypeAlias = Mapping[str, "Float[np.ndarray, 'history width']"]
"""Activations by point of the network."""

Ridge: TypeAlias = float | Literal["auto", "none"]


@dataclass(frozen=True)
class Setting:
    """`targets` by name and `weights` for each history; `draws` of a fold for each (empty: nothing is held out). Histories of the
    k-th length are rows `levels[k] : levels[k + 1]`. `scored` says how those targets are scored that are not scored as they are
    fitted. The subspaces of the probes `left_out` are projected out of the features first."""

    places: Sequence[Place]
    targets: Mapping[str, Float64[np.ndarray, "history target"]]
    weights: Float64[np.ndarray, " history"]
    levels: Sequence[int]
    draws: Sequence[Int64[np.ndarray, " history"]]
    intercept: bool
    ridge: Ridge
    scored: Mapping[str, Scoring] = field(default_factory=dict)
    left_out: Sequence[LeftOut] = ()

    def scoring(self, target: str) -> Scoring:
        """How a target is scored."""
        return self.scored.get(target, Scoring())

    @cached_property
    def parts(self) -> tuple[str, ...]:
        """The points of the network that any place reads, each once."""
        return tuple(dict.fromkeys(part for place in self.places for part in place.parts))

    @cached_property
    def stacked(self) -> Float64[np.ndarray, "history target"]:
        """All targets side by side."""
        return np.concatenate(list(self.targets.values()), axis=1)

    @cached_property
    def slices(self) -> dict[str, slice]:
        """Where each target stands in `stacked`."""
        ends = np.cumsum([0, *(target.shape[1] for target in self.targets.values())])
        return {name: slice(int(a), int(b)) for name, a, b in zip(self.targets, ends, ends[1:], strict=False)}

    @cached_property
    def groups(self) -> Int64[np.ndarray, " target"]:
        """The number of the target that each coordinate of `stacked` belongs to."""
        return np.repeat(np.arange(len(self.targets)), [target.shape[1] for target in self.targets.values()])

    @property
    def folds(self) -> Int64[np.ndarray, " history"]:
        """A fold for each history, those of the first draw; one for all where nothing is held out."""
        return self.draws[0] if self.draws else np.zeros(len(self.weights), dtype=np.int64)

    def of_draw(self, draw: int) -> Setting:
        """The same with one of the draws of folds alone."""
        return replace(self, draws=self.draws[draw : draw + 1])

    def columns(self, place: Place, widths: Mapping[str, int]) -> Int64[np.ndarray, " feature"]:
        """The columns of a place among the features of all parts side by side."""
        ends = dict(zip(self.parts, np.cumsum([widths[part] for part in self.parts]), strict=True))
        return np.concatenate([np.arange(ends[part] - widths[part], ends[part]) for part in place.parts])
