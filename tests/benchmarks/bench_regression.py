"""Regressions beside scikit-learn's LinearRegression in a loop, on one thread: in sample, shuffled, and cross-validated.

    OMP_NUM_THREADS=1 python -m tests.benchmarks.bench_regression [--histories 600000] [--width 320] [--repeats 100] [--folds 100]

Five targets, 100 permutations of them in sample, and 100 folds of plain least squares: the loop has a fit to all histories for
each permutation and one to all others for each fold, every fit to all five targets at once. A few of its fits are timed,
and the loop is extrapolated from their median. Their numbers are compared with ours, also where features depend on one another.
"""

from __future__ import annotations

import argparse
import resource
import time
from dataclasses import replace

import numpy as np
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score
from threadpoolctl import threadpool_limits

from hmmdsl.analysis.fitting.factors import union
from hmmdsl.analysis.fitting.fits import Reading, Statistics, read
from hmmdsl.analysis.fitting.folds import assign_folds
from hmmdsl.analysis.fitting.setting import Features, Setting
from hmmdsl.analysis.fitting.shuffled import shuffle
from hmmdsl.analysis.reading.points import Place

TARGETS, POINTS = 5, 5


def invented(histories: int, width: int, dependent: bool = False) -> tuple[Features, np.ndarray]:
    """Activations at five points, of decreasing variance and with a mean, and five targets that are nearly linear in them. The
    last point's are sums of the first's and the second's where they are to be `dependent`."""
    random = np.random.default_rng(0)
    each = width // POINTS
    decay = np.geomspace(1, 1e-3, each).astype(np.float32)
    blocks = [random.standard_normal((histories, each), dtype=np.float32) * decay + np.float32(0.5) for _ in range(POINTS)]
    if dependent:
        blocks[-1] = blocks[0] + blocks[1]
    target = sum(block[:, :TARGETS] for block in blocks) + random.standard_normal((histories, TARGETS))
    return {f"block[{i}]": block for i, block in enumerate(blocks)}, target.astype(np.float64)


def setting_of(features: Features, target: np.ndarray, folds: int) -> Setting:
    """All points side by side, plain least squares, histories counted once."""
    histories = len(target)
    place = Place("concat", tuple(features), sum(block.shape[1] for block in features.values()))
    fold = assign_folds(np.arange(histories), np.ones(histories, dtype=np.int64), folds, np.random.default_rng(1))
    weights = np.full(histories, 1 / histories)
    return Setting([place], {"target": target}, weights, (0, histories), (fold,), True, "none")


def ours(features: Features, setting: Setting, repeats: int) -> tuple[Reading, list[float | None], dict[str, float]]:
    """The reading, the R² of each permutation, and the seconds that the parts took."""
    seconds: dict[str, float] = {}
    began = time.perf_counter()

    def part(label: str) -> None:
        nonlocal began
        seconds[label], began = time.perf_counter() - began, time.perf_counter()

    statistics = Statistics.of(features, setting)
    part("one pass over the activations")
    reading = read(features, setting, statistics)["target", "concat"]
    part("the fit in sample, and those of all folds")
    plain = replace(setting, draws=())
    scores = shuffle(features, plain, whole(statistics), repeats, np.random.default_rng(2))["target", "concat"]
    part("all permutations")
    return reading, [one.r2 for one in scores.in_sample], seconds


def whole(statistics: Statistics) -> Statistics:
    """The same statistics of all histories as one fold."""
    return replace(statistics, factors=[union(statistics.factors)])


def compare(features: Features, setting: Setting, repeats: int, timed: int) -> tuple[float, float, float]:
    """Our seconds, the loop's by extrapolation, and the largest difference of any number that both have."""
    reading, shuffled, seconds = ours(features, setting, repeats)
    for label, taken in seconds.items():
        print(f"  {label:<50} {taken:8.1f} s")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"  {'most memory so far':<50} {memory:8.1f} GiB")
    X = np.concatenate([block.astype(np.float64) for block in features.values()], axis=1)
    target, fold = setting.targets["target"], setting.folds
    differences = []

    def fit(rows: np.ndarray | slice, y: np.ndarray, scored: np.ndarray | slice) -> tuple[float, np.ndarray]:
        began = time.perf_counter()
        predicted = LinearRegression().fit(X[rows], y[rows]).predict(X[scored])
        r2_score(y[scored], predicted, multioutput="variance_weighted")
        return time.perf_counter() - began, predicted

    _, predicted = fit(slice(None), target, slice(None))
    differences.append(float(np.abs(predicted - reading.predicted).max()))
    permuting, leaving_out = [], []
    random = np.random.default_rng(2)
    for r in range(timed):
        y = target[random.permutation(len(target))]
        taken, predicted = fit(slice(None), y, slice(None))
        permuting.append(taken)
        differences.append(abs(r2_score(y, predicted, multioutput="variance_weighted") - (shuffled[r] or 0.0)))
        taken, predicted = fit(fold != r, target, fold == r)
        leaving_out.append(taken)
        differences.append(float(np.abs(predicted - reading.held_out[0].predicted[fold == r]).max()))
    folds = int(fold.max()) + 1
    loop = repeats * float(np.median(permuting)) + folds * float(np.median(leaving_out))
    for label, times in (("permuted", permuting), ("a fold left out", leaving_out)):
        print(f"  scikit-learn, one fit, {label + ':':<27} {np.median(times):8.1f} s  (median of {timed})")
    return sum(seconds.values()), loop, max(differences)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--histories", type=int, default=600_000)
    parser.add_argument("--width", type=int, default=320)
    parser.add_argument("--repeats", type=int, default=100)
    parser.add_argument("--folds", type=int, default=100)
    parser.add_argument("--timed", type=int, default=2, help="fits of either kind that the loop is extrapolated from")
    given = parser.parse_args()
    print(f"{given.histories:,} histories x {given.width}, {TARGETS} targets, one thread")
    with threadpool_limits(1):
        features, target = invented(given.histories, given.width)
        taken, loop, difference = compare(features, setting_of(features, target, given.folds), given.repeats, given.timed)
        print(
            f"ours {taken:.1f} s, the loop {loop:.0f} s by extrapolation: {loop / taken:.0f}x; numbers differ by {difference:.1e}"
        )
        few = given.histories // 10
        print(f"a fifth of the features dependent on others, {few:,} histories")
        features, target = invented(few, given.width, dependent=True)
        taken, loop, difference = compare(features, setting_of(features, target, given.folds), given.repeats, 1)
        print(
            f"ours {taken:.1f} s, the loop {loop:.0f} s by extrapolation: {loop / taken:.0f}x; numbers differ by {difference:.1e}"
        )


if __name__ == "__main__":
    main()
