"""A spec from the labelled matrices of a generalized HMM: entries of any sign, and vectors that the language finds by itself.

Numbers that are written as texts, `1/3`, and whole numbers stay exact, and floats stay the floats that they were, so that a
process which was exported comes back as the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeAlias

from hmmdsl.analysis import kinds
from hmmdsl.exchange.written_names import given_names, indexed, state_names, token_names
from hmmdsl.language.diagnostics import Diagnostics, SpecError
from hmmdsl.language.elaborate import compile_text
from hmmdsl.language.formatting.formatter import format_file
from hmmdsl.language.parser import parse
from hmmdsl.language.source import Source
from hmmdsl.process.process import Process, Scalar
from hmmdsl.runtime.failures import OutputError
from hmmdsl.schema.exact import LARGEST, exact_number

Vector: TypeAlias = list[Scalar]

PROPORTIONAL = 1e-6
"""How far the file's right eigenvector may be from a multiple of the process' own, relative to its largest entry."""


def is_generalized(given: Mapping[str, Any]) -> bool:
    """Whether matrices are those of a generalized HMM: there is a right eigenvector, or an entry is negative."""
    return "right" in given or any(_negative(entry) for entry in _flat(given.get("T")))


def generalized_spec(path: Path, name: str, given: Mapping[str, Any]) -> str:
    """The `ghmm` of `T[token][dimension][dimension]`, in the one layout. A start that is not called stationary is given; a right
    eigenvector is only checked, since the language finds it. Raises OutputError."""
    matrices = [[_vector(row) for row in _items(matrix)] for matrix in _items(given["T"])]
    size, tokens = len(matrices[0]) if matrices else 0, len(matrices)
    if not size or any(len(matrix) != size or any(len(row) != size for row in matrix) for matrix in matrices):
        raise OutputError(f"{path}: T must be [token, state, state], a square matrix for each token")
    vectors = {key: _vector(given[key]) for key in ("start", "right") if key in given}
    for key, vector in vectors.items():
        if len(vector) != size:
            raise OutputError(f"{path}: `{key}` has {len(vector)} numbers for {size} dimensions")
    start = vectors.get("start") if str(given.get("start_kind", "given")) != "stationary" else None
    states, named = given_names(given, "states", size, path), given_names(given, "tokens", tokens, path)
    for chosen in ((state_names(states), token_names(named)), (indexed("d", size), indexed("t", tokens))):
        text = _spec(path, name, matrices, start, *chosen)
        try:
            made = compile_text(text, "imported.hmm", kinds()).declared[name]
        except SpecError as error:
            failure = error
            continue
        _check_right(path, vectors.get("right"), made)
        return format_file(parse(Source("imported.hmm", text), Diagnostics()))
    raise OutputError(f"{path} makes no process: {failure}")


def _spec(
    path: Path,
    name: str,
    matrices: Sequence[Sequence[Vector]],
    start: Vector | None,
    states: tuple[str, list[str]],
    tokens: tuple[str, list[str]],
) -> str:
    source = re.sub(r"[^\x20-\x7e]", "?", path.name)
    lines = [f"states {states[0]}", f"tokens {tokens[0]}", ""]
    lines += [f"operator {token} = {_matrix(rows)}" for token, rows in zip(tokens[1], matrices, strict=True)]
    if start is not None:
        lines.append(f"start {_matrix([start])[1:-1]}")
    inside = "\n  ".join(lines)
    return f"# Imported from {source}.\nghmm {name} {{\n  {inside}\n}}\n"


def _matrix(rows: Sequence[Vector]) -> str:
    """As the language writes it. Floats are written by the shortest decimal that leads back to them, within `float(…)`."""
    numbers = [entry for row in rows for entry in row if entry]
    together = len(rows) > 1 and not any(isinstance(entry, Fraction) for entry in numbers)
    texts = [f"[{', '.join(_entry(entry, within_float=together) for entry in row)}]" for row in rows]
    return f"float([{', '.join(texts)}])" if together else f"[{', '.join(texts)}]"


def _entry(value: Scalar, within_float: bool) -> str:
    if isinstance(value, Fraction) or not value:
        return str(Fraction(value))
    return repr(value) if within_float else f"float({value!r})"


def _check_right(path: Path, given: Vector | None, made: Process) -> None:
    """Raise OutputError unless the file's right eigenvector is a multiple of the process' own."""
    if given is None or made.right is None:
        return
    own = [float(value) for value in made.right]
    top = max(range(len(own)), key=lambda i: abs(own[i]))
    scale = float(given[top]) / own[top]
    if scale == 0 or any(
        abs(float(g) - scale * r) > PROPORTIONAL * abs(scale * own[top]) for g, r in zip(given, own, strict=True)
    ):
        raise OutputError(
            f"{path}: `right` is no right eigenvector of the sum of T for the eigenvalue 1: leave it out, and it is found"
        )


def _items(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise OutputError("`T`, `start` and `right` are lists of numbers, and one of them is not")
    return value


def _vector(value: Any) -> Vector:
    return [_scalar(entry) for entry in _items(value)]


def _scalar(value: Any) -> Scalar:
    """Exact if it is a text or an integer, else the float. Raises OutputError if it is no number."""
    if isinstance(value, float) and abs(value) <= LARGEST:  # false for NaN
        return value
    exact = exact_number(value) if isinstance(value, int | str) and not isinstance(value, bool) else None
    if exact is None or abs(exact) > LARGEST:
        raise OutputError(f"`T`, `start` or `right` has {repr(value)[:60]}, which is no number of at most 100 digits")
    return exact


def _flat(value: Any) -> list[Any]:
    return [entry for item in value for entry in _flat(item)] if isinstance(value, list) else [value]


def _negative(value: Any) -> bool:
    exact = exact_number(str(value)) if isinstance(value, int | float | str) and not isinstance(value, bool) else None
    return exact is not None and exact < 0
