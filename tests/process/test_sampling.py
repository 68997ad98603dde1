import numpy as np
import pytest
from brute_force import words
from hypothesis import given, settings
from known_processes import ALL, mess3
from random_processes import processes
from scipy.stats import chi2

from hmmdsl.process.process import Process
from hmmdsl.process.sampling import sample_words, sampling_tables


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
