"""The schema of results: which numbers there will be, in which units, known before anything runs.

A result's path is analysis, target, point, control, metric. `expect` lines are resolved against these schemas, and
results.json is nested under the very same names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias


@dataclass(frozen=True)
class Quantity:
    """One number. `unit` is `nats`, `bits`, `1` for a plain number, …; `theory` where the process and the options alone determine
    it, so that no other seed of a network changes it."""

    unit: str
    description: str
    theory: bool = False


@dataclass(frozen=True)
class Group:
    """Results by name."""

    members: Mapping[str, ResultSchema]
    description: str = ""


@dataclass(frozen=True)
class Series:
    """Results by index from 0; `length` is None where only the run will tell."""

    element: ResultSchema
    length: int | None
    description: str = ""

    @property
    def is_curve(self) -> bool:
        """Whether it runs along something: positions, lags, strengths, checkpoints. Its description begins with `by`."""
        return self.description.startswith("by ")


ResultSchema: TypeAlias = Quantity | Group | Series


def theory(schema: Group) -> Group:
    """The same schema, every number of which the process and the options alone determine."""
    return replace(schema, members={name: _theory(member) for name, member in schema.members.items()})


def _theory(schema: ResultSchema) -> ResultSchema:
    match schema:
        case Quantity():
            return replace(schema, theory=True)
        case Series(element):
            return replace(schema, element=_theory(element))
        case Group():
            return theory(schema)


def by_point(points: Mapping[str, ResultSchema]) -> Mapping[str, ResultSchema]:
    """Gather names such as `block[0]`, `block[1]` into one series `block`.

    >>> list(by_point({"embedding": Group({}), "block[0]": Group({}), "block[1]": Group({})}))
    ['embedding', 'block']
    """
    gathered: dict[str, ResultSchema] = {}
    for point, schema in points.items():
        base, _, index = point.partition("[")
        if not index:
            gathered[base] = schema
            continue
        before = gathered.get(base)
        length = before.length if isinstance(before, Series) and before.length is not None else 0
        gathered[base] = Series(schema, length + 1)
    return gathered


def quantities(schema: ResultSchema, prefix: str = "") -> Iterator[tuple[str, Quantity]]:
    """Every number's path as `expect` writes it (a series as `name[..]`), with its description."""
    match schema:
        case Quantity():
            yield prefix, schema
        case Series(element):
            yield from quantities(element, f"{prefix}[..]")
        case Group(members):
            for name, member in members.items():
                yield from quantities(member, f"{prefix}.{name}" if prefix else name)


def spread_of(quantity: Quantity) -> Group:
    """How a quantity that was measured several times varies."""
    return Group(
        {
            "mean": Quantity(quantity.unit, f"mean of: {quantity.description}"),
            "sd": Quantity(quantity.unit, f"standard deviation of: {quantity.description}"),
            "min": Quantity(quantity.unit, f"least of: {quantity.description}"),
            "max": Quantity(quantity.unit, f"greatest of: {quantity.description}"),
        }
    )


TRAIN_RESULTS = Group(
    {
        "loss": Quantity(
            "nats", "expected cross-entropy per position after the last step: of the next token, or of the next k jointly"
        ),
        "optimum": Quantity("nats", "the loss of an optimal observer on the same histories", theory=True),
        "gap": Quantity("nats", "loss minus optimum: the mean KL divergence from the optimal prediction"),
        "parameters": Quantity("1", "number of trained parameters", theory=True),
    },
    "one training run",
)
"""What every `train` reports."""
