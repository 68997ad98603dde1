"""The real command line, as a user calls it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

Command = Callable[..., subprocess.CompletedProcess[str]]
"""What the fixture `command` gives: `command_line` in an empty folder."""


def command_line(
    folder: Path, *arguments: str | Path, given: str | bytes = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Call `hmmdsl` in a fresh process, in `folder`, with `given` to read and `environment` besides what there is."""
    done = subprocess.run(
        [sys.executable, "-m", "hmmdsl", *map(str, arguments)],
        cwd=folder,
        input=given.encode() if isinstance(given, str) else given,
        capture_output=True,
        timeout=300,
        check=False,
        env={**os.environ, "NO_COLOR": "1", **environment},
    )
    out, err = done.stdout.decode(), done.stderr.decode()
    assert "Traceback" not in err, err
    return subprocess.CompletedProcess(done.args, done.returncode, out, err)
