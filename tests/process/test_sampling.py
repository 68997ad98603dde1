import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2

from hmmdsl.process import block_tables, sampling
from hmmdsl.process.process import Process
from hmmdsl.process.sampling import sample_pieces, sample_words, sample_words_and_states, sampling_tables
from tests.process.brute_force import words
from tests.process.known_processes import ALL, mess3, rrxor
from tests.process.random_processes import processes


@pytest.mark.parametrize("process", ALL, ids=lambda process: process.name)
def test_words_come_as_often_as_their_probability(process: Process) -> None:
    """A chi-square test at one in 10^5, with a fixed seed."""
    drawn = sample_words(process, 50_000, 4, seed=7)
    expected = {word: vector.sum() for word, vector in words(process, 4).items()}
    codes = drawn @ len(process.tokens) ** np.arange(3, -1, -1)
    counts = np.bincount(codes, minlength=len(process.tokens) ** 4)
    places = [int(np.array(word) @ len(process.tokens) ** np.arange(3, -1, -1)) for word in expected]
    assert counts.sum() == counts[places].sum()
    mean = 50_000 * np.array(list(expected.values()))
    statistic = float(((counts[places] - mean) ** 2 / mean).sum())
    assert len(mean) == 1 or statistic < chi2.ppf(1 - 1e-5, len(mean) - 1)


def test_many_outcomes_take_another_way_to_the_same_distribution() -> None:
    sides = np.arange(1, 41)
    operators = tuple({(0, i): side / 820, (1, i): (41 - side) / 820} for i, side in enumerate(sides.tolist()))
    operators = tuple({(i, x % 2): value for (i, _), value in entries.items()} for x, entries in enumerate(operators))
    process = Process("dice", tuple(map(str, sides)), ("A", "B"), operators, (0.5, 0.5))
    assert sampling_tables(process).outcomes == 40
    drawn = sample_words(process, 40_000, 2, seed=2)
    pairs = np.einsum("i,xij,yjk->xy", process.eta, process.T, process.T)
    counts = np.bincount(drawn[:, 0] * 40 + drawn[:, 1], minlength=1600)
    mean = 40_000 * pairs.ravel()
    assert float(((counts - mean) ** 2 / mean).sum()) < chi2.ppf(1 - 1e-5, 1599)


@settings(max_examples=30, deadline=None)
@given(processes())
def test_impossible_words_are_never_drawn(process: Process) -> None:
    possible = set(words(process, 4))
    assert {tuple(word) for word in sample_words(process, 300, 4, seed=0).tolist()} <= possible


def test_the_seed_determines_the_words() -> None:
    assert (sample_words(mess3(), 100, 10, seed=5) == sample_words(mess3(), 100, 10, seed=5)).all()
    assert (sample_words(mess3(), 100, 10, seed=5) != sample_words(mess3(), 100, 10, seed=6)).any()


def test_tables_hold_each_row_s_distribution() -> None:
    for process in ALL:
        tables = sampling_tables(process)
        share = np.diff(tables.cumulative, axis=1, prepend=0.0)
        again = np.zeros_like(process.T)
        for i in range(len(process.states)):
            np.add.at(again, (tables.token[i], i, tables.state[i]), share[i])
        np.testing.assert_allclose(again, process.T, atol=1e-15)


@pytest.mark.parametrize("process", ALL, ids=lambda process: process.name)
def test_hidden_states_come_as_often_as_their_path(process: Process) -> None:
    """A chi-square test over words and paths of two tokens at one in 10^5."""
    words_drawn, states = sample_words_and_states(process, 30_000, 2, seed=3)
    V, S = len(process.tokens), len(process.states)
    joint = np.einsum("i,xij,yjk->xyijk", process.eta, process.T, process.T)
    places = np.ravel_multi_index((*words_drawn.T, *states.T), (V, V, S, S, S))
    counts, mean = np.bincount(places, minlength=joint.size), 30_000 * joint.ravel()
    possible = mean > 0
    assert counts[~possible].sum() == 0
    statistic = float(((counts - mean)[possible] ** 2 / mean[possible]).sum())
    assert possible.sum() == 1 or statistic < chi2.ppf(1 - 1e-5, possible.sum() - 1)


@settings(max_examples=30, deadline=None)
@given(processes(), st.integers(0, 40))
def test_hidden_states_lead_from_one_to_the_next(process: Process, length: int) -> None:
    drawn, states = sample_words_and_states(process, 20, length, seed=1)
    assert drawn.shape == (20, length)
    assert states.shape == (20, length + 1)
    assert (process.eta[states[:, 0]] > 0).all()
    assert (process.T[drawn, states[:, :-1], states[:, 1:]] > 0).all()


@pytest.mark.parametrize("states", [False, True])
@pytest.mark.parametrize("length", [7, 100, 1001])
def test_pieces_are_bounded_and_each_word_goes_on_where_its_piece_ended(
    states: bool, length: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RRXOR: from the third token after a start in S on, every third is the XOR of the two before it."""
    monkeypatch.setattr(sampling, "TOKENS_AT_ONCE", 90)
    process, rows = rrxor(), []
    for piece in sample_pieces(process, 30, length, 4, states):
        assert piece.token.size <= 90
        assert (piece.state is not None) == states
        if piece.position == 0:
            rows += [[] for _ in piece.token]
        for row, part in zip(rows[piece.first_word :], piece.token.tolist(), strict=True):
            row += part
    assert [len(row) for row in rows] == [length] * 30
    for row in rows:
        assert any(all(row[i] == row[i - 1] ^ row[i - 2] for i in range(2 + phase, length, 3)) for phase in range(3))
    if not states:
        np.testing.assert_array_equal(rows, sample_words(process, 30, length, 4))


def test_a_process_too_large_for_tables_has_the_same_distribution(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(block_tables, "LARGEST_TABLE", 1)
    test_words_come_as_often_as_their_probability(mess3())
    test_hidden_states_come_as_often_as_their_path(rrxor())


@settings(max_examples=30, deadline=None)
@given(processes(), st.integers(1, 6), st.booleans())
def test_alias_tables_hold_each_block_s_probability(process: Process, longest: int, paths: bool) -> None:
    blocks = block_tables.blocks_of(process, longest, paths)
    assert blocks is not None
    tables = block_tables.alias_tables(blocks)
    own = np.clip(tables.cut - np.arange(len(tables.cut)), 0, 1)
    share = own.copy()
    np.add.at(share, tables.alias, 1 - own)
    for i in range(len(process.states)):
        rows = slice(i * (tables.width + 1), i * (tables.width + 1) + tables.width)
        spare = np.zeros(tables.width)
        spare[tables.alias[rows.stop] - rows.start] = 1
        expected = blocks.probability[blocks.source == i]
        found = (share[rows] - spare) / tables.width
        np.testing.assert_allclose(found[: len(expected)], expected, atol=1e-12)
        np.testing.assert_allclose(found[len(expected) :], 0, atol=1e-15)
