"""A file as text: what is accepted, and what is refused with which words."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hmmdsl.language.diagnostics import Diagnostic, Diagnostics
from hmmdsl.language.reading import MAX_BYTES, read_source
from hmmdsl.language.source import Source


def read(path: Path) -> tuple[Source | None, list[Diagnostic]]:
    diagnostics = Diagnostics()
    return read_source(path, path.name, diagnostics), diagnostics.found


def refused(path: Path) -> Diagnostic:
    source, (found,) = read(path)
    assert source is None
    return found


def written(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "spec.hmm"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("data", [b"a\nb\n", b"a\r\nb\r\n", b"a\rb\r", b"\xef\xbb\xbfa\nb\n"])
def test_line_ends_and_a_byte_order_mark_make_no_difference(tmp_path: Path, data: bytes) -> None:
    source, found = read(written(tmp_path, data))
    assert found == []
    assert source is not None
    assert source.text == "a\nb\n"


def test_a_missing_file_gets_the_nearest_name(tmp_path: Path) -> None:
    (tmp_path / "rrxor.hmm").write_text("")
    found = refused(tmp_path / "rrxro.hmm")
    assert found.code == "E0001"
    assert "rrxor.hmm" in found.help


def test_a_folder_is_no_spec(tmp_path: Path) -> None:
    assert refused(tmp_path).code == "E0002"


def test_a_file_below_a_file_does_not_exist(tmp_path: Path) -> None:
    assert refused(written(tmp_path, b"") / "below.hmm").code == "E0001"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.hmm")
    assert refused(tmp_path / "pipe.hmm").code == "E0002"


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b"])
def test_an_impossible_name_is_a_message(tmp_path: Path, name: str) -> None:
    assert refused(tmp_path / name).code in ("E0001", "E0003")


def test_a_file_without_permission_is_a_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    path = written(tmp_path, b"")
    monkeypatch.setattr(os, "open", forbidden)
    found = refused(path)
    assert found.code == "E0003"
    assert "permission denied" in found.message


def test_a_large_file_is_refused_with_its_size(tmp_path: Path) -> None:
    assert read(written(tmp_path, b"#" * MAX_BYTES))[1] == []
    found = refused(written(tmp_path, b"#" * (MAX_BYTES + 1)))
    assert found.code == "E0004"
    assert "1,048,577" in found.message


def test_text_in_another_encoding_is_refused_at_its_byte(tmp_path: Path) -> None:
    found = refused(written(tmp_path, "# one\n# café\n".encode("latin-1")))
    assert found.code == "E0005"
    assert "0xe9 at offset 11, in line 2" in found.message
    assert "UTF-16" in refused(written(tmp_path, "hmm".encode("utf-16"))).message


def test_a_nul_byte_is_refused_at_its_place(tmp_path: Path) -> None:
    found = refused(written(tmp_path, b"# one\nhmm\0 x"))
    assert found.code == "E0006"
    assert "line 2, column 4" in found.message
