"""Only plain files are read, at once, and no more of them than may be."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from hmmdsl.files.plain import NotPlain, TooLarge, open_plain, read_plain


def test_a_plain_file_is_read_also_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"text")
    (tmp_path / "link").symlink_to("file")
    assert read_plain(tmp_path / "link", 4) == b"text"
    with pytest.raises(NotPlain, match="it is a link, not a plain file"):
        read_plain(tmp_path / "link", 4, follow=False)


def test_a_pipe_without_a_writer_does_not_wait(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    for name in ("pipe", "link"):
        with pytest.raises(NotPlain, match="it is a pipe"):
            open_plain(tmp_path / name)


def test_what_never_ends_is_not_begun(tmp_path: Path) -> None:
    (tmp_path / "zero").symlink_to("/dev/zero")
    with pytest.raises(NotPlain, match="it is a device"):
        read_plain(tmp_path / "zero", 10)
    with pytest.raises(NotPlain, match="it is a folder"):
        read_plain(tmp_path, 10)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        with pytest.raises(NotPlain, match="it is a socket"):
            read_plain(tmp_path / "s", 10)


def test_a_file_that_is_too_large_is_not_read_whole(tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(TooLarge, match="it is larger than 1,000 bytes"):
        read_plain(tmp_path / "sparse", 1000)
