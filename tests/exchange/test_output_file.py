"""What a command writes where its user says appears whole, and nothing else is written over."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hmmdsl.exchange.output_file import output_file
from hmmdsl.runtime.failures import OutputError


def test_a_file_appears_when_it_is_whole(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    out.write_text("old")
    with output_file(out) as file:
        file.write(b"new")
        assert out.read_text() == "old"
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("out.json", "new")]


def test_what_goes_wrong_meanwhile_leaves_the_old_file(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    out.write_text("old")

    def fail() -> None:
        with output_file(out, "give another place") as file:
            file.write(b"half")
            raise OSError(28, "No space left on device")

    with pytest.raises(OutputError, match=r"can't be written \(no space left on device\): give another place"):
        fail()
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("out.json", "old")]


def test_a_link_a_folder_and_a_device_are_refused_and_stay(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("mine")
    (tmp_path / "link").symlink_to(precious)
    (tmp_path / "to nowhere").symlink_to(tmp_path / "nowhere")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    places = {
        "link": "is a link",
        "to nowhere": "is a link",
        "folder": "is a folder",
        "pipe": "is a pipe",
        "/dev/null": "is a device",
    }
    for place, why in places.items():
        with pytest.raises(OutputError, match=why), output_file(tmp_path / place) as file:
            file.write(b"")
    assert precious.read_text() == "mine"
    assert not (tmp_path / "nowhere").exists()
    assert not Path("/dev/null").is_file()
