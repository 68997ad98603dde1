"""What tests of every folder share: the real command line, as a user calls it, and processes with known answers."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hmmdsl.process.process import Process

sys.path.insert(0, str(Path(__file__).parent / "process"))
import known_processes

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def command(tmp_path: Path) -> Command:
    """Call `hmmdsl` in a fresh process, in an empty folder."""

    def call(*arguments: str | Path, given: str | bytes = "", **environment: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "hmmdsl", *map(str, arguments)],
            cwd=tmp_path,
            input=given.encode() if isinstance(given, str) else given,
            capture_output=True,
            timeout=300,
            check=False,
            env={**os.environ, "NO_COLOR": "1", **environment},
        )
        out, err = done.stdout.decode(), done.stderr.decode()
        assert "Traceback" not in err, err
        return subprocess.CompletedProcess(done.args, done.returncode, out, err)

    return call


@pytest.fixture
def rrxor() -> Process:
    return known_processes.rrxor()


@pytest.fixture
def mess3() -> Process:
    return known_processes.mess3()


@pytest.fixture
def zero_one_random() -> Process:
    return known_processes.zero_one_random()


@pytest.fixture
def golden_mean() -> Process:
    return known_processes.golden_mean()
