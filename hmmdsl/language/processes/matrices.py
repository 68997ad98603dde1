"""The third form of a process: one labelled matrix per token."""

from __future__ import annotations

from hmmdsl.language import syntax
from hmmdsl.language.messages.hints import listing
from hmmdsl.language.processes.bodies import Body, Matrix
from hmmdsl.language.processes.reports import Reports
from hmmdsl.language.processes.rows import Rows, Where
from hmmdsl.language.source import Span
from hmmdsl.language.values.arithmetic import as_number, shape_text
from hmmdsl.language.values.failure import ConstantError
from hmmdsl.language.values.value import Array, kind_of_value
from hmmdsl.process.process import Scalar


def read_matrices(body: Body, reports: Reports) -> list[dict[tuple[int, int], Scalar]] | None:
    """The entries of each T[x]. States that are not declared are numbered: `0`, `1`, …

    Reports E0321 (a wrong shape), E0322 (a token without an operator), E0302 and E0301 (entries and rows). None if a shape is
    wrong.
    """
    states, tokens = body.symbols.states, body.symbols.tokens
    matrices, size = square_matrices(body, reports)
    if matrices is None:
        return None
    if not len(states):
        for k in range(size):
            states.declare(str(k), matrices[0].item.value.span)
    rows = Rows("transitions out of", "E0301", states, reports, "each row, summed over all operators, must be 1")
    for matrix in matrices:
        _add(matrix, rows, reports)
    operators: list[dict[tuple[int, int], Scalar]] = [{} for _ in tokens]
    for i, row in enumerate(rows.finish(range(size))):
        for (x, j), value in row.items():
            operators[x][i, j] = value
    return operators


def square_matrices(body: Body, reports: Reports) -> tuple[list[Matrix] | None, int]:
    """The matrices of all tokens, in order, and their size, which is that of the declared states if there are any.

    Reports E0321 (a wrong shape) and E0322 (a token without a matrix); then there is None. Kraus operators, whose size is not
    the number of states, may be a list of matrices each.
    """
    states, tokens = body.symbols.states, body.symbols.tokens
    missing = [tokens.texts[x] for x in range(len(tokens)) if x not in body.matrices]
    matrices = sorted(body.matrices.values(), key=lambda matrix: matrix.token)
    kraus = matrices[0].item.keyword == "kraus"
    declared = len(states) > 0 and not kraus
    size = len(states) if declared else _size(matrices[0])
    if missing and not reports.failed:
        last = matrices[-1].item
        reports.error(
            ConstantError(
                "E0322",
                f"{listing(missing)}: {'this token has' if len(missing) == 1 else 'these tokens have'} no operator",
                tokens.spans[tokens.places[missing[0]]],
                help=f"write `{last.keyword} {missing[0]} = …`, a matrix of {size} x {size} like `{last.symbol.span.text}`'s",
            )
        )
    wrong = False
    for matrix in matrices:
        shape = matrix.value.shape if isinstance(matrix.value, Array) else ()
        if (shape[1:] if kraus and len(shape) == 3 else shape) != (size, size):
            wrong = True
            reports.error(_wrong_shape(matrix, size, declared), matrix.turn)
    return (None if wrong or missing else matrices), size


def _size(matrix: Matrix) -> int:
    shape = matrix.value.shape if isinstance(matrix.value, Array) else (1,)
    return shape[1] if len(shape) == 3 else shape[0]


def _wrong_shape(matrix: Matrix, size: int, declared: bool) -> ConstantError:
    is_list = isinstance(matrix.value, Array)
    found = shape_text(matrix.value) if isinstance(matrix.value, Array) else kind_of_value(matrix.value)
    return ConstantError(
        "E0321",
        f"an operator is a matrix of {size} x {size}, and this {'has' if is_list else 'is'} {found}",
        matrix.item.value.span,
        help=f"there are {size} states: give a row for each, with an entry for each"
        if declared
        else "all operators are square and of one size: a row and a column for each state",
    )


def _add(matrix: Matrix, rows: Rows, reports: Reports) -> None:
    """Put the entries of one matrix into the rows."""
    assert isinstance(matrix.value, Array)
    written = matrix.item.value
    for i, values in enumerate(matrix.value.rows()):
        row_span, entry_spans = entry_places(written, i, len(values))
        for j, value in enumerate(values):
            try:
                number = as_number(value, entry_spans[j])
                if number:
                    rows.add(i, (matrix.token, j), number, Where(matrix.item.span, row_span, entry_spans[j], matrix.turn))
                elif rows.row(i).first is None:
                    rows.row(i).first = Where(matrix.item.span, row_span, row_span, matrix.turn)
            except ConstantError as error:
                rows.spoil(i)
                reports.error(error, matrix.turn)


def entry_places(written: syntax.Expression, i: int, columns: int) -> tuple[Span, list[Span]]:
    """Where row i of a matrix stands, and its entries; the whole expression where it is not written out."""
    row = written.items[i] if isinstance(written, syntax.List) and i < len(written.items) else written
    if isinstance(row, syntax.List) and row is not written and len(row.items) == columns:
        return row.span, [item.span for item in row.items]
    return row.span, [row.span] * columns
