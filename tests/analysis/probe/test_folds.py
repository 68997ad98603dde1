"""Folds over histories."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hmmdsl.analysis.probe.folds import assign_folds


@given(st.integers(1, 500), st.integers(3, 20), st.integers(0, 100))
def test_folds_are_even_and_each_history_is_in_one(histories: int, folds: int, seed: int) -> None:
    sizes = np.bincount(assign_folds(histories, folds, np.random.default_rng(seed)))
    assert sizes.sum() == histories
    assert len(sizes) == min(folds, histories)
    assert sizes.max() - sizes.min() <= 1
