"""Functions on lists: the laws of linear algebra, exactly."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmmdsl.language.values.value import Array, Value
from tests.language.process_specs import failure_of, value_of

small = st.integers(-9, 9)


def matrix(rows: int, columns: int) -> st.SearchStrategy[list[list[int]]]:
    return st.lists(st.lists(small, min_size=columns, max_size=columns), min_size=rows, max_size=rows)


def plain(value: Value) -> object:
    """A value as python lists of fractions."""
    return [plain(item) for item in value.items] if isinstance(value, Array) else value


def text(rows: object) -> str:
    return f"[{', '.join(map(text, rows))}]" if isinstance(rows, list) else f"({rows})"


@settings(deadline=None)
@given(matrix(2, 3), matrix(3, 4))
def test_products_agree_with_numpy(a: list[list[int]], b: list[list[int]]) -> None:
    assert plain(value_of(f"dot({text(a)}, {text(b)})")) == (np.array(a) @ np.array(b)).tolist()
    assert plain(value_of(f"kron({text(a)}, {text(b)})")) == np.kron(a, b).tolist()
    assert plain(value_of(f"transpose({text(a)})")) == np.array(a).T.tolist()


@settings(deadline=None)
@given(matrix(3, 3), st.lists(small, min_size=3, max_size=3))
def test_vectors_multiply_from_both_sides(a: list[list[int]], v: list[int]) -> None:
    assert plain(value_of(f"dot({text(a)}, {text(v)})")) == (np.array(a) @ v).tolist()
    assert plain(value_of(f"dot({text(v)}, {text(a)})")) == (v @ np.array(a)).tolist()
    assert plain(value_of(f"outer({text(v)}, {text(v)})")) == np.outer(v, v).tolist()
    assert plain(value_of(f"diag(diag({text(v)}))")) == v
    assert value_of(f"dot({text(v)}, {text(v)})") == sum(x * x for x in v)


@settings(deadline=None)
@given(matrix(2, 2), matrix(2, 2), st.integers(1, 5))
def test_lists_add_and_scale(a: list[list[int]], b: list[list[int]], c: int) -> None:
    left = value_of(f"({text(a)} + {text(b)}) * {c}")
    right = value_of(f"{c} * {text(a)} + {c} * {text(b)}")
    assert left == right
    assert value_of(f"{text(a)} / {c} * {c} - {text(a)}") == value_of("[[0, 0], [0, 0]]")


def test_block_diag_takes_numbers_too() -> None:
    assert plain(value_of("block_diag([[1, 2]], 3)")) == [[1, 2, 0], [0, 0, 3]]


def test_linspace_is_exact() -> None:
    assert plain(value_of("linspace(0, 1, 4)")) == [0, Fraction(1, 3), Fraction(2, 3), 1]


def test_spectral_radius() -> None:
    assert value_of("spectral_radius([[0, 2], [2, 0]])") == pytest.approx(2)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("[1, 2] * [3, 4]", "E0408"),
        ("[1, 2] + [3]", "E0408"),
        ("1 + [1]", "E0408"),
        ("dot([1, 2], [1, 2, 3])", "E0408"),
        ("transpose([1, 2])", "E0408"),
        ("spectral_radius([[1, 2]])", "E0408"),
        ("[1, [2]]", "E0410"),
        ("[[1], [2, 3]]", "E0410"),
        ('["a", 1]', "E0410"),
        ("identity(0)", "E0403"),
        ("identity(100_000)", "E0414"),
        ("linspace(0, 1)", "E0407"),
        ("min([])", "E0402"),
        ("sum(3)", "E0403"),
    ],
)
def test_shapes_and_types_are_checked(text: str, code: str) -> None:
    assert failure_of(text).code == code
