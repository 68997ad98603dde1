"""A process as plain data, for `experiment.yaml`: exact numbers are written as fractions."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Literal

from pydantic import Field, PlainSerializer, PlainValidator, WithJsonSchema

from hmmdsl.process.algebra.product import product
from hmmdsl.process.generalized import CHECKED_LENGTH, first_bad_word
from hmmdsl.process.process import Part, Parts, Process, Scalar
from hmmdsl.schema.base import Record
from hmmdsl.schema.exact import LARGEST, exact_number


def _read(value: object) -> Scalar:
    """`"3/4"`, `"0.25"` and integers are exact; a float stays a float."""
    if isinstance(value, float) and abs(value) <= LARGEST:  # false for NaN
        return value
    found = exact_number(value) if isinstance(value, (int, str, Fraction)) and not isinstance(value, bool) else None
    if found is None or abs(found) > LARGEST:
        raise ValueError("a number is a fraction such as 3/4, or a decimal, of at most 100 digits")
    return found


def _write(value: Scalar) -> str | float:
    return str(value) if isinstance(value, Fraction) else value


Number = Annotated[
    Scalar,
    PlainValidator(_read),
    PlainSerializer(_write),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "number"}]}),
]


class PartTable(Record):
    """A process within a composed one, written out."""

    name: str = Field(description="what it is called in targets")
    role: Literal["component", "factor"] = Field(description="active alone in some states, or beside the other factors")
    process: ProcessTable = Field(description="the part as it was given")
    state_of: tuple[int | None, ...] = Field(description="for each state of the whole, the part's state, by index; null for none")

    def part(self, states: int) -> Part:
        """The part itself. Raises ValueError if its states don't fit a whole of so many states."""
        own = self.process.process()
        if len(self.state_of) != states or any(i is not None and not 0 <= i < len(own.states) for i in self.state_of):
            raise ValueError(f"the part {self.name} must give each of the {states} states one of its {len(own.states)}, or null")
        return Part(self.name, self.role, own, self.state_of)


class FactorTable(Record):
    """A factor of a product, written out."""

    name: str = Field(description="what it is called in targets")
    process: ProcessTable = Field(description="the factor as it was given")


class ProcessTable(Record):
    """A hidden Markov model, written out; of a product only its factors, which tell all the rest."""

    name: str = Field(description="what it is called in figures and messages")
    factors: tuple[FactorTable, ...] = Field(
        (), description="the independent factors of a product, in order; no other field then"
    )
    tokens: tuple[str, ...] = Field((), description="the vocabulary, in order")
    states: tuple[str, ...] = Field((), description="the hidden states, in order")
    transitions: tuple[tuple[int, int, int, Number], ...] = Field(
        (), description="token, from state, to state (all by index), and the probability of that token and target"
    )
    start: tuple[Number, ...] = Field((), description="Pr(state) before the first token")
    right: tuple[Number, ...] | None = Field(
        None, description="the right eigenvector that normalizes a generalized HMM, whose numbers may be negative"
    )
    start_kind: Literal["stationary", "given"] = Field("stationary", description="whether `start` is the stationary distribution")

    parts: tuple[PartTable, ...] = Field((), description="what a composed process is made of")

    @staticmethod
    def of(process: Process) -> ProcessTable:
        """Write a process out."""
        if process.factored and process.parts is not None:
            named = tuple(FactorTable(name=part.name, process=ProcessTable.of(part.process)) for part in process.parts.factors)
            return ProcessTable(name=process.name, factors=named)
        return ProcessTable(
            name=process.name,
            tokens=process.tokens,
            states=tuple(process.states),
            transitions=tuple(
                (x, i, j, value) for x, entries in enumerate(process.operators) for (i, j), value in sorted(entries.items())
            ),
            start=tuple(process.start),
            start_kind=process.start_kind,
            parts=tuple(
                PartTable(name=part.name, role=part.role, process=ProcessTable.of(part.process), state_of=tuple(part.state_of))
                for part in (process.parts.parts if process.parts is not None else ())
            ),
            right=None if process.right is None else tuple(process.right),
        )

    def process(self) -> Process:
        """The process itself. Raises ValueError if an index is out of range, a row does not sum to one, or parts don't fit."""
        if self.factors:
            return self._product()
        if not self.tokens or not self.states:
            raise ValueError("a process has at least one token and one state")
        for what, names in (("token", self.tokens), ("state", self.states)):
            if len(set(names)) < len(names):
                raise ValueError(f"two {what}s have one name")
        operators: list[dict[tuple[int, int], Scalar]] = [{} for _ in self.tokens]
        rows: list[Scalar] = [Fraction(0)] * len(self.states)
        for x, i, j, value in self.transitions:
            if not (0 <= x < len(self.tokens) and 0 <= i < len(self.states) and 0 <= j < len(self.states)):
                raise ValueError(f"transition [{x}, {i}, {j}] is outside {len(self.tokens)} tokens and {len(self.states)} states")
            if (float(value) < 0 and self.right is None) or (i, j) in operators[x]:
                raise ValueError(f"transition [{x}, {i}, {j}] is negative or given twice")
            operators[x][i, j] = value
            rows[i] = rows[i] + value
        if self.right is not None:
            return self._generalized(operators, self.right)
        for i, total in enumerate(rows):
            if total != 1 if isinstance(total, Fraction) else abs(total - 1) > 1e-12:
                raise ValueError(f"the transitions out of {self.states[i]} sum to {total}, not 1")
        if len(self.start) != len(self.states) or abs(float(sum(self.start)) - 1) > 1e-12 or min(map(float, self.start)) < 0:
            raise ValueError("start must give each state a probability, and sum to 1")
        return Process(self.name, self.tokens, self.states, tuple(operators), self.start, self.start_kind, parts=self._parts())

    def _parts(self) -> Parts | None:
        """What it is made of. Raises ValueError for parts that don't fit the states or each other."""
        if len({part.name for part in self.parts}) < len(self.parts):
            raise ValueError("two parts have one name")
        components = [part.state_of for part in self.parts if part.role == "component"]
        if any(sum(i is not None for i in active) > 1 for active in zip(*components, strict=False)):
            raise ValueError("two components are active in one state")
        return Parts(tuple(part.part(len(self.states)) for part in self.parts)) if self.parts else None

    def _product(self) -> Process:
        if self.tokens or self.states or self.transitions or self.start or self.parts or self.right is not None:
            raise ValueError("a product has factors and nothing else: all the rest follows from them")
        if len({factor.name for factor in self.factors}) < len(self.factors):
            raise ValueError("two factors have one name")
        return product({factor.name: factor.process.process() for factor in self.factors}, self.name)

    def _generalized(self, operators: list[dict[tuple[int, int], Scalar]], right: tuple[Scalar, ...]) -> Process:
        """A generalized HMM: its numbers may be of any sign, but T r = r, start . r = 1, and no short word is negative."""
        n = len(self.states)
        if len(right) != n or len(self.start) != n:
            raise ValueError(f"start and right must have a number for each of the {n} dimensions")
        made = Process(
            self.name, self.tokens, self.states, tuple(operators), self.start, self.start_kind, self._parts(), right=right
        )
        image = [-float(value) for value in right]
        for (i, j), value in made.transitions().items():
            image[i] += float(value) * float(right[j])
        if max(map(abs, image)) > 1e-9:
            raise ValueError("right is no eigenvector of the operators' sum for the eigenvalue 1")
        if abs(sum(float(a) * float(b) for a, b in zip(self.start, right, strict=True)) - 1) > 1e-9:
            raise ValueError("start . right must be 1")
        bad = first_bad_word(made, CHECKED_LENGTH)
        if bad is not None:
            raise ValueError(f"the word {' '.join(bad.word)} has probability {bad.value:.6g}")
        return made
