"""What tests of every folder share: the real command line, as a user calls it, and processes with known answers."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from hmmdsl.process.process import Process
from tests.command_line import Command, command_line
from tests.process import known_processes

# Hundreds of tests call the command line in a fresh process: none of them compiles the package anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

if "PYTEST_XDIST_WORKER" in os.environ:
    # Two trainings of two threads each slow one another a hundredfold: where tests run side by side, one thread is the default.
    # Where a test asks for two all the same, a thread that waits sleeps, and spins no other off its core.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first: of two workers, none ends with a minute's training while the other has nothing left to do."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def pytest_collection_finish() -> None:
    """What is loaded by now stays: the garbage collector need not look through a million objects again and again."""
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _store_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test reads or writes the user's store, whatever process it starts."""
    folder = tmp_path_factory.mktemp("session")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HMMDSL_STORE", str(folder / "store"))
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        yield


@pytest.fixture(autouse=True)
def _empty_store(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test begins with nothing in the store: what it counts on being computed is."""
    monkeypatch.setenv("HMMDSL_STORE", str(tmp_path_factory.getbasetemp() / "stores" / os.urandom(8).hex()))


@pytest.fixture
def shared_store(_empty_store: None, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests of whole specs share what these have in common, on whatever worker."""
    base = tmp_path_factory.getbasetemp()
    folder = base if "PYTEST_XDIST_WORKER" not in os.environ else base.parent  # that of the session, which its workers share
    monkeypatch.setenv("HMMDSL_STORE", str(folder / "store-of-specs"))


@pytest.fixture(autouse=True)
def _wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is printed has the same columns wherever the tests run."""
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture
def command(tmp_path: Path) -> Command:
    """Call `hmmdsl` in a fresh process, in an empty folder."""
    return partial(command_line, tmp_path)


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
