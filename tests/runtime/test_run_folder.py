"""A folder that looks finished is finished."""

from __future__ import annotations

import errno
import itertools
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial as partial_call
from hashlib import sha256
from pathlib import Path

import pytest

from hmmdsl.files.sums import SUMS
from hmmdsl.runtime import run_folder
from hmmdsl.runtime.failures import OutputError
from hmmdsl.runtime.run_folder import EARLIER, Placed, clear_leftovers, create_partial, discard, put_in_place


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
    assert sorted(entry.name for entry in final.iterdir()) == [SUMS, "second.txt"]
    assert list(tmp_path.iterdir()) == [final]


def test_discarding_leaves_nothing(tmp_path: Path) -> None:
    partial = create_partial(tmp_path, "a-0")
    (partial / "half.json").write_text("{")
    discard(partial)
    assert not list(tmp_path.iterdir())


def test_leftovers_of_dead_processes_are_cleared(tmp_path: Path, dead_process: int) -> None:
    own = create_partial(tmp_path, "a-0")
    dead = own.with_name(f"{own.name.rpartition('-')[0]}-{dead_process}.0a1b2c3d")
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


# ---------------------------------------------------------------- what is somebody's


def a_run(out: Path, name: str = "a-0", **files: str) -> Placed:
    """A small run's folder, put into its place."""
    partial = create_partial(out, name)
    for path, text in {"experiment.yaml": "", "results.json": "{}", "claims.json": "[]", **files}.items():
        (partial / path).parent.mkdir(parents=True, exist_ok=True)
        (partial / path).write_text(text)
    return put_in_place(partial, out / name)


def test_what_no_run_made_stays_when_a_run_takes_the_place_of_another(tmp_path: Path) -> None:
    run = a_run(tmp_path, **{"figures/a.png": "1", "figures/old.png": "1"}).folder
    (run / "notes.md").write_text("mine")
    (run / "figures" / "mine.png").write_text("mine")
    (run / "thoughts" / "deep").mkdir(parents=True)
    (run / "thoughts" / "empty").mkdir()
    (run / "thoughts" / "deep" / "one.txt").write_text("mine")
    (run / "data").symlink_to("/nowhere")
    inode = (run / "notes.md").stat().st_ino
    for text in ("2", "3"):
        a_run(tmp_path, **{"figures/a.png": text})
    assert (run / "notes.md").stat().st_ino == inode  # an editor that has it open still has it
    assert (run / "figures" / "mine.png").read_text() == (run / "thoughts" / "deep" / "one.txt").read_text() == "mine"
    assert (run / "thoughts" / "empty").is_dir()
    assert os.readlink(run / "data") == "/nowhere"
    assert (run / "figures" / "a.png").read_text() == "3"
    assert not (run / "figures" / "old.png").exists()  # that was the run's
    assert not (run / EARLIER).exists()
    assert list(tmp_path.iterdir()) == [run]


def test_a_file_of_the_run_that_somebody_changed_is_kept_aside(tmp_path: Path) -> None:
    run = a_run(tmp_path).folder
    (run / "results.json").write_text("with my remarks")
    a_run(tmp_path)
    a_run(tmp_path)
    (kept,) = (run / EARLIER).iterdir()
    assert (kept / "results.json").read_text() == "with my remarks"
    assert (run / "results.json").read_text() == "{}"


def test_files_stay_where_the_disk_has_no_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*arguments: object, **options: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    run = a_run(tmp_path).folder
    (run / "notes.md").write_text("mine")
    (run / "data").symlink_to("/nowhere")
    a_run(tmp_path)
    assert (run / "notes.md").read_text() == "mine"
    assert os.readlink(run / "data") == "/nowhere"
    assert not (run / EARLIER).exists()


def test_a_run_of_an_earlier_version_has_no_list_and_its_files_are_known_by_name(tmp_path: Path) -> None:
    run = a_run(tmp_path, **{"figures/old.png": "1", "notes.md": "mine"}).folder
    (run / SUMS).unlink()
    a_run(tmp_path)
    assert sorted(path.name for path in run.rglob("*.*")) == ["claims.json", "experiment.yaml", "notes.md", "results.json"]


def test_a_list_that_cannot_be_read_names_nothing(tmp_path: Path) -> None:
    run = a_run(tmp_path, **{"figures/old.png": "1"}).folder
    (run / SUMS).write_text("garbage")
    a_run(tmp_path)
    assert (run / "figures" / "old.png").read_text() == "1"


def test_a_list_of_a_strangers_removes_nothing_outside_the_folder(tmp_path: Path) -> None:
    run = a_run(tmp_path).folder
    precious = tmp_path / "precious.txt"
    precious.write_text("mine")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.png").write_text("mine")
    (run / "figures").symlink_to(tmp_path / "elsewhere")
    digest = sha256(b"mine").hexdigest()
    (run / SUMS).write_text(f"{digest}  ../precious.txt\n{digest}  figures/a.png\n{digest}  {precious}\n")
    a_run(tmp_path)
    assert precious.read_text() == (tmp_path / "elsewhere" / "a.png").read_text() == "mine"


def nothing_of_ours(place: Path) -> None:
    place.mkdir()
    (place / "thesis.tex").write_text("mine")


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (nothing_of_ours, "no run made it"),
        (lambda place: place.write_text("mine"), "is a file"),
        (lambda place: place.symlink_to("/"), "is a link"),
        (lambda place: place.symlink_to("nowhere"), "is a link"),
        (os.mkfifo, "is a pipe"),
    ],
)
def test_what_is_no_run_is_refused_before_anything_runs(make: Callable[[Path], object], what: str, tmp_path: Path) -> None:
    make(tmp_path / "a-0")
    with pytest.raises(OutputError, match=rf"in the way.*{what}: move it, or give another `--out`"):
        create_partial(tmp_path, "a-0")
    assert [path.name for path in tmp_path.iterdir()] == ["a-0"]


def test_a_finished_run_is_not_lost_to_what_came_into_its_place_meanwhile(tmp_path: Path) -> None:
    partial = create_partial(tmp_path, "a-0")
    (partial / "results.json").write_text("{}")
    nothing_of_ours(tmp_path / "a-0")
    (tmp_path / "a-0-2").write_text("mine too")
    assert put_in_place(partial, tmp_path / "a-0").folder == tmp_path / "a-0-3"
    assert (tmp_path / "a-0" / "thesis.tex").read_text() == "mine"


def test_other_claims_do_not_overwrite_the_report_in_silence(tmp_path: Path) -> None:
    texts = [f'[{{"claim": "fit.gap < {bound}"}}]' for bound in ("1e-4", "1e-2")]
    for text in (texts[0], texts[0], texts[1], texts[0], texts[1]):
        placed = a_run(tmp_path, **{"claims.json": text, "report.html": f"the report of {text}", "spec.hmm": text})
    assert placed.earlier is not None
    assert (placed.earlier / "claims.json").read_text() == texts[0]
    kept = {(each / "claims.json").read_text(): each for each in (placed.folder / EARLIER).iterdir()}
    assert set(kept) == set(texts)
    for text, folder in kept.items():
        assert (folder / "report.html").read_text() == f"the report of {text}"
    assert a_run(tmp_path, **{"claims.json": texts[1]}).earlier is None


# ---------------------------------------------------------------- many at once, and deaths between


WRITER = """
import sys
from pathlib import Path
from hmmdsl.runtime.run_folder import create_partial, put_in_place
out, own, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
for number in range(count):
    partial = create_partial(out, "a-0")
    for name in ("results.json", "experiment.yaml"):
        (partial / name).write_text(f"{own} {number}")
    folder = put_in_place(partial, out / "a-0").folder
    assert folder == out / "a-0", folder
"""


def test_any_number_of_processes_may_put_a_run_in_its_place_at_once(tmp_path: Path) -> None:
    run = a_run(tmp_path).folder
    for number in range(5):
        (run / f"note{number}.md").write_text("mine")
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    writers = [subprocess.Popen([*command, str(own), "15"], stderr=subprocess.PIPE, text=True) for own in range(4)]
    for writer in writers:
        _, said = writer.communicate(timeout=100)
        assert writer.returncode == 0, said
    assert [path.name for path in tmp_path.iterdir()] == ["a-0"]
    assert {path.name for path in run.iterdir()} == {SUMS, "results.json", "experiment.yaml", *(f"note{k}.md" for k in range(5))}
    assert (run / "results.json").read_text() == (run / "experiment.yaml").read_text()


class Death(BaseException):
    """The process ends at that instant."""


def test_a_death_at_any_step_loses_nothing_that_is_somebodys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dead_process: int
) -> None:
    for fatal in itertools.count(1):
        out = tmp_path / str(fatal)
        run = a_run(out, **{"figures/a.png": "1"}).folder
        (run / "notes.md").write_text("mine")
        (run / "results.json").write_text("my remarks")
        calls = 0

        def dying(real: Callable[..., object], *arguments: object, fatal: int = fatal, **options: object) -> object:
            nonlocal calls
            calls += 1
            if calls >= fatal:
                raise Death
            return real(*arguments, **options)

        with monkeypatch.context() as patch:
            patch.setattr(os, "getpid", lambda: dead_process)
            partial = create_partial(out, "a-0")
            (partial / "results.json").write_text("{}")
            for name in ("rename", "link", "unlink", "rmdir", "replace"):
                patch.setattr(os, name, partial_call(dying, getattr(os, name)))
            with suppress(Death):
                put_in_place(partial, run)
        clear_leftovers(out)
        assert list(out.iterdir()) == [run]
        assert (run / "notes.md").read_text() == "mine"
        (remarks,) = (path for path in run.rglob("results.json") if path.read_text() == "my remarks")
        assert (remarks.parent == run) == (SUMS in {path.name for path in run.iterdir()} and (run / "figures").is_dir())
        if calls < fatal:
            return
