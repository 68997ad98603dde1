"""What is neither a message nor a limit of the machine is a defect of hmmdsl: how it is told, wherever it comes up."""

from __future__ import annotations

import platform
import shlex
import sys
import tempfile
import traceback
from pathlib import Path
from secrets import token_hex

from hmmdsl.files.writing import write_whole
from hmmdsl.version import __version__

REPORT = "this is a fault of hmmdsl, not of the spec"
"""What a user should know first."""

_LONGEST = 300
"""Characters of an exception's text that are shown."""


def defect_text(error: BaseException) -> str:
    """A defect in one line."""
    text = " ".join(str(error).split())[:_LONGEST]
    return f"internal error: {type(error).__name__}{f': {text}' if text else ''}"


def keep_traceback(error: BaseException) -> Path | None:
    """What a report of the defect needs, in a new file that only its user reads: the command, versions, and where it happened, in
    a worker too. None where it can't be written."""
    lines = [
        f"hmmdsl {__version__}, Python {platform.python_version()}, {platform.platform()}",
        f"command: {shlex.join(sys.argv)}",
        "",
        "".join(traceback.format_exception(error)),
    ]
    if trace := getattr(error, "trace", ""):
        lines += ["in the worker:", str(trace)]
    try:
        path = Path(tempfile.gettempdir()) / f"hmmdsl-fault-{token_hex(8)}.txt"
        write_whole(path, "\n".join(lines).encode(errors="backslashreplace"), mode=0o600, new=True)
    except OSError:
        return None
    return path


def how_to_report(error: BaseException) -> str:
    """What to do about a defect; its traceback is kept."""
    kept = keep_traceback(error)
    if kept is None:
        return f"{REPORT}; set HMMDSL_DEBUG=1 to see where, and report it with the spec"
    return f"{REPORT}; report it with the spec and with {kept}, which says where it happened"
