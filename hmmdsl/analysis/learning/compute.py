"""The computation behind `learning`: loss by length, its excess over the entropy rate, and the laws of its fall."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hmmdsl.analysis.fitting.sampling_error import mean_error
from hmmdsl.analysis.outcome import Inputs, Outcome
from hmmdsl.analysis.reading.histories import histories_of, in_words
from hmmdsl.analysis.reading.losses import by_position, divergences
from hmmdsl.process.entropies import LN2, entropy_rate
from hmmdsl.process.history_tree import optimal_losses
from hmmdsl.process.notation import number_text

if TYPE_CHECKING:
    from jaxtyping import Float64

    from hmmdsl.analysis.learning.record import Learning

FLOOR = 1e-12
"""An excess below this, in nats, is rounding."""

SURE = 10
"""An excess counts if it is above so many times the entropy rate's error."""


def compute(analysis: Learning, inputs: Inputs) -> Outcome:
    """Losses by length in nats, of the network, of an optimal observer and of the network before training, with the laws of
    each."""
    trained, process, tree = histories_of(analysis, inputs)
    rate = entropy_rate(process)
    optimum = optimal_losses(tree)
    divergence = divergences(tree, trained.log_probabilities(None, tree))
    loss = optimum + by_position(tree, divergence)
    untrained = optimum + by_position(tree, divergences(tree, trained.log_probabilities(0, tree)))
    length = tree.length[np.array(tree.levels[:-1])]
    longest = trained.model.context if analysis.longest is None else analysis.longest
    fitted = (length >= analysis.shortest) & (length <= longest)
    # The logarithm of an excess is fitted, so one that may be all error of the entropy rate would rule the fit.
    floor = max(FLOOR, SURE * rate.error_bits * LN2)
    curves = {"network": loss, "theory": optimum, "untrained": untrained}
    laws = {name: fit_laws(length[fitted], curve[fitted] - rate.value_nats, floor) for name, curve in curves.items()}
    results: dict[str, Any] = {
        "entropy_rate": rate.value_nats,
        "entropy_rate_error": rate.error_bits * LN2,
        **{name: law_results(found) for name, found in laws.items()},
        "position": [
            {
                "loss": float(loss[i]),
                "optimum": float(optimum[i]),
                "untrained": float(untrained[i]),
                "excess": float(loss[i]) - rate.value_nats,
                "excess_optimum": float(optimum[i]) - rate.value_nats,
            }
            for i in range(len(length))
        ],
    }
    arrays = {"length": length, "fitted": fitted, **{f"{name}.loss": curve for name, curve in curves.items()}}
    for name, found in laws.items():
        x = length[fitted].astype(np.float64)
        for law, fit, at in (("exponential", found.exponential, x), ("power", found.power, np.log(x))):
            if fit is not None:
                arrays[f"{name}.{law}"] = fit.at(at)
    facts = {
        "histories": in_words(tree),
        "entropy rate": rate.method,
        "fitted": f"lengths {analysis.shortest} to {longest}, excess above {number_text(floor, 1)} nats",
    }
    if tree.source == "sampled":
        facts["standard error of the gap"] = f"{number_text(mean_error(tree, divergence), 2)} nats"
    return Outcome(results, arrays, facts)


def law_results(laws: Laws) -> dict[str, Any]:
    """As results.json has them."""
    exponential, power = laws.exponential, laws.power
    return {
        "exponential": _of_law(exponential, "rate"),
        "power": _of_law(power, "exponent"),
        "aic_difference": power.aic - exponential.aic if power and exponential else None,
        "held_out_ratio": power.held_out / exponential.held_out if power and exponential else None,
        "lengths": float(laws.points),
    }


def _of_law(law: Law | None, decay: str) -> dict[str, float | None]:
    if law is None:
        return dict.fromkeys((decay, f"{decay}_se", "amplitude", "amplitude_se", "aic", "held_out"))
    return {
        decay: law.decay,
        f"{decay}_se": law.decay_se,
        "amplitude": law.amplitude,
        "amplitude_se": law.amplitude_se,
        "aic": law.aic,
        "held_out": law.held_out,
    }


FEWEST = 3
"""Points that a line's standard errors need."""

ROUNDING = 1e-24
"""Mean squared errors below this are those of rounding."""


@dataclass(frozen=True)
class Law:
    """`amplitude * exp(-decay * x)` with standard errors; AIC and held-out error are those of the logarithm."""

    decay: float
    decay_se: float
    amplitude: float
    amplitude_se: float
    aic: float
    held_out: float

    def at(self, x: Float64[np.ndarray, " point"]) -> Float64[np.ndarray, " point"]:
        """The law's values."""
        return np.asarray(self.amplitude * np.exp(-self.decay * x))


@dataclass(frozen=True)
class Laws:
    """Both laws of one curve, None where too few points lie above the floor."""

    exponential: Law | None
    power: Law | None
    points: int


def fit_laws(length: Float64[np.ndarray, " point"], excess: Float64[np.ndarray, " point"], floor: float) -> Laws:
    """The laws of `excess` over `length`, of the points above `floor`."""
    kept = excess > floor
    x, y = length[kept].astype(np.float64), np.log(excess[kept])
    if len(x) < FEWEST:
        return Laws(None, None, len(x))
    return Laws(fit_law(x, y), fit_law(np.log(x), y), len(x))


def fit_law(x: Float64[np.ndarray, " point"], y: Float64[np.ndarray, " point"]) -> Law:
    """Ordinary least squares of y = log amplitude - decay x.

    Standard errors are the usual ones with n - 2 degrees of freedom, that of the amplitude by the delta method; AIC is
    n log(RSS / n) + 4 up to a constant; held out is the mean square of r_i / (1 - leverage_i), the errors of the fits that leave
    one point out.
    """
    n = len(x)
    X = np.stack([np.ones(n), -x], axis=1)
    inverse = np.linalg.inv(X.T @ X)
    intercept, decay = inverse @ (X.T @ y)
    residual = y - X @ np.array([intercept, decay])
    leverage = np.einsum("ij,jk,ik->i", X, inverse, X)
    rss = float(residual @ residual)
    se = np.sqrt(np.diag(inverse) * rss / (n - 2))
    amplitude = float(np.exp(intercept))
    held_out = float(np.mean((residual / (1 - leverage)) ** 2))
    aic = n * float(np.log(max(rss / n, ROUNDING))) + 4
    return Law(float(decay), float(se[1]), amplitude, amplitude * float(se[0]), aic, max(held_out, ROUNDING))
