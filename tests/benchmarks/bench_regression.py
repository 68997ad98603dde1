"""Regression with ten folds, ridge chosen inside them, beside a loop of scikit-learn fits, on one thread.

python tests/benchmarks/bench_regression.py [--histories 88572] [--width 64] [--points 5]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.metrics import r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from hmmdsl.analysis.options.points import Place
from hmmdsl.analysis.probe.folds import assign_folds
from hmmdsl.analysis.probe.reading import Statistics, read
from hmmdsl.analysis.probe.ridge import PENALTIES
from hmmdsl.analysis.probe.setting import Features, Setting
from hmmdsl.analysis.probe.shuffled import shuffle

FOLDS = 10


def invented(histories: int, width: int, points: int) -> tuple[Features, np.ndarray]:
    """Activations with decreasing variance, and beliefs that are nearly linear in them."""
    random = np.random.default_rng(0)
    decay = np.geomspace(1, 1e-3, width)
    features = {f"block[{i}]": (random.normal(size=(histories, width)) * decay).astype(np.float32) for i in range(points)}
    belief = sum(block[:, :3] for block in features.values()) + 0.1 * random.normal(size=(histories, 3))
    return features, belief


def timed(label: str, work: Callable[[], float]) -> float:
    """Seconds, printed beside the R² that came out."""
    began = time.perf_counter()
    r2 = work()
    taken = time.perf_counter() - began
    print(f"{label:<58} {taken:8.2f} s   R² {r2:.6f}")
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--histories", type=int, default=88_572)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--points", type=int, default=5)
    given = parser.parse_args()
    features, belief = invented(given.histories, given.width, given.points)
    weights = np.full(given.histories, 1 / given.histories)
    fold = assign_folds(given.histories, FOLDS, np.random.default_rng(1))
    X = np.concatenate([block.astype(np.float64) for block in features.values()], axis=1)
    concat = Place("concat", tuple(features), X.shape[1])
    setting = Setting([concat], {"belief": belief}, weights, (0, given.histories), fold, True, "auto")
    print(f"{given.histories:,} histories, {X.shape[1]} features, {FOLDS} folds, {len(PENALTIES)} penalties, one thread")

    def in_sample() -> float:
        return read(features, setting.without_held_out())["belief", "concat"].score.r2 or 0.0

    def held_out() -> float:
        found = read(features, setting)["belief", "concat"].held_out
        return (found.score.r2 if found is not None else None) or 0.0

    def shuffled() -> float:
        plain = setting.without_held_out()
        scores = shuffle(features, plain, Statistics.of(features, plain), 100, np.random.default_rng(0))
        return float(np.mean([one.r2 for one in scores["belief", "concat"].in_sample if one.r2 is not None]))

    def sklearn_in_sample() -> float:
        predicted = LinearRegression().fit(X, belief).predict(X)
        return float(r2_score(belief, predicted, multioutput="variance_weighted"))

    def sklearn_one_inner_fold() -> float:
        """All penalties on one pair of an outer and an inner fold: the loop does this for each ordered pair."""
        training, validation = fold > 1, fold == 1
        best = -np.inf
        for penalty in PENALTIES:
            model = make_pipeline(StandardScaler(), Ridge(alpha=penalty * training.sum())).fit(X[training], belief[training])
            best = max(best, r2_score(belief[validation], model.predict(X[validation]), multioutput="variance_weighted"))
        return float(best)

    with threadpool_limits(1):
        one = timed("in sample", in_sample)
        peer = timed("in sample, scikit-learn's LinearRegression", sklearn_in_sample)
        ten = timed("held out and in sample", held_out)
        pair = timed("all penalties on one pair of folds, scikit-learn's Ridge", sklearn_one_inner_fold)
        timed("100 shuffled repeats, in sample", shuffled)
    loop = pair * FOLDS * (FOLDS - 1)
    print(f"ratio in sample: {peer / one:.1f}x; held out: {loop / ten:.0f}x (the loop would take {loop:.0f} s)")


if __name__ == "__main__":
    main()
