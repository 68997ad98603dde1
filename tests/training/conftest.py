"""Known processes, as fixtures."""

from __future__ import annotations

import sys
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
