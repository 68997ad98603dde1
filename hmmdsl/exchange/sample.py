"""`hmmdsl sample`: words of a process, and the hidden states behind them, written piece by piece: memory does not grow with them.

The same seed gives the same file. Formats hold the same words: `txt` a word on each line, the others indices into the tokens,
which stand beside them. Hidden states, where they are asked for, are one more than the tokens: before each, and after the last.
"""

from __future__ import annotations

import json
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import numpy as np

from hmmdsl.exchange.output_file import output_file
from hmmdsl.process.process import Process
from hmmdsl.process.sampling import TOKENS_AT_ONCE, Drawn, sample_pieces
from hmmdsl.runtime.failures import OutputError

if TYPE_CHECKING:
    from jaxtyping import Int64

SampleFormat: TypeAlias = Literal["txt", "npz", "parquet", "json"]


@dataclass(frozen=True)
class Sample:
    """What is to be drawn. `states`: with the hidden states."""

    process: Process
    words: int
    length: int
    seed: int
    states: bool = False

    def pieces(self) -> Iterator[Drawn]:
        """The words piece by piece; each call gives the same."""
        return sample_pieces(self.process, self.words, self.length, self.seed, self.states)


def sample_format(chosen: SampleFormat | None, out: Path | None) -> SampleFormat:
    """The format asked for, else the one that the file's name ends in, else text. Raises OutputError if the output cannot take
    it."""
    formats: tuple[SampleFormat, ...] = get_args(SampleFormat)
    named = next((each for each in formats if out is not None and out.suffix == f".{each}"), None)
    if chosen is None and named is None and out is not None and out.suffix:
        raise OutputError(f"no format ends in {out.suffix}: give `--format {'|'.join(formats)}`")
    form = chosen or named or "txt"
    if out is None and form in ("npz", "parquet"):
        raise OutputError(f"{form} is not text and can't be printed: give a file, as in `--out words.{form}`")
    if form == "parquet":
        _pyarrow()
    return form


def write_sample(sample: Sample, form: SampleFormat, out: Path | None) -> None:
    """Write the words into a file that appears whole, or to stdout. Raises OutputError."""
    if sample.states and sample.process.generalized:
        raise OutputError(f"{sample.process.name} is a generalized HMM and has no hidden states to draw: leave `--states` out")
    long = sample.length > TOKENS_AT_ONCE
    if long and (form == "parquet" or (form == "txt" and sample.states)):
        what = "a row of a parquet file" if form == "parquet" else "one line with its states"
        raise OutputError(f"a word of {sample.length:,} tokens is too long for {what}: use `--format npz`")
    write = _WRITERS[form]
    if out is None:
        write(sample, sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return
    with output_file(out) as file:
        write(sample, file)


def _write_text(sample: Sample, file: IO[bytes]) -> None:
    """A word on each line, its tokens with spaces between them where one has more characters; then, after a tab, the states."""
    tokens = sample.process.tokens
    short = all(len(token.encode()) == 1 for token in tokens)
    letters = np.frombuffer("".join(tokens).encode(), dtype=np.uint8) if short else None
    joint = "" if all(len(token) == 1 for token in tokens) else " "
    for piece in sample.pieces():
        if letters is not None and piece.state is None:
            ends = np.full((len(piece.token), int(piece.ends)), ord("\n"), dtype=np.uint8)
            file.write(np.concatenate([letters[piece.token], ends], axis=1).tobytes())
            continue
        lines = [joint.join([tokens[x] for x in row]) for row in piece.token.tolist()]
        if piece.state is not None:
            names = sample.process.states
            states = [" ".join([names[i] for i in row]) for row in piece.state.tolist()]
            lines = [f"{line}\t{visited}" for line, visited in zip(lines, states, strict=True)]
        between = "" if piece.position == 0 else joint
        file.write((between + "\n".join(lines) + ("\n" if piece.ends else "")).encode())


def _write_npz(sample: Sample, file: IO[bytes]) -> None:
    """Arrays `words` and `tokens`, and with states `states` and `state_names`: numpy reads it without objects."""
    process = sample.process
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        _write_array(archive, "words", (sample.words, sample.length), len(process.tokens), (p.token for p in sample.pieces()))
        _write_array(archive, "tokens", (len(process.tokens),), None, [np.array(process.tokens)])
        if sample.states:
            # A second pass draws the same again: an archive takes one array after the other.
            states = (p.state for p in sample.pieces() if p.state is not None)
            _write_array(archive, "states", (sample.words, sample.length + 1), len(process.states), states)
            _write_array(archive, "state_names", (len(process.states),), None, [np.array(process.states)])


def _write_array(
    archive: zipfile.ZipFile,
    name: str,
    shape: tuple[int, ...],
    values: int | None,
    parts: Iterator[np.ndarray] | list[np.ndarray],
) -> None:
    """One array in numpy's own format, its rows written as they come; indices in as few bytes as they need. Times stay out."""
    entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
    with archive.open(entry, "w", force_zip64=True) as member:
        dtype = None if values is None else np.min_scalar_type(values - 1)
        for number, part in enumerate(parts):
            held = part if dtype is None else part.astype(dtype)
            if number == 0:
                descr = np.lib.format.dtype_to_descr(held.dtype)
                np.lib.format.write_array_header_2_0(member, {"descr": descr, "fortran_order": False, "shape": shape})
            member.write(held.tobytes())


def _write_json(sample: Sample, file: IO[bytes]) -> None:
    """One object: process, tokens, seed, and the words as rows of indices."""
    process = sample.process
    head = {"process": process.name, "seed": sample.seed, "tokens": list(process.tokens)}
    if sample.states:
        head["state_names"] = list(process.states)
    file.write(json.dumps(head, ensure_ascii=False)[:-1].encode())
    _write_rows(file, "words", ((piece, piece.token) for piece in sample.pieces()))
    if sample.states:
        _write_rows(file, "states", ((piece, piece.state) for piece in sample.pieces() if piece.state is not None))
    file.write(b"}\n")


def _write_rows(file: IO[bytes], name: str, parts: Iterator[tuple[Drawn, Int64[np.ndarray, "words length"]]]) -> None:
    file.write(f', "{name}": ['.encode())
    for piece, rows in parts:
        texts = [",".join(map(str, row)) for row in rows.tolist()]
        opening = "\n[" if piece.first_word == 0 else ",\n["
        file.write(((opening if piece.position == 0 else ",") + "],\n[".join(texts) + ("]" if piece.ends else "")).encode())
    file.write(b"\n]")


def _write_parquet(sample: Sample, file: IO[bytes]) -> None:
    """Columns `word` and, with states, `states`: lists of indices; the names are in the schema's metadata, as JSON."""
    arrow, parquet = _pyarrow()
    process = sample.process
    columns = {"word": len(process.tokens), **({"states": len(process.states)} if sample.states else {})}
    types = {name: arrow.from_numpy_dtype(np.min_scalar_type(values - 1)) for name, values in columns.items()}
    about = {"process": process.name, "tokens": list(process.tokens), "states": list(process.states), "seed": sample.seed}
    metadata = {"hmmdsl": json.dumps(about, ensure_ascii=False)}
    schema = arrow.schema([(name, arrow.list_(each)) for name, each in types.items()], metadata=metadata)
    with parquet.ParquetWriter(file, schema) as writer:
        for piece in sample.pieces():
            arrays = [piece.token] if piece.state is None else [piece.token, piece.state]
            lists = [
                arrow.ListArray.from_arrays(
                    arrow.array(np.arange(len(rows) + 1, dtype=np.int32) * np.int32(rows.shape[1])),
                    arrow.array(np.ascontiguousarray(rows).ravel().astype(each.to_pandas_dtype())),
                )
                for rows, each in zip(arrays, types.values(), strict=True)
            ]
            writer.write_table(arrow.Table.from_arrays(lists, schema=schema))


def _pyarrow() -> tuple[Any, Any]:
    """pyarrow and its parquet module. Raises OutputError where they are not installed."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise OutputError("parquet needs pyarrow, which is not installed: `pip install 'hmmdsl[parquet]'`") from None
    return pyarrow, pyarrow.parquet


_WRITERS: dict[SampleFormat, Callable[[Sample, IO[bytes]], None]] = {
    "txt": _write_text,
    "npz": _write_npz,
    "json": _write_json,
    "parquet": _write_parquet,
}
