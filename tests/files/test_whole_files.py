"""A file is whole or not there."""

from __future__ import annotations

import csv
import errno
import os
from pathlib import Path

import pytest

from hmmdsl.files import writing
from hmmdsl.files.writing import append, link_file, try_to_write, write_csv, write_whole


def test_the_new_file_takes_the_place_of_the_old(tmp_path: Path) -> None:
    for data in (b"old", b"new and longer"):
        write_whole(tmp_path / "file", data)
        assert (tmp_path / "file").read_bytes() == data
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_failure_leaves_the_old_file_and_nothing_else(call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_whole(tmp_path / "file", b"old")

    def fail(*_: object) -> None:
        raise OSError("no")

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(OSError, match="no"):
        write_whole(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_data_reaches_the_disk_before_the_name_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a power cut may leave a name with nothing behind it."""
    calls: list[str] = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda file: (calls.append("fsync"), fsync(file)))
    monkeypatch.setattr(os, "replace", lambda *paths: (calls.append("replace"), replace(*paths)))
    write_whole(tmp_path / "file", b"new")
    assert calls == ["fsync", "replace", "fsync"]


@pytest.mark.parametrize("name", [".out.json.unfinished", "out.json.partial", "out.json"])
def test_nothing_is_written_through_a_planted_link(name: str, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere" / "precious"
    other.parent.mkdir()
    other.write_text("mine")
    (tmp_path / name).symlink_to(other)
    write_whole(tmp_path / "out.json", "new")
    assert other.read_text() == "mine"
    assert (tmp_path / "out.json").read_text() == "new"
    assert not (tmp_path / "out.json").is_symlink()
    (tmp_path / "log").symlink_to(other)
    with pytest.raises(OSError, match="symbolic link"):
        append(tmp_path / "log", "line\n")
    assert other.read_text() == "mine"


def test_a_name_that_another_process_took_is_never_written_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "token_hex", lambda _: "taken")
    (tmp_path / ".file.taken.partial").write_text("another's")
    with pytest.raises(FileExistsError):
        write_whole(tmp_path / "file", "mine")
    assert not (tmp_path / "file").exists()


def test_what_must_be_new_is_not_written_over(tmp_path: Path) -> None:
    write_whole(tmp_path / "file", "first", new=True)
    with pytest.raises(FileExistsError):
        write_whole(tmp_path / "file", "second", new=True)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("file", "first")]


def test_permissions_are_the_usual_ones_or_those_asked_for(tmp_path: Path) -> None:
    (tmp_path / "usual").touch()
    write_whole(tmp_path / "file", "")
    write_whole(tmp_path / "script", "", mode=0o750)
    assert (tmp_path / "file").stat().st_mode == (tmp_path / "usual").stat().st_mode
    assert (tmp_path / "script").stat().st_mode & 0o777 == 0o750


def test_a_long_name_can_be_written(tmp_path: Path) -> None:
    name = "ä" * 127
    write_whole(tmp_path / name, "text")
    assert (tmp_path / name).read_text() == "text"


def test_tables_are_written_with_floats_as_they_are(tmp_path: Path) -> None:
    write_csv(tmp_path / "t.csv", [["a", "b"], [0.1 + 0.2, 'say "x", y']])
    assert (tmp_path / "t.csv").read_bytes() == b'a,b\n0.30000000000000004,"say ""x"", y"\n'


def test_a_file_in_two_places_is_one_and_a_copy_where_the_disk_cannot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_text("text")
    (tmp_path / "below").mkdir()
    link_file(tmp_path / "a", tmp_path / "below" / "b")
    assert (tmp_path / "a").samefile(tmp_path / "below" / "b")

    def no_links(*arguments: object, **options: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    link_file(tmp_path / "a", tmp_path / "below" / "c")
    assert (tmp_path / "below" / "c").read_text() == "text"
    write_whole(tmp_path / "d", "new", new=True)
    with pytest.raises(FileExistsError):
        write_whole(tmp_path / "d", "newer", new=True)


@pytest.mark.parametrize("named", [False, True])
def test_trying_to_write_leaves_nothing(named: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if named:
        monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    try_to_write(tmp_path)
    assert not list(tmp_path.iterdir())
    with pytest.raises(FileNotFoundError):
        try_to_write(tmp_path / "nowhere")


@pytest.mark.parametrize("text", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://x")'])
def test_text_that_a_spreadsheet_would_compute_is_text_in_it(text: str, tmp_path: Path) -> None:
    write_csv(tmp_path / "t.csv", [[text, text], [-0.5, "-1/3"], ["+1e-5", "-inf"]])
    with (tmp_path / "t.csv").open(newline="") as file:
        assert list(csv.reader(file)) == [["'" + text.replace("\r", "\n")] * 2, ["-0.5", "-1/3"], ["+1e-5", "-inf"]]
