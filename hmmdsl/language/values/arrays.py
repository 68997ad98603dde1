"""Functions on lists: linear algebra on exact numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

from hmmdsl.language.source import Span
from hmmdsl.language.values.arithmetic import (
    ONE,
    ZERO,
    as_float,
    as_integer,
    as_number,
    combine,
    combine_numbers,
    not_finite,
    shape_text,
    size,
    wrong_type,
)
from hmmdsl.language.values.budget import Budget
from hmmdsl.language.values.failure import ConstantError
from hmmdsl.language.values.value import Array, Complex, Value, kind_of_value

Compute = Callable[[Sequence[Value], Sequence[Span], Span, Budget], Value]
"""A function on values: the arguments, their places, the place of the call, and the budget."""


def as_list(value: Value, span: Span) -> Array:
    """A list. Raises ConstantError (E0403) for anything else."""
    if isinstance(value, Array):
        return value
    raise wrong_type(value, "a list", span)


def as_vector(value: Value, span: Span) -> Array:
    """A list of numbers. Raises ConstantError (E0408) for a list of lists."""
    array = as_list(value, span)
    if len(array.shape) != 1:
        raise ConstantError(
            "E0408", f"a list of numbers is needed here, and this is {shape_text(array)}", span, help="write `[1, 2, 3]`"
        )
    return array


def as_matrix(value: Value, span: Span) -> Array:
    """A list of rows of one length. Raises ConstantError (E0408) for other shapes."""
    array = as_list(value, span)
    if len(array.shape) != 2:
        raise ConstantError(
            "E0408", f"a matrix is needed here, and this has {shape_text(array)}", span, help="write `[[1, 0], [0, 1]]`"
        )
    return array


def _rows(matrix: Array) -> list[tuple[Value, ...]]:
    return list(matrix.rows())


def _matrix(rows: Sequence[Sequence[Value]]) -> Array:
    return Array(tuple(Array(tuple(row)) for row in rows))


def total(items: Sequence[Value], span: Span, budget: Budget) -> Value:
    """The sum of numbers, or of lists element by element; 0 for none."""
    result: Value = ZERO
    for k, item in enumerate(items):
        budget.spend(span)
        result = combine("+", result, item, span, budget) if k else item
    return result


def _inner(a: Sequence[Value], b: Sequence[Value], span: Span) -> Value:
    result: Value = ZERO
    for x, y in zip(a, b, strict=True):
        if x != 0 and y != 0:
            result = combine_numbers("+", result, combine_numbers("*", x, y, span), span)
    return result


def _dot(values: Sequence[Value], spans: Sequence[Span], span: Span, budget: Budget) -> Value:
    a, b = (as_list(value, place) for value, place in zip(values, spans, strict=True))
    if len(a.shape) > 2 or len(b.shape) > 2 or a.shape[-1] != b.shape[0]:
        raise ConstantError(
            "E0408",
            f"`dot` cannot multiply {shape_text(a)} by {shape_text(b)}",
            span,
            help="the last length of the first must equal the first length of the second",
        )
    columns = list(zip(*_rows(b), strict=True)) if len(b.shape) == 2 else [b.items]
    rows = _rows(a) if len(a.shape) == 2 else [a.items]
    budget.check_length(len(rows) * len(columns), span)
    budget.spend(span, len(rows) * len(columns) * b.shape[0])
    product = [[_inner(row, column, span) for column in columns] for row in rows]
    if len(a.shape) == 2:
        return _matrix(product) if len(b.shape) == 2 else Array(tuple(row[0] for row in product))
    return Array(tuple(product[0])) if len(b.shape) == 2 else product[0][0]


def _outer(values: Sequence[Value], spans: Sequence[Span], span: Span, budget: Budget) -> Value:
    a, b = (as_vector(value, place) for value, place in zip(values, spans, strict=True))
    budget.check_length(len(a.items) * len(b.items), span)
    return _matrix([[combine_numbers("*", x, y, span) for y in b.items] for x in a.items])


def _transpose(values: Sequence[Value], spans: Sequence[Span], span: Span, budget: Budget) -> Value:
    matrix = as_matrix(values[0], spans[0])
    budget.check_length(size(matrix), span)
    return _matrix(list(zip(*_rows(matrix), strict=True)))


def _diag(values: Sequence[Value], spans: Sequence[Span], span: Span, budget: Budget) -> Value:
    array = as_list(values[0], spans[0])
    if len(array.shape) == 2:
        return Array(tuple(row[i] for i, row in enumerate(array.rows()) if i < len(row)))
    vector = as_vector(array, spans[0]).items
    budget.check_length(len(vector) ** 2, span)
    return _matrix([[value if i == j else ZERO for j in range(len(vector))] for i, value in enumerate(vector)])


def _identity(values: Sequence[Value], spans: Sequence[Span], span: Span, budget: Budget) -> Value:
    n = as_count(values[0], "the size of an identity matrix", spans[0])
    budget.check_length(n * n, span)
    return _matrix([[ONE if i == j else ZERO for j in range(n)] for i in range(n)])


def _block_diag(values: Sequence[Value], spans: Sequence[Span], span: Span, budget: Budget) -> Value:
    blocks = [
        as_matrix(value, place) if isinstance(value, Array) else Array((Array((as_number(value, place),)),))
        for value, place in zip(values, spans, strict=True)
    ]
    width = sum(block.shape[1] for block in blocks)
    budget.check_length(width * sum(block.shape[0] for block in blocks), span)
    rows: list[list[Value]] = []
    before = 0
    for block in blocks:
        after = width - before - block.shape[1]
        rows.extend([*[ZERO] * before, *row, *[ZERO] * after] for row in block.rows())
        before += block.shape[1]
    return _matrix(rows)


def _kron(values: Sequence[Value], spans: Sequence[Span], span: Span, budget: Budget) -> Value:
    a, b = (as_matrix(value, place) for value, place in zip(values, spans, strict=True))
    budget.check_length(size(a) * size(b), span)
    return _matrix([[combine_numbers("*", x, y, span) for x in p for y in q] for p in a.rows() for q in b.rows()])


def _spectral_radius(values: Sequence[Value], spans: Sequence[Span], span: Span, budget: Budget) -> Value:
    matrix = as_matrix(values[0], spans[0])
    n, m = matrix.shape
    if n != m:
        raise ConstantError(
            "E0408",
            f"`spectral_radius` wants a square matrix, and this is {n} x {m}",
            spans[0],
            help="give it as many rows as columns",
        )
    budget.spend(span, n**3)
    import numpy as np

    entries = [[_complex_float(value, spans[0]) for value in row] for row in matrix.rows()]
    radius = float(np.max(np.abs(np.linalg.eigvals(np.array(entries)))))
    if radius != radius:
        raise not_finite(span)
    return radius


def _complex_float(value: Value, span: Span) -> complex:
    if isinstance(value, Complex):
        return complex(as_float(value.re, span), as_float(value.im, span))
    return complex(as_float(as_number(value, span), span))


def as_count(value: Value, what: str, span: Span) -> int:
    """An integer of at least 1. Raises ConstantError (E0403)."""
    n = as_integer(value, what, span)
    if n < 1:
        raise ConstantError("E0403", f"{what} must be at least 1, not {n}", span, help="write a positive integer")
    return n


def _linspace(values: Sequence[Value], spans: Sequence[Span], span: Span, budget: Budget) -> Value:
    low, high = (as_number(value, place) for value, place in zip(values[:2], spans[:2], strict=True))
    n = as_count(values[2], "the number of points", spans[2])
    budget.check_length(n, span)
    if n == 1:
        return Array((low,))
    points: list[Value] = []
    for k in range(n):
        share = Fraction(k, n - 1)
        points.append(
            combine_numbers("+", combine_numbers("*", low, 1 - share, span), combine_numbers("*", high, share, span), span)
        )
    return Array(tuple(points))


LIST_FUNCTIONS: dict[str, tuple[int, int | None, str, str, Compute]] = {
    "linspace": (3, 3, "linspace(first, last, count)", "numbers at equal distances, both ends among them", _linspace),
    "outer": (2, 2, "outer(a, b)", "the outer product of two lists", _outer),
    "dot": (2, 2, "dot(a, b)", "the product of matrices, lists, or a matrix and a list", _dot),
    "transpose": (1, 1, "transpose(matrix)", "rows and columns exchanged", _transpose),
    "diag": (1, 1, "diag(list)", "the diagonal matrix of a list, or the diagonal of a matrix", _diag),
    "block_diag": (1, None, "block_diag(a, b, …)", "matrices and numbers along the diagonal", _block_diag),
    "kron": (2, 2, "kron(a, b)", "the Kronecker product of two matrices", _kron),
    "identity": (1, 1, "identity(size)", "the identity matrix", _identity),
    "spectral_radius": (1, 1, "spectral_radius(matrix)", "the largest modulus of an eigenvalue, a float", _spectral_radius),
}
"""Least and most arguments (None: any number), how it is written, what it is, and what it does."""


def make_list(items: Sequence[Value], spans: Sequence[Span], span: Span, budget: Budget) -> Array:
    """`[a, b, …]`. Raises ConstantError (E0410) if the items differ in sort or shape."""
    budget.check_length(len(items), span)
    for item, place in zip(items[1:], spans[1:], strict=True):
        first = items[0]
        if isinstance(first, Array) and isinstance(item, Array):
            if item.shape != first.shape:
                raise ConstantError(
                    "E0410",
                    f"the rows of a list must be alike: this has {shape_text(item)}, the first {shape_text(first)}",
                    place,
                    help="give every row the same length",
                )
        elif _sort(first) != _sort(item):
            raise ConstantError(
                "E0410",
                f"the items of a list must be alike: this is {kind_of_value(item)}, the first is {kind_of_value(first)}",
                place,
                help="write a list of numbers, or of rows of one length",
            )
    return Array(tuple(items))


def _sort(value: Value) -> type:
    return Fraction if isinstance(value, (float, Complex)) else type(value)
