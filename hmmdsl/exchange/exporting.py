"""`hmmdsl export`: a process for other programs, as labelled matrices (JSON, npz), Graphviz dot, or hmmlearn's parameters."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, TypeAlias

from hmmdsl.exchange.output_file import output_file
from hmmdsl.process.algebra.failure import LARGEST_ENTRIES, many
from hmmdsl.process.process import Process, Scalar
from hmmdsl.process.state_emitting import state_emitting
from hmmdsl.runtime.failures import OutputError

ExportFormat: TypeAlias = Literal["json", "npz", "dot", "hmmlearn"]

LARGEST_MATRICES = 20_000_000
"""Most numbers of all labelled matrices together that are written, zeros too."""


def export(process: Process, form: ExportFormat | None, out: Path | None) -> str | None:
    """Write the process into `out`, or give its text if there is no file. Without a format the file's name tells it; hmmlearn's
    parameters become JSON, or npz where the file's name says so. Raises OutputError."""
    named = out.suffix.removeprefix(".") if out is not None else "json"
    chosen = form or {"json": "json", "npz": "npz", "dot": "dot", "gv": "dot"}.get(named)
    if chosen is None:
        raise OutputError(f"no format ends in .{named}: give `--format json|npz|dot|hmmlearn`")
    _check_size(process, chosen)
    if chosen == "dot":
        content = dot(process).encode()
    else:
        plain = hmmlearn_parameters(process) if chosen == "hmmlearn" else labelled_matrices(process)
        packed = chosen == "npz" or (chosen == "hmmlearn" and named == "npz")
        content = _npz(plain) if packed else (json.dumps(plain, indent=1, ensure_ascii=False) + "\n").encode()
        if packed and out is None:
            raise OutputError("npz is not text and can't be printed: give a file, as in `--out process.npz`")
    if out is None:
        return content.decode()
    with output_file(out) as file:
        file.write(content)
    return None


def _check_size(process: Process, form: str) -> None:
    """Raise OutputError, before anything is made, for a process too large to be written."""
    states, tokens = len(process.states), len(process.tokens)
    cure = "export its factors one by one" if process.factored else "make it smaller"
    if process.factored and process.transition_count > LARGEST_ENTRIES:
        sizes = f"{states:,} states, {tokens:,} tokens and {many(process.transition_count)} transitions"
        raise OutputError(f"{process.name} would have {sizes}, more than {LARGEST_ENTRIES:,}: {cure}")
    if form in ("json", "npz") and tokens * states**2 > LARGEST_MATRICES:
        sizes = f"{tokens:,} matrices of {states:,} x {states:,}"
        dot = "; `--format dot` writes only the transitions that there are" if process.transition_count <= LARGEST_ENTRIES else ""
        raise OutputError(f"{process.name} would be {sizes}, more than {LARGEST_MATRICES:,} numbers: {cure}{dot}")


def labelled_matrices(process: Process) -> dict[str, Any]:
    """Plain data: `T[x][i][j] = Pr(token x, next state j | state i)`. Exact numbers are texts such as `1/3`."""
    zero = process.start[0] * 0
    size = range(len(process.states))
    return {
        "name": process.name,
        "tokens": list(process.tokens),
        "states": list(process.states),
        "T": [[[_plain(entries.get((i, j), zero)) for j in size] for i in size] for entries in process.operators],
        "start": [_plain(value) for value in process.start],
        "start_kind": process.start_kind,
        **({} if process.right is None else {"right": [_plain(value) for value in process.right]}),
    }


def hmmlearn_parameters(process: Process) -> dict[str, Any]:
    """Numbers for `CategoricalHMM`: set them as startprob_, transmat_ and emissionprob_. Every word keeps its probability; states
    are split where token and next state depend on each other."""
    try:
        emitting = state_emitting(process)
    except ValueError as error:
        raise OutputError(f"{error}; `--format json` writes its matrices") from None
    return {
        "name": process.name,
        "tokens": list(emitting.tokens),
        "states": list(emitting.states),
        "startprob": [float(value) for value in emitting.start],
        "transmat": [[float(value) for value in row] for row in emitting.transitions],
        "emissionprob": [[float(value) for value in row] for row in emitting.emissions],
    }


def dot(process: Process) -> str:
    """A Graphviz digraph: an arrow for each token and pair of states, labelled `token : probability`; a given start's weights
    stand beside the states."""
    lines = [f"digraph {_quoted(process.name)} {{", "  rankdir=LR;", "  node [shape=circle];"]
    for state, weight in zip(process.states, process.start, strict=True):
        given = f" [xlabel={_quoted(f'start {_plain(weight)}')}]" if process.start_kind == "given" and weight else ""
        lines.append(f"  {_quoted(state)}{given};")
    for token, entries in zip(process.tokens, process.operators, strict=True):
        for (i, j), value in sorted(entries.items()):
            if value:
                ends = f"{_quoted(process.states[i])} -> {_quoted(process.states[j])}"
                lines.append(f"  {ends} [label={_quoted(f'{token} : {_plain(value)}')}];")
    return "\n".join([*lines, "}", ""])


def _plain(value: Scalar) -> str | float:
    return str(value) if isinstance(value, Fraction) else float(value)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _npz(plain: dict[str, Any]) -> bytes:
    """Numbers in float64, names as text arrays."""
    import numpy as np

    held = io.BytesIO()
    arrays: dict[str, Any] = {}
    for name, value in plain.items():
        numbers = name in ("T", "start", "right", "startprob", "transmat", "emissionprob")
        arrays[name] = np.array(_floats(value), dtype=np.float64) if numbers else np.array(value)
    np.savez(held, **arrays)
    return held.getvalue()


def _floats(value: Sequence[Any] | str | float) -> Any:
    if isinstance(value, list):
        return [_floats(item) for item in value]
    return float(Fraction(value)) if isinstance(value, str) else value
