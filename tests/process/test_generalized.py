"""Generalized HMMs: every number against all words one by one, and against the same process as an ordinary HMM."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
import torch

from hmmdsl.analysis import kinds
from hmmdsl.language.elaborate import compile_file, compile_text
from hmmdsl.language.modules.imports import LIBRARY
from hmmdsl.process.algebra.canonical import canonical_dimension
from hmmdsl.process.algebra.failure import AlgebraError
from hmmdsl.process.algebra.mixture import mixture
from hmmdsl.process.algebra.product import product as product_of
from hmmdsl.process.algebra.switch import switch
from hmmdsl.process.algebra.transforms import leak, minimize, noise, reverse
from hmmdsl.process.counting import count_histories
from hmmdsl.process.dynamics.predictive_form import predictive_form
from hmmdsl.process.entropies import entropy_rate, myopic_entropies
from hmmdsl.process.generalized import (
    EigenvectorError,
    SpectralRadiusError,
    eigenvectors,
    first_bad_word,
    future_coordinates,
    observability_index,
)
from hmmdsl.process.history_tree import build_history_tree, sample_history_tree
from hmmdsl.process.mixed_states import mixed_state_presentation
from hmmdsl.process.portraying import portrait
from hmmdsl.process.process import Process
from hmmdsl.process.sampling import sample_words
from hmmdsl.schema.process import ProcessTable
from hmmdsl.training.words import WordSource

NAMES = ("bloch_walk", "fanizza", "moon")

KNOWN = {
    "bloch_walk": (2, 1.986239, 1.975930, 1.967799),
    "fanizza": (0.998950, 0.975859, 0.975138, 0.950172),
    "moon": (1.049317, 1.027328, 1.019693, 1.013410),
}
"""Myopic entropies in bits (Riechers et al. 2025's processes at their usual parameters)."""


@pytest.fixture(scope="module")
def library() -> dict[str, Process]:
    return dict(compile_file(LIBRARY / "processes.hmm", kinds()).declared)


def block_entropy(process: Process, length: int) -> float:
    """The entropy of all words of a length, each by its own product of matrices, in bits."""
    vectors = {(): process.eta}
    for _ in range(length):
        vectors = {(*word, x): v @ process.T[x] for word, v in vectors.items() for x in range(len(process.tokens))}
    p = np.array([vector @ process.r for vector in vectors.values()])
    p = p[p > 1e-12]
    assert abs(p.sum() - 1) < 1e-10
    return float(-(p * np.log2(p)).sum())


@pytest.mark.parametrize("name", NAMES)
def test_myopic_entropies_are_those_of_all_words(library: dict[str, Process], name: str) -> None:
    found = myopic_entropies(library[name], 8).bits
    blocks = [block_entropy(library[name], n) for n in range(9)]
    assert np.allclose(found, np.diff(blocks), atol=1e-10)
    assert np.allclose(found[:4], KNOWN[name], atol=5e-7)


@pytest.mark.parametrize("name", NAMES)
def test_the_history_tree_holds_every_word_that_can_occur(library: dict[str, Process], name: str) -> None:
    process = library[name]
    tree = build_history_tree(process, 5)
    assert len(tree) == count_histories(process, 5).total
    assert np.allclose(tree.belief @ process.r, 1)
    assert np.allclose(tree.next_token.sum(axis=1), 1)
    assert np.allclose([tree.probability[a:b].sum() for a, b in zip(tree.levels, tree.levels[1:], strict=False)], 1)


def test_a_word_of_probability_zero_is_no_history(library: dict[str, Process]) -> None:
    moon = library["moon"]
    assert abs(float(moon.eta @ moon.T[0] @ moon.T[0] @ moon.r)) < 1e-15
    assert count_histories(moon, 2) == (3, 8)
    tree = build_history_tree(moon, 2)
    assert tree.next_token[0, 0] == 0


def mess3_as(library: dict[str, Process], change: np.ndarray) -> Process:
    """Mess3 in other coordinates: the same words, entries of any sign."""
    mess3, inverse = library["mess3"], np.linalg.inv(change)
    operators = tuple(
        {(i, j): float(m[i, j]) for i in range(3) for j in range(3)} for m in (inverse @ T @ change for T in mess3.T)
    )
    return replace(
        mess3,
        operators=operators,
        start=tuple(map(float, mess3.eta @ change)),
        right=tuple(map(float, inverse @ np.ones(3))),
    )


def test_other_coordinates_change_nothing_that_can_be_seen(library: dict[str, Process]) -> None:
    change = np.array([[1.0, 0.5, -2.0], [0.3, 1.5, 0.1], [-0.7, 0.2, 1.0]])
    mess3, other = library["mess3"], mess3_as(library, change)
    known, found = build_history_tree(mess3, 5), build_history_tree(other, 5)
    assert np.allclose(known.next_token, found.next_token)
    assert np.allclose(known.belief @ change, found.belief)
    rate = entropy_rate(other)
    assert rate.value_bits == pytest.approx(1.1447172664, abs=1e-8)
    assert 1.05 < rate.lower_bits < rate.value_bits
    assert rate.upper_bits >= 1.1447172664
    left = np.linalg.norm(known.belief[1] @ future_coordinates(mess3) - known.belief[2] @ future_coordinates(mess3))
    right = np.linalg.norm(found.belief[1] @ future_coordinates(other) - found.belief[2] @ future_coordinates(other))
    assert left == pytest.approx(float(right))


def test_distances_of_futures_are_those_of_all_words_of_the_observability_index(library: dict[str, Process]) -> None:
    process = library["rrxor"]
    index = observability_index(process)
    assert index == 4
    words = [process.r]
    for _ in range(index):
        words = [T @ vector for T in process.T for vector in words]
    futures = np.stack(words, axis=1)
    short = future_coordinates(process)
    assert np.allclose(futures @ futures.T, short @ short.T)


def test_an_exact_ghmm_has_exact_beliefs(library: dict[str, Process]) -> None:
    msp = mixed_state_presentation(library["bloch_walk"], max_beliefs=100)
    assert not msp.numerical
    assert msp.fractions(0) == (1, 0, 0)
    assert np.allclose(msp.belief[1], [float(value) for value in msp.fractions(1)])


def test_an_ordinary_process_with_a_right_vector_of_ones_is_itself(library: dict[str, Process]) -> None:
    rrxor = library["rrxor"]
    same = replace(rrxor, right=(Fraction(1),) * 5)
    about = portrait(same)
    assert about.generalized
    assert about.beliefs.count == 36
    assert about.entropy_rate.value_bits == pytest.approx(2 / 3, abs=1e-12)
    assert about.period == 3
    assert build_history_tree(same, 6).probability == pytest.approx(build_history_tree(rrxor, 6).probability)


@pytest.mark.parametrize("name", NAMES)
def test_drawn_words_have_their_probabilities(library: dict[str, Process], name: str) -> None:
    process, count = library[name], 40_000
    tree = build_history_tree(process, 3)
    V = len(process.tokens)
    exact = np.zeros(V**3)
    for word in product(range(V), repeat=3):
        vector = process.eta
        for x in word:
            vector = vector @ process.T[x]
        exact[word[0] * V * V + word[1] * V + word[2]] = max(0.0, float(vector @ process.r))
    for words in (sample_words(process, count, 3, 5), WordSource(process, 3, torch.device("cpu"), 5).draw(count).numpy()):
        found = np.bincount(words @ (V ** np.arange(2, -1, -1)), minlength=V**3)
        possible = exact > 1e-12
        assert found[~possible].sum() == 0
        chi = float(((found[possible] - count * exact[possible]) ** 2 / (count * exact[possible])).sum())
        degrees = int(possible.sum()) - 1
        assert chi < degrees + 5 * (2 * degrees) ** 0.5
    assert tree.levels[-1] - tree.levels[-2] == int((exact > 1e-12).sum())


def test_a_sampled_tree_has_the_true_beliefs(library: dict[str, Process]) -> None:
    process = library["bloch_walk"]
    exact, drawn = build_history_tree(process, 2), sample_history_tree(process, 2, 5000, 1)
    assert len(exact) == len(drawn)
    assert np.allclose(exact.belief, drawn.belief)


def test_eigenvectors_are_exact_where_the_operators_are() -> None:
    half = Fraction(1, 2)
    found = eigenvectors({(0, 0): half, (0, 1): half, (1, 0): Fraction(1, 4), (1, 1): Fraction(3, 4)}, 2)
    assert found.left == (Fraction(1, 3), Fraction(2, 3))
    assert found.right == (1, 1)


def test_a_spectral_radius_other_than_one_is_told() -> None:
    with pytest.raises(SpectralRadiusError) as error:
        eigenvectors({(0, 0): Fraction(3, 2)}, 1)
    assert error.value.radius == 1.5
    with pytest.raises(EigenvectorError, match="2-fold"):
        eigenvectors({(0, 0): Fraction(1), (1, 1): Fraction(1)}, 2)
    with pytest.raises(EigenvectorError, match="2-fold"):
        eigenvectors({(0, 0): Fraction(1), (0, 1): Fraction(1), (1, 1): Fraction(1)}, 2)
    with pytest.raises(EigenvectorError, match="no eigenvalue 1"):
        eigenvectors({(0, 0): Fraction(-1)}, 1)


def test_the_first_bad_word_is_named(library: dict[str, Process]) -> None:
    bad = compile_text(
        "import std.processes (fanizza)\nprocess x = fanizza(lambda = 0.62)", "x.hmm", kinds(), folder=LIBRARY
    ).declared["x"]
    assert first_bad_word(bad, 12) is None
    wrong = replace(library["coin"], operators=({(0, 0): Fraction(5, 4)}, {(0, 0): Fraction(-1, 4)}), right=(Fraction(1),))
    found = first_bad_word(wrong, 8)
    assert found is not None
    assert found.word == ("tails",)
    assert found.value == -0.25


@pytest.mark.parametrize("name", NAMES)
def test_a_ghmm_can_be_written_out_and_read_again(library: dict[str, Process], name: str) -> None:
    table = ProcessTable.of(library[name])
    again = ProcessTable.model_validate(table.model_dump(mode="json")).process()
    assert again == library[name]


def test_a_table_with_a_wrong_right_vector_is_refused(library: dict[str, Process]) -> None:
    table = ProcessTable.of(library["bloch_walk"])
    with pytest.raises(ValueError, match="eigenvector"):
        replace_right(table, (Fraction(0), Fraction(1), Fraction(0))).process()
    with pytest.raises(ValueError, match="must be 1"):
        replace_right(table, (Fraction(2), Fraction(0), Fraction(0))).process()


def replace_right(table: ProcessTable, right: tuple[Fraction, ...]) -> ProcessTable:
    return table.model_copy(update={"right": right})


@pytest.mark.parametrize(("name", "dimension"), [("bloch_walk", 3), ("fanizza", 4), ("moon", 3)])
def test_the_canonical_dimension_is_that_of_the_operators(library: dict[str, Process], name: str, dimension: int) -> None:
    assert canonical_dimension(library[name]).rank == dimension


def word_probability(process: Process, word: tuple[int, ...]) -> float:
    vector = process.eta
    for x in word:
        vector = vector @ process.T[x]
    return float(vector @ process.r)


def test_the_algebra_takes_generalized_processes_where_it_has_a_meaning(library: dict[str, Process]) -> None:
    moon, coin = library["moon"], library["coin"]
    both = product_of({"left": moon, "right": coin})
    assert word_probability(both, (1, 4)) == pytest.approx(word_probability(moon, (0, 2)) * word_probability(coin, (1, 0)))
    mixed = mixture({"A": moon, "B": library["fanizza"]}, [Fraction(1, 3), Fraction(2, 3)])
    expected = word_probability(moon, (1, 0)) / 3 + 2 * word_probability(library["fanizza"], (1, 0)) / 3
    assert mixed.tokens == ("0", "1", "2")
    assert word_probability(mixed, (1, 0)) == pytest.approx(expected)
    assert not portrait(mixed, depth=3).ergodic
    assert noise(moon, Fraction(1)).generalized
    with pytest.raises(AlgebraError, match="generalized HMM"):
        leak(moon, Fraction(1, 10))
    with pytest.raises(AlgebraError, match="more causal states than could be followed"):
        minimize(moon)


@pytest.mark.parametrize("seen", [True, False])
@pytest.mark.parametrize("end", [Fraction(0), Fraction(1, 5), Fraction(1)])
def test_a_switch_runs_generalized_processes(library: dict[str, Process], end: Fraction, seen: bool) -> None:
    """In other coordinates, with another r, every word of the switch keeps its probability, and what it says of its parts too."""
    change = np.array([[2.0, 1.0, 0.0], [0.0, -1.0, 1.0], [1.0, 0.0, 3.0]])
    coin, other = library["coin"], mess3_as(library, change)
    plain = switch(coin, {"heads": library["mess3"], "tails": library["golden_mean"]}, end, seen)
    changed = switch(coin, {"heads": other, "tails": library["golden_mean"]}, end, seen)
    assert changed.generalized
    assert changed.start_kind == plain.start_kind
    for word in product(range(len(plain.tokens)), repeat=4):
        assert word_probability(changed, word) == pytest.approx(word_probability(plain, word), abs=1e-12)
    assert np.allclose(build_history_tree(changed, 4).next_token, build_history_tree(plain, 4).next_token)
    with pytest.raises(AlgebraError, match="top of a switch needs hidden states"):
        switch(library["moon"], dict.fromkeys(library["moon"].tokens, coin))


@pytest.mark.parametrize("name", NAMES)
def test_the_reverse_of_a_generalized_process_reads_words_backwards(library: dict[str, Process], name: str) -> None:
    process = library[name]
    back = reverse(process)
    for word in product(range(len(process.tokens)), repeat=4):
        assert word_probability(back, word) == pytest.approx(word_probability(process, word[::-1]), abs=1e-12)
    assert reverse(back, process.name) == process


MEASURED = """
ghmm measured {{
  tokens up, down, twist
  start {start}
  kraus up    = [[{fifths}, 0], [0, 0]]
  kraus down  = [[0, 0], [0, {fifths}]]
  kraus twist = 4/5 * [[0, -1i], [1i, 0]]
}}
"""
"""A qubit that is measured along Z now and then, and turned in between: the last result and the turns since are what matters."""


@pytest.mark.parametrize("fifths", ["3/5", "float(3/5)"])
@pytest.mark.parametrize(("start", "states"), [("[[1/2, 0], [0, 1/2]]", 2), ("[[1/2, 1/2], [1/2, 1/2]]", 3)])
def test_a_quantum_process_with_few_causal_states_is_minimized(fifths: str, start: str, states: int) -> None:
    """A stationary one has the causal states of infinite pasts; of another, the start is one more."""
    measured = compile_text(MEASURED.format(start=start, fifths=fifths), "x.hmm", kinds()).declared["measured"]
    small = minimize(measured)
    assert not small.generalized
    assert len(small.states) == states
    assert small.exact == measured.exact
    for word in product(range(3), repeat=4):
        assert word_probability(small, word) == pytest.approx(word_probability(measured, word), abs=1e-12)


def test_futures_of_an_exact_quantum_process_are_those_of_its_words() -> None:
    """Whose right eigenvector, the trace, is not all ones."""
    measured = compile_text(MEASURED.format(start="[[3/4, 1/5], [1/5, 1/4]]", fifths="3/5"), "x.hmm", kinds()).declared[
        "measured"
    ]
    form = predictive_form(measured)
    for word in product(range(3), repeat=3):
        vector = form.start
        for x in word:
            vector = vector @ form.T[x]
        assert vector @ form.right == pytest.approx(word_probability(measured, word), abs=1e-12)
