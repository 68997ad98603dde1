import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmmdsl.process.simplex import belief_colours, drawn_colours, simplex_projection


def beliefs(states: int, count: int = 50) -> np.ndarray:
    return np.random.default_rng(0).dirichlet(np.ones(states), count)


def test_two_states_lie_on_a_line_at_the_second_s_probability() -> None:
    b = beliefs(2)
    plane = simplex_projection(2)(b)
    np.testing.assert_allclose(plane[:, 0], b[:, 1])
    np.testing.assert_allclose(plane[:, 1], 0)


def test_three_states_are_an_equilateral_triangle() -> None:
    projection = simplex_projection(3, beliefs(3))
    assert projection.kind == "triangle"
    sides = [np.linalg.norm(projection.corners[i] - projection.corners[j]) for i, j in ((0, 1), (1, 2), (0, 2))]
    np.testing.assert_allclose(sides, 1)
    np.testing.assert_allclose(projection(np.full((1, 3), 1 / 3))[0], projection.corners.mean(axis=0))


def test_more_states_are_seen_in_their_principal_plane() -> None:
    rng = np.random.default_rng(1)
    b = np.full((40, 8), 1 / 8)
    shift = rng.normal(size=(40, 2)) * 0.03
    b[:, 0] += shift[:, 0]
    b[:, 1] -= shift[:, 0]
    b[:, 2] += shift[:, 1]
    b[:, 3] -= shift[:, 1]
    projection = simplex_projection(8, b)
    assert projection.explained == pytest.approx(1)
    plane = projection(b)
    np.testing.assert_allclose(np.linalg.norm(plane[3] - plane[7]), np.linalg.norm(b[3] - b[7]))


@given(st.integers(1, 8))
def test_the_projection_is_affine(states: int) -> None:
    b = beliefs(states)
    projection = simplex_projection(states, b)
    np.testing.assert_allclose(projection(b.mean(axis=0, keepdims=True))[0], projection(b).mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(projection(np.eye(states)), projection.corners, atol=1e-12)
    assert 0 <= projection.explained <= 1


def test_a_few_states_stand_on_a_polygon_whatever_the_beliefs() -> None:
    projection = simplex_projection(5, beliefs(5))
    np.testing.assert_array_equal(projection.corners, simplex_projection(5).corners)
    spread = np.var(projection(beliefs(5)), axis=0).sum() * 2 / 5
    assert projection.explained == pytest.approx(spread / np.var(beliefs(5), axis=0).sum())


def test_without_beliefs_states_stand_on_a_polygon() -> None:
    projection = simplex_projection(6)
    assert projection.kind == "polygon"
    np.testing.assert_allclose(np.linalg.norm(projection.corners, axis=1), 1)


def test_equal_beliefs_still_have_a_plane() -> None:
    assert np.isfinite(simplex_projection(4, np.full((5, 4), 0.25))(beliefs(4))).all()


@given(st.integers(1, 12))
def test_colours_are_rgb_and_depend_on_the_belief_alone(states: int) -> None:
    b = beliefs(states)
    colours = belief_colours(b)
    assert colours.shape == (50, 3)
    assert ((colours >= 0) & (colours <= 1)).all()
    np.testing.assert_allclose(belief_colours(b[7:8])[0], colours[7], atol=1e-14)


def test_three_states_are_red_green_and_blue() -> None:
    np.testing.assert_allclose(belief_colours(np.eye(3)), np.eye(3))


@pytest.mark.parametrize("states", [2, 4, 5, 8])
def test_states_have_colours_of_their_own(states: int) -> None:
    colours = belief_colours(np.eye(states))
    distance = np.linalg.norm(colours[:, None] - colours[None], axis=2) + np.eye(states)
    assert distance.min() > 0.2


def test_estimates_outside_the_simplex_have_a_colour() -> None:
    assert np.isfinite(belief_colours(np.array([[-0.2, -0.1, 0.0, 0.0], [2.0, -1.0, 0.0, 0.0]]))).all()


def test_a_qubit_is_drawn_on_its_disk() -> None:
    angle = np.linspace(0, 6, 20)
    qubit = np.stack([np.ones(20), np.cos(angle), np.sin(angle)], axis=1)
    projection = simplex_projection(3, qubit, right=np.array([1.0, 0.0, 0.0]))
    assert projection.kind == "disk"
    assert projection.explained == 1
    np.testing.assert_array_equal(projection(qubit), qubit[:, 1:])
    ball = np.stack([np.ones(20), 0.9 * np.cos(angle), np.full(20, 0.1), 0.5 * np.sin(angle)], axis=1)
    projection = simplex_projection(4, ball, right=np.eye(4)[0])
    assert projection.kind == "disk"
    np.testing.assert_array_equal(projection(ball), ball[:, [1, 3]])
    colours = drawn_colours(projection, ball)
    assert ((colours >= 0) & (colours <= 1)).all()


def test_other_generalized_beliefs_are_drawn_in_their_principal_plane() -> None:
    random = np.random.default_rng(0)
    flat = random.normal(size=(50, 2)) @ random.normal(size=(2, 5)) + random.normal(size=5)
    projection = simplex_projection(5, flat, right=random.normal(size=5))
    assert projection.kind == "plane"
    assert projection.explained == pytest.approx(1)
    places = projection(flat)
    np.testing.assert_allclose(
        np.linalg.norm(places[1:] - places[:-1], axis=1), np.linalg.norm(flat[1:] - flat[:-1], axis=1), rtol=1e-9
    )
    low, high = projection.corners.min(axis=0), projection.corners.max(axis=0)
    assert ((places >= low - 1e-9) & (places <= high + 1e-9)).all()
