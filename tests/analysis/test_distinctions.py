"""Which histories a layer tells apart, against brute force over all pairs."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmmdsl.analysis.distinctions import history_pairs
from hmmdsl.analysis.distinctions.history_pairs import pairs_within
from hmmdsl.analysis.distinctions.record import Distinctions
from hmmdsl.analysis.outcome import Outcome
from hmmdsl.analysis.reading.histories import histories_read
from hmmdsl.process.algebra.product import product
from hmmdsl.process.distinct import distinct
from hmmdsl.process.history_tree import history_weights, words_of
from hmmdsl.schema.base import SampledHistories
from tests.analysis.invented import InventedRun, inputs_of, invented_run, mess3, rrxor, surroundings
from tests.analysis.shapes import assert_shape


def _distinctions(**options: Any) -> Distinctions:
    return Distinctions.model_validate({"of": "fit", **options})


def _run(analysis: Distinctions, run: InventedRun) -> Outcome:
    return analysis.compute(inputs_of("apart", run))


@dataclass(frozen=True)
class Believing(InventedRun):
    """The embedding holds the history's number in random directions, the blocks its belief, the final norm its next token."""

    def activations(self, step: int | None = None, tree: Any = None) -> dict[str, np.ndarray]:
        random = np.random.default_rng(3)
        found = {}
        for name, width in self.model.points().items():
            known = {"embedding": random.normal(size=(len(tree), width)), "final_norm": tree.next_token}.get(name, tree.belief)
            found[name] = (known @ random.normal(size=(known.shape[1], width))).astype(np.float32)
        return found


@dataclass(frozen=True)
class Constant(InventedRun):
    """Each point holds one vector, whatever the history."""

    def activations(self, step: Any = None, tree: Any = None) -> dict[str, np.ndarray]:
        return {name: np.full((len(tree), width), 0.3, dtype=np.float32) for name, width in self.model.points().items()}


@pytest.mark.parametrize("at", ["final_norm", ["embedding", "blocks"]])
@pytest.mark.parametrize("controls", [[], ["untrained", {"kind": "shuffled", "repeats": 2}, "noise"]])
@pytest.mark.parametrize("follow", [[], [["0", "1"], ["00", "0110"]]])
def test_results_have_the_announced_shape(at: Any, controls: Any, follow: Any) -> None:
    run = invented_run(context=5)
    analysis = _distinctions(at=at, controls=controls, follow=follow)
    assert analysis.problems(surroundings(run)) == []
    results = _run(analysis, run).results
    assert_shape(results, analysis.results(surroundings(run)))
    assert results == _run(analysis, run).results


@pytest.mark.parametrize("positions", ["all", "same"])
@pytest.mark.parametrize("weights", ["probability", "uniform"])
def test_distances_and_scatter_are_those_of_all_pairs(positions: Any, weights: Any) -> None:
    run = invented_run(context=6)
    tree, w = run.tree, history_weights(run.tree, weights)
    found = _run(_distinctions(at="final_norm", positions=positions, weights=weights, threshold=0.5), run).results
    x = run.activations()["final_norm"].astype(np.float64)
    belief, next_token = distinct(tree.belief), distinct(tree.next_token)
    if positions == "same":
        for length in set(tree.length):
            rows = tree.length == length
            x[rows] -= np.average(x[rows], axis=0, weights=w[rows])
    else:
        x -= w @ x
    typical = np.sqrt(2 * w @ (x**2).sum(axis=1))
    sums: dict[str, list[tuple[float, float]]] = {"degenerate": [], "same_belief": []}
    for i, j in combinations(range(len(tree)), 2):
        if next_token[i] != next_token[j] or (positions == "same" and tree.length[i] != tree.length[j]):
            continue
        kind = "same_belief" if belief[i] == belief[j] else "degenerate"
        sums[kind].append((w[i] * w[j], float(np.linalg.norm(x[i] - x[j])) / typical))
    means = {}
    for kind, pairs in sums.items():
        share, distance = np.array(pairs).T
        means[kind] = share @ distance / share.sum()
        assert found["count"][f"{kind}_pairs"] == len(pairs)
        assert found[kind]["distance"] == pytest.approx(means[kind], abs=1e-6)
        assert found[kind]["separated"] == pytest.approx(share @ (distance > 0.5) / share.sum(), abs=1e-6)
        assert found[kind]["standard_error"] == 0
    assert found["degenerate"]["ratio"] == pytest.approx(means["degenerate"] / means["same_belief"], abs=1e-6)
    within = 0.0
    for each in {(b, length if positions == "same" else 0) for b, length in zip(belief, tree.length, strict=True)}:
        rows = (belief == each[0]) & ((tree.length == each[1]) | (positions == "all"))
        within += w[rows] @ ((x[rows] - np.average(x[rows], axis=0, weights=w[rows])) ** 2).sum(axis=1)
    assert found["scatter"]["within"] == pytest.approx(within / (typical**2 / 2), abs=1e-6)


def test_layers_are_told_apart_by_what_they_hold() -> None:
    run = Believing(**vars(invented_run(context=6)))
    results = _run(_distinctions(weights="uniform"), run).results
    block, last = results["block"][1], results["final_norm"]
    assert block["scatter"]["belief"] == pytest.approx(1, abs=1e-9)
    assert block["same_belief"] == pytest.approx({"distance": 0, "standard_error": 0, "separated": 0}, abs=1e-6)
    assert block["degenerate"]["separated"] == pytest.approx(1)
    assert last["scatter"]["next_token"] == pytest.approx(1, abs=1e-9)
    assert last["degenerate"]["distance"] == pytest.approx(0, abs=1e-6)
    assert results["embedding"]["same_belief"]["distance"] > 0.8
    assert results["count"]["beliefs"] == 35  # of 36: no history leads back to the start's belief
    assert results["count"]["next_tokens"] == len(np.unique(run.tree.next_token.round(9), axis=0))


def test_the_pairs_that_collapse_and_separate_most_are_followed() -> None:
    run = Believing(**vars(invented_run(context=6)))
    outcome = _run(_distinctions(), run)
    kinds = [kind for kind, _, _ in outcome.facts["followed"]]
    assert kinds == ["same next token"] * 3 + ["same belief"] * 3
    assert outcome.arrays["followed"].shape == (4, 6)
    collapsing = outcome.arrays["followed"][:, 3:]
    assert (collapsing[0] > 1).all()
    assert (collapsing[-1] < 1e-6).all()


def test_named_pairs_are_followed() -> None:
    run = Believing(**vars(invented_run(context=6)))
    found = _run(_distinctions(follow=[["0", "1"], ["01", "0"]], weights="uniform"), run)
    x = run.activations(None, run.tree)["block[1]"].astype(np.float64)
    typical = np.sqrt(2 * x.var(axis=0).sum())
    assert run.tree.token[:2].tolist() == [0, 1]
    assert found.results["block"][1]["followed"][0] == pytest.approx(np.linalg.norm(x[0] - x[1]) / typical, abs=1e-9)
    assert [names[1:] for names in found.facts["followed"]] == [["0", "1"], ["01", "0"]]


def test_the_empty_history_is_followed_with_bos() -> None:
    run = invented_run(context=3, bos=True)
    analysis = _distinctions(follow=[["", "01"]])
    assert not analysis.problems(surroundings(run))
    assert _run(analysis, run).facts["followed"][0][1:] == ["", "01"]


def test_a_pair_that_was_not_drawn_is_undefined() -> None:
    run = invented_run(context=6)
    drawn = {"kind": "sampled", "words": 2}
    known = {tuple(word) for word in words_of(histories_read(run, None, SampledHistories(words=2)))}
    absent = next("".join(map(str, word)) for word in words_of(run.tree) if word.min() >= 0 and tuple(word) not in known)
    analysis = _distinctions(follow=[["0", "1"], [absent, "0"]], histories=drawn)
    outcome = _run(analysis, run)
    assert_shape(outcome.results, analysis.results(surroundings(run)))
    assert outcome.results["final_norm"]["followed"][1] is None
    assert outcome.facts["followed"][1] == ["not drawn", absent, "0"]
    analysis.figures(outcome, inputs_of("apart", run))


def test_where_nothing_varies_nothing_is_told_apart() -> None:
    run = Constant(**vars(invented_run(context=4)))
    analysis = _distinctions(follow=[["0", "1"]], controls=["untrained", {"kind": "shuffled", "repeats": 2}])
    results = _run(analysis, run).results
    assert_shape(results, analysis.results(surroundings(run)))
    assert results["final_norm"]["degenerate"]["distance"] is results["final_norm"]["scatter"]["belief"] is None
    assert results["final_norm"]["followed"] == [None]


def test_histories_that_all_differ_have_no_pairs_and_no_scatter_within() -> None:
    results = _run(_distinctions(at="final_norm", positions="same"), invented_run(mess3(), context=3)).results
    assert results["count"]["same_belief_pairs"] == 0
    assert results["same_belief"]["distance"] is results["scatter"]["belief"] is results["degenerate"]["ratio"] is None


def test_many_pairs_are_sampled_with_a_seed_and_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    run, analysis = invented_run(context=7), _distinctions(at="final_norm")
    everything = _run(analysis, run).results
    monkeypatch.setattr(history_pairs, "MOST_PAIRS", 500)
    sampled = _run(analysis, run).results
    assert sampled == _run(analysis, run).results
    for kind in ("degenerate", "same_belief"):
        error = sampled[kind]["standard_error"]
        assert 0 < error < 0.05
        assert abs(sampled[kind]["distance"] - everything[kind]["distance"]) < 5 * error


@given(st.integers(2, 40), st.integers(1, 4), st.integers(1, 4), st.integers(0, 1000))
def test_pairs_are_those_of_one_group_that_differ(count: int, groups: int, inner: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    weights, group, label = random.random(count) + 0.1, random.integers(groups, size=count), random.integers(inner, size=count)
    wanted = {
        (i, j): weights[i] * weights[j] for i, j in combinations(range(count), 2) if group[i] == group[j] and label[i] != label[j]
    }
    found = pairs_within(weights, group, label, 10_000, random)
    assert found.complete
    ends = [tuple(sorted(pair)) for pair in zip(found.left.tolist(), found.right.tolist(), strict=True)]
    assert dict(zip(ends, found.weight, strict=True)) == pytest.approx(
        {pair: weight / sum(wanted.values()) for pair, weight in wanted.items()}
    )


def test_drawn_pairs_come_as_often_as_they_weigh() -> None:
    random = np.random.default_rng(0)
    weights, group, label = random.random(12) + 0.1, np.arange(12) % 2, np.arange(12) % 3
    exact = pairs_within(weights, group, label, 1000, random)
    drawn = [pairs_within(weights, group, label, len(exact) - 1, random) for _ in range(4000)]
    counts = np.zeros((12, 12))
    for pairs in drawn:
        assert not pairs.complete
        np.add.at(counts, (pairs.left, pairs.right), 1)
    share = (counts + counts.T) / counts.sum()
    for i, j, weight in zip(exact.left, exact.right, exact.weight, strict=True):
        assert share[i, j] == pytest.approx(weight, abs=5 * (weight / counts.sum()) ** 0.5)
    assert share[np.ix_(group == 0, group == 1)].sum() == 0


@pytest.mark.parametrize("spaced", ["(0,1) (1,0)", "(0, 1) (1, 0)"])
def test_words_of_products_are_read_with_spaces_inside_and_without(spaced: str) -> None:
    run = invented_run(product({"left": rrxor(), "right": rrxor()}), context=2)
    assert not _distinctions(follow=[[spaced, "(0,0)"]]).problems(surroundings(run))
    (problem,) = _distinctions(follow=[["(0, 1)(0,2)", "(0,0)"]]).problems(surroundings(run))
    assert (problem.code, problem.path) == ("E0573", ("follow", 0, 0))
    assert "no token `(0,2)`" in problem.message
    assert "(0, 0), (0, 1)" in problem.help


@pytest.mark.parametrize(
    ("pair", "path"),
    [
        (["01", "2"], ("follow", 0, 1)),
        (["0101010", "0"], ("follow", 0, 0)),
        (["", "0"], ("follow", 0, 0)),
        (["0", "1111111"], ("follow", 0, 1)),
        (["01", "01"], ("follow", 0)),
    ],
)
def test_words_that_are_no_histories_are_mistakes(pair: list[str], path: Any) -> None:
    (problem,) = _distinctions(follow=[pair]).problems(surroundings(invented_run(context=6)))
    assert (problem.code, problem.path) == ("E0573", path)
    assert problem.help
