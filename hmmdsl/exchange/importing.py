"""`hmmdsl import`: a spec from labelled matrices or from hmmlearn's parameters, in JSON or npz."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from hmmdsl.analysis import kinds
from hmmdsl.exchange.importing_arrays import arrays_of
from hmmdsl.exchange.importing_generalized import generalized_spec, is_generalized
from hmmdsl.exchange.output_file import output_file
from hmmdsl.exchange.written_names import given_names, indexed, state_names, token_names
from hmmdsl.files.plain import open_plain
from hmmdsl.language.diagnostics import Diagnostics, SpecError
from hmmdsl.language.elaborate import compile_text
from hmmdsl.language.formatting.formatter import format_file
from hmmdsl.language.parser import parse
from hmmdsl.language.source import Source
from hmmdsl.runtime.failures import OutputError
from hmmdsl.runtime.results_file import read_json
from hmmdsl.schema.exact import LARGEST, exact_number

LARGEST_FILE = 64 << 20
"""Bytes that are read, at most."""

NEAR_ONE = Fraction(1, 10**6)
"""A row that sums to one within this is completed by its largest entry; one farther off is an error."""

Row = list[Fraction]

NOTHING = Fraction(0)
"""The zero of every table."""


def imported(path: Path) -> str:
    """The spec that says what the file holds, in the one layout. Floats become the decimals that they print as; where a row of
    them does not sum to exactly one, its largest entry is `rest`. Raises OutputError."""
    content = _content(path)
    start: Row | None
    given = {name.removesuffix("_"): value for name, value in content.items()}
    name = str(given.get("name", path.stem))
    name = name if re.fullmatch(r"[A-Za-z_]\w*", name) else "imported"
    if {"startprob", "transmat", "emissionprob"} <= given.keys():
        transitions, emissions = _matrix(given["transmat"], "transmat"), _matrix(given["emissionprob"], "emissionprob")
        size, tokens = len(transitions), len(emissions[0]) if emissions else 0
        if not size or not tokens or len(emissions) != size or any(len(row) != size for row in transitions):
            raise OutputError(f"{path}: transmat must be [state, state] and emissionprob [state, token], of as many states")
        rows = [
            (f"transmat, row {i}", [(f"-> {{s{j}}}", value) for j, value in enumerate(row)]) for i, row in enumerate(transitions)
        ]
        emits = [
            (f"emissionprob, row {i}", [(f"emits {{t{x}}}", v) for x, v in enumerate(row)]) for i, row in enumerate(emissions)
        ]
        start = _row(given["startprob"], "startprob")
        body = [line for pair in zip(_lines(path, rows), _lines(path, emits), strict=True) for line in pair]
    elif "T" in given and is_generalized(given):
        return generalized_spec(path, name, given)
    elif "T" in given:
        matrices = [_matrix(matrix, "T") for matrix in _items(given["T"], "T")]
        size, tokens = len(matrices[0]) if matrices else 0, len(matrices)
        if not size or any(len(matrix) != size or any(len(row) != size for row in matrix) for matrix in matrices):
            raise OutputError(f"{path}: T must be [token, state, state], a square matrix for each token")
        rows = [
            (f"T, state {i}", [(f"-[{{t{x}}}]-> {{s{j}}}", matrices[x][i][j]) for x in range(tokens) for j in range(size)])
            for i in range(size)
        ]
        stationary = "start" not in given or str(given.get("start_kind", "")) == "stationary"
        start = None if stationary else _row(given["start"], "start")
        body = _lines(path, rows)
    else:
        raise OutputError(
            f"{path} has neither `T` nor `startprob`, `transmat` and `emissionprob`: see `hmmdsl export --format json`"
        )
    if start is not None and len(start) != size:
        raise OutputError(f"{path}: the start has {len(start)} weights for {size} states")
    if start is not None:
        body.append(f"start [{', '.join(map(_number, _completed(path, 'the start', start)))}]")
    states, named_tokens = given_names(given, "states", size, path), given_names(given, "tokens", tokens, path)
    for choice in ((state_names(states), token_names(named_tokens)), (indexed("s", size), indexed("t", tokens))):
        text = _spec(name, path, body, *choice)
        try:
            compile_text(text, "imported.hmm", kinds())
        except SpecError as error:
            failure = error
            continue
        return format_file(parse(Source("imported.hmm", text), Diagnostics()))
    raise OutputError(f"{path} makes no process: {failure}")


def write_spec(text: str, out: Path) -> None:
    """Write the spec, beside and renamed. Raises OutputError."""
    with output_file(out) as file:
        file.write(text.encode())


def _content(path: Path) -> Mapping[str, Any]:
    """The file's entries as plain data."""
    if path.suffix != ".npz":
        content = read_json(path, LARGEST_FILE)
        if not isinstance(content, dict):
            raise OutputError(f"{path} holds no object: write `T`, `tokens` and `states` by their names")
        return content
    try:
        with open_plain(path) as file:
            return dict(arrays_of(file, LARGEST_FILE))
    except OSError as error:
        raise OutputError(f"{path} can't be read ({(error.strerror or str(error)).lower()}): check the path") from error
    except Exception as error:  # a stranger's file: whatever numpy and zipfile may raise
        raise OutputError(f"{path} is no npz with plain arrays: {' '.join(str(error).split())[:120]}") from error


def _items(value: Any, name: str) -> Sequence[Any]:
    if not isinstance(value, list):
        raise OutputError(f"`{name}` is no list of numbers")
    return value


def _matrix(value: Any, name: str) -> list[Row]:
    return [_row(row, name) for row in _items(value, name)]


def _row(value: Any, name: str) -> Row:
    return [_exact(item, name) for item in _items(value, name)]


def _exact(value: Any, name: str) -> Fraction:
    """A number as written: a text such as `1/3`, or the decimal that a float prints as."""
    if value is NOTHING or (isinstance(value, int | float) and value == 0):
        return NOTHING  # most entries of a large table
    found = exact_number(str(value)) if isinstance(value, int | float | str) and not isinstance(value, bool) else None
    if found is None or abs(found) > LARGEST:
        raise OutputError(f"`{name}` has {repr(value)[:60]}, which is no number of at most 100 digits")
    if found < 0:
        raise OutputError(f"`{name}` has {value}, and a probability is not negative")
    return found


def _completed(path: Path, what: str, row: Row) -> Row:
    """The row with what rounding left over or took given to its largest entry."""
    missing = 1 - sum((value for value in row if value is not NOTHING), NOTHING)
    if abs(missing) > NEAR_ONE:
        raise OutputError(f"{path}: {what} sums to {float(sum(row)):.9g}, not 1")
    place = _largest(row)
    return [value + missing if k == place else value for k, value in enumerate(row)]


def _largest(row: Row) -> int:
    """The place of the largest entry, the first of several."""
    return max((k for k, value in enumerate(row) if value is not NOTHING), key=row.__getitem__, default=0)


def _lines(path: Path, rows: Sequence[tuple[str, Sequence[tuple[str, Fraction]]]]) -> list[str]:
    """A line for each entry that is not zero, of each state's row."""
    lines = []
    for i, (what, entries) in enumerate(rows):
        values = [value for _, value in entries]
        rest = None if _completed(path, what, values) == values else _largest(values)
        written = [(k, ends, value) for k, (ends, value) in enumerate(entries) if value]
        own = [f"{{s{i}}} {ends} : {'rest' if k == rest else _number(value)}" for k, ends, value in written]
        lines.append("\n  ".join(own))
    return lines


def _number(value: Fraction) -> str:
    """Exact, as a short decimal where there is one."""
    decimal = repr(float(value))
    short = "e" not in decimal and Fraction(decimal) == value and value.denominator > 1 and len(decimal) > len(str(value)) - 8
    return decimal if short and value.denominator > 12 else str(value)


def _spec(name: str, path: Path, body: Sequence[str], states: tuple[str, list[str]], tokens: tuple[str, list[str]]) -> str:
    called = {f"s{i}": text for i, text in enumerate(states[1])} | {f"t{x}": text for x, text in enumerate(tokens[1])}
    lines = [re.sub(r"\{([st]\d+)\}", lambda found: called[found[1]], line) for line in body]
    source = re.sub(r"[^\x20-\x7e]", "?", path.name)
    inside = "\n  ".join([f"states {states[0]}", f"tokens {tokens[0]}", "", *lines])
    return f"# Imported from {source}.\nhmm {name} {{\n  {inside}\n}}\n"
