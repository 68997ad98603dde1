"""Standard errors of results over drawn words: against what other draws give."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from hmmdsl.analysis.fitting.sampling_error import group_shares, jackknife
from hmmdsl.analysis.information.record import Information
from hmmdsl.analysis.pca.record import Pca
from hmmdsl.analysis.regression.record import Regression
from hmmdsl.analysis.subspaces.record import Subspaces
from hmmdsl.process.algebra.product import product
from hmmdsl.process.history_tree import HistoryTree, build_history_tree, sample_history_tree
from hmmdsl.process.process import Process
from hmmdsl.schema.base import Exact, SampledHistories
from tests.analysis.invented import InventedRun, inputs_of, invented_run, mess3, rrxor

DRAWS, WORDS = 24, 150

Results = dict[str, Any]


class PlainRun(InventedRun):
    """Activations are the same function of a history in whatever tree it stands."""

    def activations(self, step: int | None = None, tree: HistoryTree | None = None) -> Mapping[str, np.ndarray]:
        histories = tree if tree is not None else self.tree
        known = [histories.belief**2, histories.belief, np.eye(10)[histories.token], np.eye(7)[histories.length]]
        whole = np.concatenate(known, axis=1)
        mixed = whole @ np.random.default_rng(3).normal(size=(whole.shape[1], 8))
        return dict.fromkeys(self.model.points(), mixed.astype(np.float32))


@cache
def _made(made: Callable[[], Process]) -> PlainRun:
    run = invented_run(made(), context=3)
    return PlainRun(**{each.name: getattr(run, each.name) for each in fields(run)})


def plain_run(made: Callable[[], Process], seed: int) -> PlainRun:
    """Of each seed its own drawn words."""
    run = _made(made)
    return replace(run, train=run.train.model_copy(update={"seed": seed}))


def pair() -> Process:
    return product({"a": mess3(), "b": mess3()})


def pca(seed: int, histories: Any) -> Results:
    run = plain_run(rrxor, seed)
    return Pca(of="fit", at="final_norm", histories=histories).compute(inputs_of("x", run)).results


def subspaces(seed: int, histories: Any) -> Results:
    run = plain_run(pair, seed)
    targets = {"one": "factor.a", "two": "factor.b"}
    probes = {
        each: Regression.model_validate({"of": "fit", "at": ["final_norm"], "target": target, "histories": histories})
        for each, target in targets.items()
    }
    analysis = Subspaces(between=[f"{each}.final_norm" for each in probes], controls=(), repeats=1)
    return analysis.compute(inputs_of("x", run, **probes)).results


def information(seed: int, histories: Any) -> Results:
    run = plain_run(rrxor, seed)
    return (
        Information(of="fit", at="final_norm", k=1, folds=3, controls=(), histories=histories)
        .compute(inputs_of("x", run))
        .results
    )


@cache
def draws(compute: Callable[[int, Any], Results]) -> list[Results]:
    return [compute(k, SampledHistories(words=WORDS)) for k in range(DRAWS)]


CASES: list[tuple[Callable[[int, Any], Results], Callable[[Results], float], Callable[[Results], float]]] = [
    (pca, lambda r: r["participation_ratio"], lambda r: r["standard_error"]["participation_ratio"]),
    (pca, lambda r: r["variance"], lambda r: r["standard_error"]["variance"]),
    (pca, lambda r: r["captured"]["beliefs"], lambda r: r["standard_error"]["captured"]["beliefs"]),
    (information, lambda r: r["history"], lambda r: r["history_standard_error"]),
    (information, lambda r: r["bits"], lambda r: r["standard_error"]),
    (subspaces, lambda r: r["overlap"], lambda r: r["standard_error"]),
]


@pytest.mark.parametrize(("compute", "value", "error"), CASES)
def test_the_error_is_how_far_results_of_other_draws_scatter(
    compute: Callable[[int, Any], Results], value: Callable[[Results], float], error: Callable[[Results], float]
) -> None:
    drawn = draws(compute)
    scatter = np.std([value(one) for one in drawn], ddof=1)
    told = np.mean([error(one) for one in drawn])
    assert 0.6 < told / scatter < 1.7  # a standard deviation of 24 draws is good to a seventh
    assert error(compute(0, Exact())) == 0.0


def test_shares_of_groups_are_those_of_their_words() -> None:
    tree = sample_history_tree(mess3(), 4, 50, 0)
    shares = np.array(list(group_shares(tree, np.random.default_rng(0), 5)))
    np.testing.assert_allclose(shares.sum(axis=0), 1.0, atol=1e-12)
    first = tree.levels[0], tree.levels[1]
    np.testing.assert_allclose(shares[:, slice(*first)] @ tree.probability[slice(*first)], 0.2, atol=1e-12)
    counts = shares * tree.probability * 50
    np.testing.assert_allclose(counts, np.rint(counts), atol=1e-9)
    assert list(group_shares(build_history_tree(mess3(), 3), np.random.default_rng(0))) == []


def test_the_jackknife_of_a_mean_is_its_standard_error() -> None:
    values = np.random.default_rng(0).normal(size=30)
    without = [float(np.delete(values, k).mean()) for k in range(30)]
    assert jackknife(without) == pytest.approx(values.std(ddof=1) / 30**0.5)
    assert jackknife([]) == 0.0
    assert jackknife([1.0, None]) is None
