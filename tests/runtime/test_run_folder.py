"""A folder that looks finished is finished."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from hmmdsl.runtime import run_folder
from hmmdsl.runtime.failures import OutputError
from hmmdsl.runtime.run_folder import clear_leftovers, create_partial, discard, put_in_place


@pytest.fixture
def dead_process() -> int:
    """The id of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_partial_folder_is_hidden_and_beside_its_place(tmp_path: Path) -> None:
    partial = create_partial(tmp_path / "runs", "rrxor-0123456789")
    assert partial.parent == tmp_path / "runs"
    assert partial.name.startswith(".rrxor-0123456789.partial-")
    assert not list(partial.iterdir())


def test_a_finished_folder_replaces_the_one_before_it(tmp_path: Path) -> None:
    final = tmp_path / "rrxor-0123456789"
    for text in ("first", "second"):
        partial = create_partial(tmp_path, final.name)
        (partial / f"{text}.txt").write_text(text)
        put_in_place(partial, final)
    assert [entry.name for entry in final.iterdir()] == ["second.txt"]
    assert list(tmp_path.iterdir()) == [final]


def test_discarding_leaves_nothing(tmp_path: Path) -> None:
    partial = create_partial(tmp_path, "a-0")
    (partial / "half.json").write_text("{")
    discard(partial)
    assert not list(tmp_path.iterdir())


def test_leftovers_of_dead_processes_are_cleared(tmp_path: Path, dead_process: int) -> None:
    own = create_partial(tmp_path, "a-0")
    dead = own.with_name(f"{own.name.rpartition('-')[0]}-{dead_process}")
    dead.mkdir()
    (dead / "half.json").write_text("{")
    clear_leftovers(tmp_path)
    assert list(tmp_path.iterdir()) == [own]


def test_a_run_of_another_machine_is_left_alone(tmp_path: Path, dead_process: int) -> None:
    foreign = tmp_path / f".a-0.partial-elsewhere-{dead_process}"
    foreign.mkdir()
    clear_leftovers(tmp_path)
    assert foreign.is_dir()


def test_a_folder_that_was_moved_aside_by_a_dead_process_comes_back(tmp_path: Path, dead_process: int) -> None:
    aside = tmp_path / f".a-0.replaced-{run_folder._host()}-{dead_process}"
    aside.mkdir()
    (aside / "results.json").write_text("{}")
    clear_leftovers(tmp_path)
    assert (tmp_path / "a-0" / "results.json").is_file()


def test_a_file_in_place_of_the_output_folder_is_an_error_with_a_cure(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("in the way")
    with pytest.raises(OutputError, match=r"can't be written.*--out"):
        create_partial(tmp_path / "runs", "a-0")


def test_a_file_in_place_of_the_run_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a-0").write_text("in the way")
    with pytest.raises(OutputError, match="in the way"):
        create_partial(tmp_path, "a-0")
