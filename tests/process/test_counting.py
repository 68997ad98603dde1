import numpy as np
import pytest
from hypothesis import given, settings

from hmmdsl.process.counting import count_histories, few_beliefs
from hmmdsl.process.history_tree import build_history_tree, distinct_beliefs
from hmmdsl.process.process import Process
from tests.process.brute_force import words
from tests.process.known_processes import ALL, even, golden_mean, mess3, rrxor, zero_one_random
from tests.process.random_processes import processes


def test_published_counts_of_rrxor() -> None:
    counts = count_histories(rrxor(), 14)
    assert counts[9] == 436
    assert sum(counts[:10]) == 1046
    assert counts.total == 7654
    assert counts.exact


def test_bos_adds_the_empty_history() -> None:
    assert count_histories(rrxor(), 10, bos=True) == (1, *count_histories(rrxor(), 10))


def test_mess3_has_every_word() -> None:
    assert count_histories(mess3(), 10) == tuple(3**n for n in range(1, 11))
    assert count_histories(mess3(), 1000)[-1] == 3**1000


def test_counts_are_those_of_enumeration() -> None:
    for process in ALL:
        assert count_histories(process, 6) == tuple(len(words(process, n)) for n in range(1, 7))


@settings(max_examples=50, deadline=None)
@given(processes())
def test_counts_of_random_processes(process: Process) -> None:
    assert count_histories(process, 4) == tuple(len(words(process, n)) for n in range(1, 5))


@settings(max_examples=50, deadline=None)
@given(processes())
def test_beyond_the_budget_counts_are_upper_bounds_and_say_so(process: Process) -> None:
    exact = count_histories(process, 5)
    bounds = count_histories(process, 5, limit=1)
    assert len(bounds) == len(exact)
    assert all(bound >= count for bound, count in zip(bounds, exact, strict=True))


@pytest.mark.parametrize("lengths", [(1, 6), (0, 3), (4, 4), (3, 6)])
@pytest.mark.parametrize(
    "process", [rrxor(), golden_mean(), even(), zero_one_random(), mess3()], ids=lambda process: process.name
)
def test_beliefs_are_counted_where_they_are_few(process: Process, lengths: tuple[int, int]) -> None:
    tree = build_history_tree(process, 6, bos=True)
    rows = np.flatnonzero((tree.length >= lengths[0]) & (tree.length <= lengths[1]))
    there = int(distinct_beliefs(tree, rows).max()) + 1
    assert few_beliefs(process, *lengths, there + 1) == there
    assert few_beliefs(process, *lengths, there) is None
