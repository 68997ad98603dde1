"""A spec's file as text, within limits, or a clear message."""

from __future__ import annotations

import stat
from pathlib import Path

from hmmdsl.files.plain import open_plain
from hmmdsl.language.diagnostics import Diagnostics
from hmmdsl.language.source import Source, Span

MAX_BYTES = 1 << 20
"""Largest spec file, in bytes: 1 MiB."""

_MARKS = ((b"\xff\xfe\x00\x00", "UTF-32"), (b"\x00\x00\xfe\xff", "UTF-32"), (b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16"))


def read_source(path: Path, name: str, diagnostics: Diagnostics) -> Source | None:
    """The text of the file at `path`, which messages call `name`; None, and a message (E00xx), if it cannot be a spec.

    A byte order mark is dropped, and each line end (`\\r\\n`, `\\r`) is read as `\\n`. Never raises OSError or UnicodeError.
    """
    try:
        about = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        diagnostics.add("E0001", f"there is no file {name}", None, help=_where(path))
        return None
    except (OSError, ValueError) as problem:
        diagnostics.add("E0003", f"{name} cannot be read: {_reason(problem)}", None, help="check its name and permissions")
        return None
    if not stat.S_ISREG(about.st_mode):
        what = "a folder" if stat.S_ISDIR(about.st_mode) else "not a regular file"
        diagnostics.add("E0002", f"{name} is {what}, not a spec", None, help="name a file that ends in .hmm")
        return None
    try:
        with open_plain(path) as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as problem:
        diagnostics.add("E0003", f"{name} cannot be read: {_reason(problem)}", None, help="check its permissions")
        return None
    if len(data) > MAX_BYTES:
        size = max(about.st_size, len(data))
        message = f"{name} has {size:,} bytes; a spec may have {MAX_BYTES:,}"
        diagnostics.add("E0004", message, None, help="split it with `import`, or check that it is a spec at all")
        return None
    return _decoded(data, name, diagnostics)


def _decoded(data: bytes, name: str, diagnostics: Diagnostics) -> Source | None:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            diagnostics.add("E0005", f"{name} is encoded as {encoding}, not UTF-8", None, help="save it as UTF-8")
            return None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        offset = problem.start + (3 if data.startswith(b"\xef\xbb\xbf") else 0)
        line = _lines(data[:offset].decode("utf-8", errors="replace")).count("\n") + 1
        message = f"{name} is not UTF-8: byte {data[offset]:#04x} at offset {offset}, in line {line}"
        diagnostics.add("E0005", message, None, help="save it as UTF-8; it may be Latin-1, or no text at all")
        return None
    source = Source(name, _lines(text))
    place = source.text.find("\0")
    if place >= 0:
        line, column = source.position(place)
        message = f"{name} has a NUL byte in line {line}, column {column}"
        diagnostics.add(
            "E0006", message, Span(source, place, place + 1), label="here", help="a spec is plain text: delete the byte"
        )
        return None
    return source


def _lines(text: str) -> str:
    """The text with `\\n` as its only line end."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _reason(problem: Exception) -> str:
    reason = problem.strerror if isinstance(problem, OSError) else None
    return (reason or str(problem) or type(problem).__name__).lower()


def _where(path: Path) -> str:
    """Say what may have been meant: a spec of a similar name in the same folder."""
    from difflib import get_close_matches

    try:
        there = sorted(p.name for p in path.parent.glob("*.hmm"))
    except (OSError, ValueError):
        there = []
    near = get_close_matches(path.name, there, n=1)
    if near:
        return f"there is {path.parent / near[0]}"
    return f"the folder has {', '.join(there[:5])}" if there else "check the path; a spec ends in .hmm"
