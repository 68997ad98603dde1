"""The numbers by which a target's predictions are scored, with their units."""

from __future__ import annotations

from collections.abc import Mapping

from hmmdsl.spec.results import Quantity

R2 = Quantity("1", "share of the target's weighted variance that the map explains (variance-weighted over coordinates)")
MSE = Quantity("1", "weighted mean squared error, averaged over the target's coordinates")

_LINEAR = {"r2": R2, "mse": MSE}

_STATE_CONTROL = {
    "r2": Quantity("1", "share of the variance of the hidden state, one coordinate for each, that the map explains"),
    "mse": Quantity("1", "weighted mean squared error of the hidden state, averaged over its coordinates"),
    "r2_of_ceiling": Quantity("1", "r2 as a share of its ceiling"),
    "accuracy": Quantity("1", "probability that the state which the map puts highest is the hidden state"),
}

_STATE = {
    **_STATE_CONTROL,
    "ceiling": Quantity("1", "the r2 of the belief itself, the most that histories can tell: Var(belief) / Var(state)"),
    "best_accuracy": Quantity("1", "probability that the most probable state, given the history, is the hidden state"),
}


def metrics(target: str) -> Mapping[str, Quantity]:
    """The scores of one map to a target, by the target's name in results."""
    return _STATE if target == "state" else _LINEAR


def control_metrics(target: str) -> Mapping[str, Quantity]:
    """The scores of a control: those that the map has a part in."""
    return _STATE_CONTROL if target == "state" else _LINEAR
