"""Diagrams that can be read: no state upon another, no crossing where none is needed."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmmdsl.process.process import Process
from hmmdsl.report.state_diagram import state_diagram, transition_matrices
from hmmdsl.report.state_layout import state_positions
from hmmdsl.report.style import applied
from hmmdsl.report.wording import probability_text
from tests.process.known_processes import rrxor, zero_one_random
from tests.report.drawn_processes import coin, golden_mean, mess3, parentheses

graphs = st.integers(1, 7).flatmap(
    lambda n: st.tuples(st.just(n), st.sets(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1))))
)
processes = [coin(), golden_mean(), golden_mean(True), zero_one_random(), rrxor(), mess3(), parentheses(11)]


@settings(deadline=None, max_examples=40)
@given(graphs)
def test_states_never_stand_nearer_than_the_unit(graph: tuple[int, set[tuple[int, int]]]) -> None:
    states, edges = graph
    positions = state_positions(states, edges)
    assert positions.shape == (states, 2)
    for i, j in combinations(range(states), 2):
        assert np.linalg.norm(positions[i] - positions[j]) > 1 - 1e-9


def test_rrxor_is_drawn_as_a_wheel_without_crossings() -> None:
    process = rrxor()
    positions = state_positions(5, process.transitions())
    distances = np.linalg.norm(positions - positions[0], axis=1)
    assert np.allclose(distances[1:], distances[1])


@pytest.mark.parametrize("process", processes, ids=lambda process: process.name)
def test_small_processes_are_drawn_with_every_state_and_label(process: Process) -> None:
    with applied():
        texts = {text.get_text() for text in state_diagram(process).axes[0].texts}
    assert set(process.states) <= texts
    for x, entries in enumerate(process.operators):
        assert {f"{process.tokens[x]} : {probability_text(value)}" for value in entries.values()} <= texts


def test_a_given_start_is_marked_and_a_stationary_one_is_not() -> None:
    with applied():
        assert "start" in {text.get_text() for text in state_diagram(golden_mean(given=True)).axes[0].texts}
        assert "start" not in {text.get_text() for text in state_diagram(golden_mean()).axes[0].texts}


def test_many_states_are_drawn_as_matrices() -> None:
    process = parentheses(20)
    with applied():
        titles = [axes.get_title(loc="left") for axes in state_diagram(process).axes]
        assert titles[:2] == ["token open", "token close"]
        assert len(transition_matrices(process).axes) == 3
