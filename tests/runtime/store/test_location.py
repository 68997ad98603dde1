"""Where the store is, and what is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from hmmdsl.runtime.failures import OutputError
from hmmdsl.runtime.store.location import MARK, locate, open_folder
from hmmdsl.runtime.store.opening import open_store, peek_store


def test_what_is_given_comes_before_the_variable_and_that_before_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HMMDSL_STORE", str(tmp_path / "variable"))
    assert locate(str(tmp_path / "given")).folder == tmp_path / "given"
    assert locate().folder == tmp_path / "variable"
    monkeypatch.delenv("HMMDSL_STORE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert locate().folder == tmp_path / "xdg" / "hmmdsl"
    for relative in ("", "relative"):  # the XDG specification: a relative path is ignored
        monkeypatch.setenv("XDG_CACHE_HOME", relative)
        monkeypatch.setenv("HOME", str(tmp_path / "home"))
        assert locate().folder == tmp_path / "home" / ".cache" / "hmmdsl"


def test_an_empty_folder_becomes_a_store(tmp_path: Path) -> None:
    assert peek_store(str(tmp_path / "new")) is None
    assert not (tmp_path / "new").exists()
    open_store(str(tmp_path / "new"))
    assert (tmp_path / "new" / MARK).is_file()
    assert peek_store(str(tmp_path / "new")) is not None
    open_folder(tmp_path / "new")


@pytest.mark.parametrize("content", ["a file", "a folder", "another store", "no json"])
def test_what_is_not_a_store_is_left_alone(tmp_path: Path, content: str) -> None:
    place = tmp_path / "place"
    if content == "a file":
        place.write_text("mine")
    else:
        place.mkdir()
        inside = {"a folder": ("thesis.tex", "mine"), "another store": (MARK, '{"format": 99}'), "no json": (MARK, "[")}[content]
        (place / inside[0]).write_text(inside[1])
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(OutputError, match=r"not a store|has format 99"):
        open_store(str(place))
    assert sorted(tmp_path.rglob("*")) == before
