"""The numbers by which a target's predictions are scored, with their units."""

from __future__ import annotations

from collections.abc import Mapping

from hmmdsl.spec.results import Quantity

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
