"""The shuffled control, all repeats at once, against one fit for each repeat."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hmmdsl.analysis.fitting.fits import Statistics, read
from hmmdsl.analysis.fitting.folds import assign_folds
from hmmdsl.analysis.fitting.scores import Scoring
from hmmdsl.analysis.fitting.setting import Ridge, Setting
from hmmdsl.analysis.fitting.shuffled import shuffle
from hmmdsl.analysis.reading.points import Place


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("ridge", ["auto", "none", 0.05])
def test_each_repeat_is_the_fit_to_permuted_targets(ridge: Ridge, intercept: bool) -> None:
    random = np.random.default_rng(0)
    n = 250
    features = {"a": random.normal(size=(n, 6)).astype(np.float32), "b": random.normal(size=(n, 4)).astype(np.float32) + 1}
    targets = {
        "x": random.normal(size=(n, 2)) + features["a"][:, :2],
        "y": random.normal(size=(n, 3)),
        "state": random.dirichlet([0.5, 0.5, 0.5, 0.5], size=n),
    }
    setting = Setting(
        places=[Place("a", ("a",), 6), Place("concat", ("a", "b"), 10)],
        targets=targets,
        weights=random.exponential(size=n) / n,
        levels=(0, 50, n),
        draws=[assign_folds(np.arange(n), np.ones(n, dtype=np.int64), 4, random) for _ in range(2)],
        intercept=intercept,
        ridge=ridge,
        scored={"state": Scoring(state=True)},
    )
    found = shuffle(features, setting, Statistics.of(features, setting), 3, np.random.default_rng(5))
    orders = np.random.default_rng(5)
    for r in range(3):
        order = orders.permutation(n)
        one = read(features, replace(setting, targets={name: target[order] for name, target in targets.items()}))
        for key, scores in found.items():
            assert scores.in_sample[r].results() == pytest.approx(one[key].score.results(), abs=1e-9)
            held_out = one[key].held_out[0]
            assert scores.held_out[r].results() == pytest.approx(held_out.score.results(), abs=1e-9)
