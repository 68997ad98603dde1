"""Known processes, as fixtures."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hmmdsl.process.process import Process

sys.path.insert(0, str(Path(__file__).parents[1] / "process"))
import known_processes


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


@pytest.fixture
def usual_signals() -> Iterator[None]:
    """Python's usual handler of SIGINT, which a shell that starts the tests in the background has them ignore."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
