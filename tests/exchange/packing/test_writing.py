"""Making a pack: everything of the run, the same bytes twice, and nothing of a run that is not whole."""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from hashlib import sha256
from pathlib import Path

import pytest

from hmmdsl.exchange.packing import writing
from hmmdsl.exchange.packing.limits import PackError, Part
from hmmdsl.exchange.packing.writing import pack
from hmmdsl.runtime.failures import OutputError
from tests.exchange.packing.packed_runs import contents, run_folder


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return run_folder(tmp_path)


def test_a_pack_holds_every_file_of_the_run_but_its_log_behind_a_manifest_that_is_right(run: Path, tmp_path: Path) -> None:
    packed = pack(run, tmp_path / "x.hmmz")
    expected = {name: content for name, content in contents(run).items() if name != "log.jsonl"}
    with zipfile.ZipFile(packed.path) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert names == ["manifest.json", *sorted(expected)]
        assert {name: archive.read(name) for name in names[1:]} == expected
        manifest = json.loads(archive.read("manifest.json"))
    assert {file["path"]: (file["size"], file["sha256"]) for file in manifest["files"]} == {
        name: (len(content), sha256(content).hexdigest()) for name, content in expected.items()
    }
    assert manifest["settings"] == {"fit.steps": "4"}
    assert str(tmp_path) not in json.dumps(manifest)


def test_packing_twice_gives_the_same_bytes_whatever_the_times_of_the_files(run: Path, tmp_path: Path) -> None:
    first = pack(run, tmp_path / "x.hmmz").path.read_bytes()
    copy = tmp_path / "copy" / run.name
    shutil.copytree(run, copy)
    for path in copy.rglob("*"):
        os.utime(path, (10**9, 10**9))
        path.chmod(0o700)
    assert pack(copy, tmp_path / "y.hmmz").path.read_bytes() == first


def test_parts_can_be_left_out_and_the_manifest_says_so(run: Path, tmp_path: Path) -> None:
    packed = pack(run, tmp_path / "x.hmmz", [Part.CHECKPOINTS, Part.FIGURES])
    names = [file.path for file in packed.manifest.files]
    assert not [name for name in names if name.startswith(("checkpoints/", "figures/"))]
    assert "report.html" in names
    assert packed.manifest.without == ("checkpoints", "figures")


def test_other_files_in_the_folder_stay_there_and_are_told(run: Path, tmp_path: Path) -> None:
    (run / "notes.txt").write_text("mine")
    (run / "network.pkl").write_bytes(b"\x80\x04.")
    packed = pack(run, tmp_path / "x.hmmz")
    assert packed.left_out == ("network.pkl", "notes.txt")
    assert not {"network.pkl", "notes.txt"} & {file.path for file in packed.manifest.files}


@pytest.mark.parametrize("name", ["results.json", "environment.json", "report.html", "checkpoints/fit/step_4.safetensors"])
def test_a_run_that_is_not_whole_is_refused_and_nothing_is_written(run: Path, tmp_path: Path, name: str) -> None:
    (run / name).unlink()
    (tmp_path / "out").mkdir()
    with pytest.raises(PackError, match=r"finished|whole"):
        pack(run, tmp_path / "out" / "x.hmmz")
    assert not list((tmp_path / "out").iterdir())


def test_results_of_another_experiment_are_refused(run: Path, tmp_path: Path) -> None:
    (run / "results.json").write_text('{"other": {"loss": 1}}')
    with pytest.raises(PackError, match="not that of experiment"):
        pack(run, tmp_path / "x.hmmz")


def test_a_link_in_the_run_folder_is_refused(run: Path, tmp_path: Path) -> None:
    (run / "figures" / "b.png").symlink_to("/etc/hostname")
    with pytest.raises(PackError, match="is a link"):
        pack(run, tmp_path / "x.hmmz")


def test_a_run_that_is_too_large_is_refused_with_a_cure(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "PACKED", 1000)
    with pytest.raises(PackError, match=r"bytes, and a pack holds 60,000 files, 1,000 bytes: use `--without checkpoints`"):
        pack(run, tmp_path / "x.hmmz")
    assert not list(tmp_path.glob("*.hmmz"))


def test_a_place_that_cannot_be_written_is_told(run: Path, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="can't be written"):
        pack(run, tmp_path / "nowhere" / "x.hmmz")


def test_a_file_that_deflates_like_a_bomb_is_stored_so_that_its_pack_is_readable(run: Path, tmp_path: Path) -> None:
    from hmmdsl.cli.verify import check_pack

    (run / "facts.json").write_text(" " * 3_000_000 + "{}")
    check_pack(pack(run, tmp_path / "x.hmmz").path)
