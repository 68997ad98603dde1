"""Whole runs through the store: nothing is computed twice, and what comes from the store is what was computed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hmmdsl.exchange.reading import read
from hmmdsl.exchange.verify import compiled_for, verify
from hmmdsl.runtime.asked import Asked
from hmmdsl.runtime.failures import OutputError, RunError
from hmmdsl.runtime.plan import make_plan
from hmmdsl.runtime.progress import Silence
from hmmdsl.runtime.run import Run, run
from hmmdsl.runtime.stages import train as train_stage
from hmmdsl.runtime.store.entry import read_entry, write_entry
from hmmdsl.runtime.store.store import Store
from tests.command_line import Command, coarsely
from tests.golden import GOLDEN

SPEC = (
    GOLDEN
    + """\
experiment { title = "Golden" }
model net: transformer { layers = 1, d_model = 4, context = 3 }
train fit { process = golden(), model = net, steps = 3, checkpoints = every { steps = 1 } }
analysis positions: loss { of = fit }
analysis beliefs: regression { of = fit, target = belief, at = [embedding] }
expect "it is not worse than guessing": fit.loss < 2
"""
)
NUMBERS = {"process golden", "train fit", "analysis positions", "analysis beliefs"}
TIMED = {"log.jsonl", "report.html", "SHA256SUMS"}


class Place:
    """A folder with a spec, a store, and what runs of it gave."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = Store.open(folder / "store")
        self.spec(SPEC)

    def spec(self, text: str) -> Path:
        path = self.folder / "golden.hmm"
        path.write_text(text)
        return path

    def run(self, text: str = SPEC, out: str = "runs", store: bool = True, force: bool = False) -> Run:
        return run(read(self.spec(text)), self.folder / out, Silence(), Asked(self.store if store else None, force))


@pytest.fixture(scope="module", autouse=True)
def _coarse_figures() -> Iterator[None]:
    with coarsely():
        yield


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A place where the spec has been run once, into `first`."""
    made = Place(tmp_path_factory.mktemp("cached"))
    assert not made.run(out="first").cached
    return made


def files(folder: Path, without: set[str] = TIMED) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in without
    }


def only(folder: Path) -> Path:
    (inside,) = folder.iterdir()
    return inside


def test_a_run_from_the_store_has_the_same_bytes(place: Place) -> None:
    again = place.run(out="again")
    assert again.cached == set(again.seconds)
    assert sum(again.seconds.values()) == 0
    first = files(only(place.folder / "first"))
    assert files(again.folder) == first
    assert {"results.json", "checkpoints/fit/step_3.safetensors", "arrays/beliefs.safetensors"} < set(first)
    assert (again.folder / "report.html").read_bytes() == (only(place.folder / "first") / "report.html").read_bytes()


def test_a_run_without_a_store_has_the_same_bytes_and_leaves_the_store_alone(place: Place) -> None:
    before = sorted(place.store.folder.rglob("*"))
    alone = place.run(out="alone", store=False)
    assert not alone.cached
    assert files(alone.folder) == files(only(place.folder / "first"))
    assert [path for path in sorted(place.store.folder.rglob("*")) if "index" not in path.name] == [
        path for path in before if "index" not in path.name
    ]


def test_a_run_that_is_stored_is_quick_since_it_imports_nothing_heavy(place: Place) -> None:
    place.spec(SPEC)
    program = (
        "import sys\n"
        "from hmmdsl.cli import main\n"
        "try:\n    main()\n"
        "except SystemExit as done:\n    assert not done.code, done.code\n"
        "heavy = {'torch', 'sklearn', 'scipy', 'matplotlib', 'numpy', 'networkx', 'jinja2'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    call = [sys.executable, "-c", program, "run", "golden.hmm", "--store", "store", "--out", "light", "--json"]
    done = subprocess.run(call, cwd=place.folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert set(found["cached"]) == set(found["seconds"])
    assert "from the store" in done.stderr


CHANGES: list[tuple[str, str, str, set[str]]] = [
    ("title", "Golden", "Gilded", {"report"}),
    ("comment", "model net", "# the network\nmodel net", {"report"}),
    ("claim", "fit.loss < 2", "fit.loss < 3", {"report"}),
    ("analysis", "at = [embedding]", "at = [final_norm]", {"analysis beliefs", "figures of beliefs", "report"}),
    ("name of the train", "fit", "fit2", {"figures of fit2", "figures of positions", "figures of beliefs", "report"}),
    ("one analysis fewer", "analysis positions: loss { of = fit }\n", "", {"report"}),
]


@pytest.mark.parametrize(("old", "new", "made"), [change[1:] for change in CHANGES], ids=[change[0] for change in CHANGES])
def test_a_change_computes_what_it_changes_and_nothing_else(place: Place, old: str, new: str, made: set[str]) -> None:
    changed = place.run(SPEC.replace(old, new), out=f"changed-{len(new)}")
    assert set(changed.seconds) - changed.cached == made
    assert "from the store" in (changed.folder / "report.html").read_text()


def test_force_computes_everything_again_to_the_same_bytes(place: Place) -> None:
    forced = place.run(out="forced", force=True)
    assert not forced.cached
    assert files(forced.folder) == files(only(place.folder / "first"))
    assert place.run(out="after").cached


def test_a_damaged_checkpoint_is_trained_again(place: Place) -> None:
    plan = make_plan(read(place.spec(SPEC)).experiment, SPEC)
    path = place.store.entry_folder(plan.stage("train fit").hash) / "step_2.safetensors"
    path.unlink()
    path.write_bytes(b"damaged")
    warned: list[str] = []
    place.store.warn = warned.append
    mended = place.run(out="mended")
    assert set(mended.seconds) - mended.cached == {"train fit"}
    assert "damaged" in warned[0]
    assert files(mended.folder) == files(only(place.folder / "first"))


def test_verifying_computes_and_does_not_read_the_store(place: Place) -> None:
    first = only(place.folder / "first")
    with compiled_for(first, place.folder) as (compiled, earlier):
        pass  # nothing to clear away: the run is a folder
    digest = make_plan(compiled.experiment).stage("train fit").hash
    genuine = read_entry(place.store.entry_folder(digest), digest)
    for path in genuine.folder.iterdir():
        path.chmod(0o644)
    genuine.result["results"]["gap"] += 1e-3
    write_entry(genuine)  # false, with checksums that fit
    found = verify(compiled, earlier, Silence())
    assert found.holds
    assert found.comparison is not None
    assert found.comparison.identical == found.comparison.count
    place.run(out="true-again", force=True)


def test_two_processes_at_once_compute_once_and_both_finish(tmp_path: Path) -> None:
    (tmp_path / "golden.hmm").write_text(SPEC)
    call = [sys.executable, "-m", "hmmdsl", "run", "golden.hmm", "--store", "store", "--json"]
    both = [
        subprocess.Popen([*call, "--out", out], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for out in ("one", "two")
    ]
    outs = [each.communicate(timeout=300) for each in both]
    assert [each.returncode for each in both] == [0, 0], outs
    cached = [set(json.loads(out)["cached"]) for out, _ in outs]
    stages = set(json.loads(outs[0][0])["seconds"])
    assert cached[0] | cached[1] == stages, "every stage was taken by at least one"
    assert not cached[0] & cached[1], "and computed by the other"
    assert files(only(tmp_path / "one"))["results.json"] == files(only(tmp_path / "two"))["results.json"]


def test_an_interrupted_run_keeps_its_work_and_says_how_to_go_on(tmp_path: Path) -> None:
    (tmp_path / "golden.hmm").write_text(SPEC.replace("steps = 3", "steps = 1_000_000").replace("steps = 1 }", "steps = 100 }"))
    process = subprocess.Popen(
        [sys.executable, "-m", "hmmdsl", "run", "golden.hmm", "--store", "store"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("  step"):
            break
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "run the same command again to continue" in err
    assert not list((tmp_path / "runs").iterdir())
    (work,) = (tmp_path / "store" / "work").iterdir()
    assert list(work.glob("step_*.safetensors"))
    assert not (tmp_path / "store" / "entries" / work.name[:2] / work.name).exists()


def test_a_full_disk_stops_the_run_in_words_and_the_next_one_continues(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = Place(tmp_path)
    real = train_stage.clear

    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(train_stage, "clear", full)
    with pytest.raises(RunError, match="the disk is full") as caught:
        there.run()
    assert caught.value.kept is not None
    assert caught.value.kept.name.endswith(".failed")
    assert (caught.value.kept / "checkpoints" / "fit" / "step_3.safetensors").is_file()
    monkeypatch.setattr(train_stage, "clear", real)
    finished = there.run()
    assert "process golden" in finished.cached
    assert "train fit" not in finished.cached


def test_a_store_that_cannot_be_written_is_told_before_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = Place(tmp_path)
    real = os.open

    def read_only(path: str | Path, flags: int, *arguments: object, **options: object) -> int:
        if flags & (os.O_CREAT | os.O_WRONLY) and there.store.folder in Path(path).parents:
            raise OSError(30, "Read-only file system")
        return real(path, flags, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", read_only)
    with pytest.raises(OutputError, match=r"read-only file system.*--no-store"):
        there.run()
    assert not list((tmp_path / "runs").iterdir())


def test_a_read_only_store_gives_what_it_has(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_only(*arguments: object, **options: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Store, "obtain", lambda store, key, make, **options: _found(store, key))
    monkeypatch.setattr(Store, "check_writable", read_only)
    place.run(out="from-read-only")


def _found(store: Store, key: object) -> object:
    from hmmdsl.runtime.store.store import Key, Obtained

    assert isinstance(key, Key)
    entry = store.find(key.hash)
    assert entry is not None
    return Obtained(entry, True, 0.0)


def test_a_folder_that_is_no_store_is_refused_before_anything_runs(tmp_path: Path, command: Command) -> None:
    (tmp_path / "golden.hmm").write_text(SPEC)
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "thesis.tex").write_text("mine")
    done = command("run", "golden.hmm", "--store", "thesis")
    assert done.returncode == 2
    assert "thesis is not a store" in done.stderr
    assert [path.name for path in (tmp_path / "thesis").iterdir()] == ["thesis.tex"]
    assert not (tmp_path / "runs").exists()


def test_the_plan_says_what_is_stored_and_what_the_rest_takes(place: Place, command: Command) -> None:
    spec = place.spec(SPEC)
    known = ("show", spec, "--phase", "plan", "--store", place.folder / "store")
    plan = json.loads(command(*known, "--json").stdout)
    assert all(stage["cached"] for stage in plan["stages"] if stage["id"] in NUMBERS)
    text = command("show", spec, "--phase", "plan", "--no-store").stdout
    assert "0 of" in text
    assert "train fit" in text.split("·", 1)[1]
    other = json.loads(command(*known, "--set", "fit.seed=1", "--json").stdout)
    assert {stage["id"] for stage in other["stages"] if stage["cached"]} == {"process golden", "figures of golden"}
    (train,) = (stage for stage in other["stages"] if stage["kind"] == "train")
    assert train["estimate"]["seconds"] > 0
    assert train["estimate"]["bytes"] > 2**20
    dot = command(*known, "--dot").stdout
    assert dot.startswith("digraph plan {")
    assert '"train fit" -> "analysis beliefs";' in dot
