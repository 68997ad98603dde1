"""All results as rows, each with its path as `expect` writes it, its unit and what it means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hmmdsl.process.notation import number_text
from hmmdsl.report.wording import unit_text
from hmmdsl.schema.analysis import Surroundings
from hmmdsl.schema.results import TRAIN_RESULTS, Group, Quantity, ResultSchema, Series

if TYPE_CHECKING:
    from hmmdsl.report.finished import Finished


@dataclass(frozen=True)
class ResultRow:
    """One number, or a series of them along positions or checkpoints."""

    path: str
    value: str
    unit: str
    description: str


@dataclass(frozen=True)
class ResultTable:
    """The results of one training run or analysis."""

    name: str
    kind: str
    rows: tuple[ResultRow, ...]


def result_tables(finished: Finished) -> list[ResultTable]:
    """One table for each training run and analysis, in the order of the experiment. Results without a schema are shown too."""
    experiment = finished.experiment
    around = Surroundings(finished.processes, experiment.models, experiment.trains, experiment.analyses)
    schemas: dict[str, tuple[str, ResultSchema | None]] = dict.fromkeys(experiment.trains, ("train", TRAIN_RESULTS))
    for name, analysis in experiment.analyses.items():
        schemas[name] = (analysis.word, analysis.results(around))
    tables = []
    for name in [*schemas, *(name for name in finished.results if name not in schemas)]:
        if name in finished.results:
            kind, schema = schemas.get(name, ("", None))
            tables.append(ResultTable(name, kind, tuple(result_rows(finished.results[name], schema, name))))
    return tables


def result_rows(value: Any, schema: ResultSchema | None, path: str) -> Iterator[ResultRow]:
    """The rows below one result."""
    if isinstance(value, Mapping):
        members = schema.members if isinstance(schema, Group) else {}
        for name, below in value.items():
            yield from result_rows(below, members.get(name), f"{path}.{name}")
    elif isinstance(value, Sequence) and not isinstance(value, str):
        element = schema.element if isinstance(schema, Series) else None
        yield from _series_rows(value, element, path)
    else:
        unit, description = (schema.unit, schema.description) if isinstance(schema, Quantity) else ("", "")
        yield ResultRow(path, _value_text(value), unit_text(unit), description)


def _series_rows(values: Sequence[Any], element: ResultSchema | None, path: str) -> Iterator[ResultRow]:
    """A series of plain numbers is one row, and so is each metric of a series of flat groups; others go by index."""
    if not any(isinstance(value, (Mapping, list, tuple)) for value in values):
        unit, description = (element.unit, element.description) if isinstance(element, Quantity) else ("", "")
        yield ResultRow(f"{path}[..]", "  ".join(map(_value_text, values)), unit_text(unit), description)
    elif all(isinstance(value, Mapping) and not _nested(value) for value in values):
        members = element.members if isinstance(element, Group) else {}
        for name in dict.fromkeys(name for value in values for name in value):
            column = [value.get(name) for value in values]
            yield from (
                ResultRow(f"{path}[..].{name}", row.value, row.unit, row.description)
                for row in _series_rows(column, members.get(name), path)
            )
    else:
        for index, value in enumerate(values):
            yield from result_rows(value, element, f"{path}[{index}]")


def _nested(value: Mapping[str, Any]) -> bool:
    return any(isinstance(below, (Mapping, list, tuple)) for below in value.values())


def _value_text(value: Any) -> str:
    if isinstance(value, bool) or not (value is None or isinstance(value, (int, float))):
        return str(value)
    return number_text(value)
