"""From the body of a `ghmm` to a process: operators with entries of any sign, or Kraus operators."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from hmmdsl.language import syntax
from hmmdsl.language.diagnostics import Note
from hmmdsl.language.processes.bodies import Body, Matrix
from hmmdsl.language.processes.matrices import entry_places, square_matrices
from hmmdsl.language.processes.reports import Reports
from hmmdsl.language.source import Span
from hmmdsl.language.values.arithmetic import as_number, shape_text
from hmmdsl.language.values.budget import Budget
from hmmdsl.language.values.evaluation import evaluate
from hmmdsl.language.values.failure import ConstantError
from hmmdsl.language.values.references import read_state
from hmmdsl.language.values.value import Array, Complex, Value, kind_of_value, text_of
from hmmdsl.process import kraus
from hmmdsl.process.generalized import (
    CHECKED_LENGTH,
    BadWord,
    EigenvectorError,
    SpectralRadiusError,
    eigenvectors,
    first_bad_word,
)
from hmmdsl.process.process import Process, Scalar
from hmmdsl.schema.exact import LARGEST

Entries = dict[tuple[int, int], Scalar]

TOLERANCE = 1e-12
"""How far floats may be from preserving the trace."""

START_TOLERANCE = 1e-9
"""How far each number of a start may move when what rounding left over is divided out."""


@dataclass(frozen=True)
class _Operators:
    """The operators of all tokens; of Kraus operators also their basis."""

    entries: list[Entries]
    basis: kraus.HermitianBasis | None

    def transitions(self) -> Entries:
        """T, the sum over tokens."""
        total: Entries = {}
        for entries in self.entries:
            for place, value in entries.items():
                total[place] = total[place] + value if place in total else value
        return total


def generalized_process(hmm: syntax.Hmm, body: Body, budget: Budget, reports: Reports, name: str) -> Process | None:
    """The process of a `ghmm`'s body; None if something is wrong and was reported.

    Raises ConstantError: E0340 and E0345 (forms), E0341 (spectral radius), E0342 (eigenvalue 1), E0343 (a negative word), E0344
    (trace), E0346 (start).
    """
    if reports.failed:
        return None
    _check_form(hmm, body)
    matrices, size = square_matrices(body, reports)
    if reports.failed or matrices is None:
        return None
    operators = _kraus(matrices, size, body, budget) if matrices[0].item.keyword == "kraus" else _real(matrices, size, body)
    budget.spend(hmm.name.span, len(body.symbols.states) ** 3)
    start, right = _vectors(hmm, operators, body, budget)
    for x, entries in enumerate(operators.entries):
        if not entries:
            reports.warning(
                "W0902",
                f"the token `{body.symbols.tokens.texts[x]}` is never emitted",
                body.symbols.tokens.spans[x],
                label="never emitted",
                help="leave it out, or emit it; it widens the vocabulary",
            )
    process = Process(
        name,
        tuple(body.symbols.tokens),
        tuple(body.symbols.states),
        tuple(operators.entries),
        start,
        "stationary" if body.start is None else "given",
        right=right,
    )
    bad = first_bad_word(process, CHECKED_LENGTH)
    if bad is not None:
        raise ConstantError(
            "E0343",
            bad_word_text(bad),
            hmm.name.span,
            label="not a process",
            help=f"change its numbers: every word must have a probability, checked to {CHECKED_LENGTH} tokens",
        )
    return process


def bad_word_text(bad: BadWord) -> str:
    """`the word a b has probability -0.01`."""
    return f"the word {' '.join(bad.word)} has probability {bad.value:.6g}"


def _check_form(hmm: syntax.Hmm, body: Body) -> None:
    """Raise ConstantError unless there are operators, all of one sort, and nothing else."""
    for rows in (body.labelled, body.arrows, body.emissions):
        first = next((row.first.item for row in rows.rows.values() if row.first is not None), None)
        if first is not None:
            raise ConstantError(
                "E0340",
                "a `ghmm` has operators, no arrows or `emits`",
                first,
                help="write `operator a = [[…]]` for each token, or `hmm` for `ghmm`",
            )
    if body.emit_item is not None or not body.matrices:
        raise ConstantError(
            "E0340",
            "`emit on` has no meaning in a `ghmm`" if body.emit_item is not None else f"`{hmm.name.text}` has no operators",
            body.emit_item.span if body.emit_item is not None else hmm.name.span,
            help="a `ghmm` is given by `operator a = [[…]]` for each token",
        )
    items = [matrix.item for matrix in body.matrices.values()]
    other = next((item for item in items if item.keyword != items[0].keyword), None)
    if other is not None:
        raise ConstantError(
            "E0345",
            "`operator` and `kraus` do not mix in one process",
            other.span,
            help=f"write `{items[0].keyword}` here too",
            notes=(Note(f"the first is an `{items[0].keyword}`", items[0].span),),
        )


def _real(matrices: list[Matrix], size: int, body: Body) -> _Operators:
    """Operators as they are written; dimensions that are not declared are `d[0]`, `d[1]`, …"""
    if not len(body.symbols.states):
        body.symbols.states.declare_family("d", (range(size),), matrices[0].item.value.span)
    operators: list[Entries] = []
    for matrix in matrices:
        assert isinstance(matrix.value, Array)
        entries: Entries = {}
        for i, row in enumerate(matrix.value.rows()):
            _, places = entry_places(matrix.item.value, i, size)
            for j, value in enumerate(row):
                number = _entry(value, places[j])
                if number:
                    entries[i, j] = number
        operators.append(entries)
    return _Operators(operators, None)


def _entry(value: Value, span: Span) -> Scalar:
    """A number of an operator or a start. Raises ConstantError: E0403 if it is none, E0412 if it is beyond use."""
    number = as_number(value, span)
    if not -LARGEST <= number <= LARGEST:
        raise ConstantError(
            "E0412",
            "this number is too large for a process",
            span,
            label="at most 10^100",
            help="scale it down, and what it is multiplied with up: words have probabilities of at most 1",
        )
    return number


def _kraus(matrices: list[Matrix], size: int, body: Body, budget: Budget) -> _Operators:
    """Kraus operators in a basis of Hermitian matrices, whose names are those of the dimensions."""
    first = matrices[0].item
    if size > kraus.LARGEST or len(body.symbols.states):
        raise ConstantError(
            "E0346",
            f"Kraus operators have at most {kraus.LARGEST} rows, and these {size}"
            if size > kraus.LARGEST
            else "a process of Kraus operators names its dimensions itself, by Hermitian matrices",
            first.value.span if size > kraus.LARGEST else body.symbols.states.spans[0],
            help="give fewer levels" if size > kraus.LARGEST else "leave `states` out",
        )
    by_token = [_complex_matrices(matrix) for matrix in matrices]
    every = [K for several in by_token for K in several]
    budget.spend(first.span, len(every) * size**5)
    worst = kraus.excess(every)
    if worst if isinstance(worst, Fraction) else worst > TOLERANCE:
        raise ConstantError(
            "E0344",
            f"the Kraus operators do not preserve the trace: the sum of K† K is {text_of(worst)} off the identity",
            first.span.to(matrices[-1].item.span) if first.span.start < matrices[-1].item.span.start else first.span,
            help="scale them, or add the missing one: the sum of K† K over all tokens must be the identity",
        )
    basis = kraus.HermitianBasis.of(size)
    for name in basis.names:
        body.symbols.states.declare(name, first.value.span)
    return _Operators([kraus.operator_of(several, basis) for several in by_token], basis)


def _complex_matrices(matrix: Matrix) -> list[kraus.Matrix]:
    """The Kraus operators of one token: one matrix, or a list of them."""
    value = matrix.value
    assert isinstance(value, Array)
    several = value.items if len(value.shape) == 3 else (value,)
    return [_complex_matrix(one, matrix.item.value.span) for one in several]


def _complex_matrix(value: Value, span: Span) -> kraus.Matrix:
    assert isinstance(value, Array)
    return tuple(
        tuple(
            (_entry(entry.re, span), _entry(entry.im, span)) if isinstance(entry, Complex) else (_entry(entry, span), Fraction(0))
            for entry in row
        )
        for row in value.rows()
    )


def _vectors(hmm: syntax.Hmm, operators: _Operators, body: Body, budget: Budget) -> tuple[tuple[Scalar, ...], tuple[Scalar, ...]]:
    """The start and the right eigenvector r, scaled so that start . r = 1."""
    size = len(body.symbols.states)
    right = operators.basis.trace if operators.basis is not None else None
    if right is None and body.start is not None and _rows_sum_to_one(operators.transitions(), size):
        right = (Fraction(1),) * size
    if right is not None and body.start is not None:
        span = body.start.value.span
        start = _scaled(given := _given_start(body.start, operators, body, budget), right, span)
        if not all(-START_TOLERANCE <= a - b <= START_TOLERANCE for a, b in zip(start, given, strict=True)):
            raise ConstantError(
                "E0346",
                f"this start has probability {text_of(_total(given, right))}, not 1",
                span,
                help="the numbers of a start sum to one, and the trace of a density matrix is one: divide by that number",
            )
        return start, right
    try:
        found = eigenvectors(operators.transitions(), size)
    except SpectralRadiusError as error:
        token = body.symbols.tokens.texts[0]
        raise ConstantError(
            "E0341",
            str(error),
            hmm.name.span,
            label=f"words of n tokens have probabilities that sum to about {error.radius:.4g}^n",
            help=f"normalize them: `operator {token} = [[…]] / spectral_radius(…)`, the sum of all operators in the brackets",
        ) from None
    except EigenvectorError as error:
        raise ConstantError(
            "E0342",
            str(error),
            hmm.name.span,
            help="give a `start`, and operators whose rows sum to one together"
            if body.start is None
            else "give operators whose rows sum to one together, so that no vector is to be found",
        ) from None
    if right is None:
        right = found.right
    if body.start is None:
        return _scaled(found.left, right, hmm.name.span), right
    return _scaled(_given_start(body.start, operators, body, budget), right, body.start.value.span), right


def _rows_sum_to_one(transitions: Entries, size: int) -> bool:
    rows: list[Scalar] = [Fraction(-1)] * size
    for (i, _), value in transitions.items():
        rows[i] = rows[i] + value
    return all(-TOLERANCE <= row <= TOLERANCE for row in rows)


def _scaled(start: tuple[Scalar, ...], right: tuple[Scalar, ...], span: Span) -> tuple[Scalar, ...]:
    total = _total(start, right)
    if -TOLERANCE <= total <= TOLERANCE:
        raise ConstantError(
            "E0346", "this start gives every word probability 0", span, help="give a vector that is not orthogonal to the future"
        )
    return tuple(value / total for value in start)


def _total(start: tuple[Scalar, ...], right: tuple[Scalar, ...]) -> Scalar:
    """start . r, the probability of all words together."""
    total: Scalar = Fraction(0)
    for a, b in zip(start, right, strict=True):
        total = total + a * b
    return total


def _given_start(item: syntax.Start, operators: _Operators, body: Body, budget: Budget) -> tuple[Scalar, ...]:
    """The start as the body gives it: a dimension, a vector, or a density matrix. Raises ConstantError (E0346)."""
    states, value = body.symbols.states, item.value
    if isinstance(value, syntax.Path) and body.scope.lookup(value.head.text) is None:
        state = read_state(value, states, body.scope, budget, evaluate)
        return tuple(Fraction(int(k == state)) for k in range(len(states)))
    vector = evaluate(value, body.scope, budget)
    shape = vector.shape if isinstance(vector, Array) else ()
    if isinstance(vector, Array) and shape == (len(states),):
        return tuple(_entry(entry, value.span) for entry in vector.items)
    basis = operators.basis
    if basis is not None and shape == (basis.size, basis.size):
        matrix = _complex_matrix(vector, value.span)
        if any(matrix[i][j] != (matrix[j][i][0], -matrix[j][i][1]) for i in range(basis.size) for j in range(basis.size)):
            raise ConstantError(
                "E0346", "this density matrix is not Hermitian", value.span, help="entry i, j is the conjugate of j, i"
            )
        return basis.coordinates(matrix)
    what = shape_text(vector) if isinstance(vector, Array) else kind_of_value(vector)
    density = "" if basis is None else f", or a density matrix of {basis.size} x {basis.size}"
    raise ConstantError(
        "E0346",
        f"the start has {what}" if shape else f"the start is {what}",
        value.span,
        help=f"give a vector of {len(states)} numbers{density}",
    )
