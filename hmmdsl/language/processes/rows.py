"""Rows of probabilities: given once each, between 0 and 1, with `rest` filled in, summing to one."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from hmmdsl.language.diagnostics import Note
from hmmdsl.language.processes.reports import Reports, Turns
from hmmdsl.language.source import Span
from hmmdsl.language.values.failure import ConstantError
from hmmdsl.language.values.symbols import Table
from hmmdsl.language.values.value import text_of
from hmmdsl.process.process import Scalar

TOLERANCE = 1e-12
"""How far a row of floats may be from one, and a float probability outside [0, 1]. Exact rows must sum to one exactly."""


@dataclass(frozen=True)
class Where:
    """The item that gives a probability, the state in it, the probability itself, and the turn of the loops around."""

    item: Span
    state: Span
    probability: Span
    turn: Turns


@dataclass(eq=False)
class Row:
    """One state's row as far as it is given. Keys are positions of whatever the row is about."""

    given: dict[tuple[int, ...], Scalar] = field(default_factory=dict)
    places: dict[tuple[int, ...], Where] = field(default_factory=dict)
    total: Scalar = Fraction(0)
    rest: tuple[int, ...] | None = None
    first: Where | None = None
    spoiled: bool = False


@dataclass(eq=False)
class Rows:
    """The rows of all states: transitions, emissions, or both at once. `what` is how messages call them: "transitions out of"."""

    what: str
    code: str
    states: Table
    reports: Reports
    cure: str = "write `rest` as one probability to give it what is left"
    rows: dict[int, Row] = field(default_factory=dict)
    spoiled: bool = False

    def __bool__(self) -> bool:
        return any(row.first is not None for row in self.rows.values())

    def row(self, state: int) -> Row:
        """The row of a state, begun if need be."""
        found = self.rows.get(state)
        if found is None:
            found = self.rows[state] = Row()
        return found

    def spoil(self, state: int | None) -> None:
        """An item of this row (None: of some row) was wrong and has been reported: don't complain of what is missing."""
        if state is None:
            self.spoiled = True
        else:
            self.row(state).spoiled = True

    def add(self, state: int, key: tuple[int, ...], value: Scalar | None, where: Where) -> None:
        """Give one probability; None is `rest`.

        Raises ConstantError: E0302 outside [0, 1], E0304 a second `rest`, E0308 given twice.
        """
        row = self.row(state)
        if row.first is None:
            row.first = where
        before = row.places.get(key)
        if before is not None:
            raise ConstantError(
                "E0308",
                f"this {'emission' if self.code == 'E0320' else 'arrow'} is given twice",
                where.item,
                help="leave one of the two out, or add their probabilities",
                notes=(Note("given here first", before.item),),
            )
        row.places[key] = where
        if value is None:
            if row.rest is not None:
                raise ConstantError(
                    "E0304",
                    f"a second `rest` among the {self.what} {self.states.texts[state]}",
                    where.probability,
                    label="the row has one already",
                    help="give one of the two its probability",
                    notes=(Note("the first `rest`", row.places[row.rest].probability),),
                )
            row.rest = key
            return
        value = probability(value, where.probability)
        row.given[key] = value
        row.total = row.total + value

    def finish(self, needed: range) -> list[dict[tuple[int, ...], Scalar]]:
        """The non-zero entries of each row, `rest` filled in. Every row must be there and sum to one, else it is reported:
        E0303 nothing is left for `rest`, else this table's own code."""
        finished: list[dict[tuple[int, ...], Scalar]] = []
        for state in needed:
            row = self.rows.get(state)
            if row is None:
                if not self.spoiled:
                    self.reports.error(self._empty(state))
                finished.append({})
                continue
            entries = {key: value for key, value in row.given.items() if value}
            if not (row.spoiled or self.spoiled):
                try:
                    left = self._left(state, row)
                    if row.rest is not None and left:
                        entries[row.rest] = left
                except ConstantError as error:
                    self.reports.error(error, row.first.turn if row.first else None)
            finished.append(entries)
        return finished

    def _left(self, state: int, row: Row) -> Scalar:
        """What `rest` gets. Raises ConstantError if the row cannot sum to one."""
        exact = isinstance(row.total, Fraction)
        left = 1 - row.total
        if row.rest is not None:
            if left < 0 and (exact or left < -TOLERANCE):
                raise ConstantError(
                    "E0303",
                    f"nothing is left for `rest`: the other {self.what} {self.states.texts[state]} sum to {text_of(row.total)}",
                    row.places[row.rest].probability,
                    label=f"{text_of(-left)} too much",
                    help="lower the other probabilities of this row",
                )
            return left if exact or left > 0 else 0.0
        if left != 0 and (exact or abs(left) > TOLERANCE):
            assert row.first is not None
            raise ConstantError(
                self.code,
                f"the {self.what} {self.states.texts[state]} sum to {text_of(row.total)}, not 1",
                row.first.state,
                label=f"{text_of(left)} is missing" if left > 0 else f"{text_of(-left)} too much",
                help=self.cure if left > 0 else "lower one of them: together they must be 1",
            )
        return left

    def _empty(self, state: int) -> ConstantError:
        name = self.states.texts[state]
        emission = self.code == "E0320"
        return ConstantError(
            self.code,
            f"the {self.what} {name} sum to 0, not 1",
            self.states.spans[state],
            label="it emits nothing" if emission else "no arrow leaves it",
            help=f"write `{name} emits …`" if emission else f"write an arrow that begins at {name}, or leave the state out",
        )


def probability(value: Scalar, span: Span) -> Scalar:
    """A probability; floats may stray by TOLERANCE. Raises ConstantError (E0302) outside [0, 1]."""
    if 0 <= value <= 1:
        return value
    if isinstance(value, float) and -TOLERANCE <= value <= 1 + TOLERANCE:
        return min(max(value, 0.0), 1.0)
    raise ConstantError(
        "E0302",
        f"a probability lies between 0 and 1, and this is {text_of(value)}",
        span,
        label="negative" if value < 0 else "above 1",
        help="check its formula and the parameters it is made of",
    )
