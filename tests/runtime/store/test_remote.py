"""A store behind a URL: what one machine made, another takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from hmmdsl.runtime.failures import OutputError
from hmmdsl.runtime.store.opening import open_store
from hmmdsl.runtime.store.remote import RemoteStore
from hmmdsl.runtime.store.store import Key, Obtained

fsspec = pytest.importorskip("fsspec")

KEY = Key("ab" * 32, "train", "fit", "rrxor")


def fill(folder: Path) -> dict[str, int]:
    (folder / "deep").mkdir()
    (folder / "deep" / "f.bin").write_bytes(b"weights")
    return {"steps": 3}


def nothing(folder: Path) -> None:
    pytest.fail("it was computed again")


@pytest.fixture(params=["memory", "file"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"memory://{tmp_path.name}/store" if request.param == "memory" else f"file://{tmp_path}/there/store"


def machine(url: str, folder: Path, warned: list[str] | None = None) -> RemoteStore:
    return RemoteStore(folder, url, (warned if warned is not None else []).append)


def test_another_machine_takes_what_one_made(url: str, tmp_path: Path) -> None:
    assert not machine(url, tmp_path / "one").obtain(KEY, fill).cached
    other = machine(url, tmp_path / "other")
    assert other.has(KEY.hash)
    found: Obtained = other.obtain(KEY, nothing)
    assert found.cached
    assert found.entry.result == {"steps": 3}
    assert (found.entry.folder / "deep" / "f.bin").read_bytes() == b"weights"
    assert found.entry.folder.is_relative_to(tmp_path / "other")
    listed, made = other.index.rows(None, None, None), machine(url, tmp_path / "one").index.rows(None, None, None)
    assert [(row.hash, row.name, row.bytes) for row in listed] == [(row.hash, row.name, row.bytes) for row in made]


def test_what_is_damaged_there_is_computed_and_uploaded_again(url: str, tmp_path: Path) -> None:
    one = machine(url, tmp_path / "one")
    one.obtain(KEY, fill)
    one._files.pipe_file(f"{one._place(KEY.hash)}/deep/f.bin", b"changed")
    warned: list[str] = []
    other = machine(url, tmp_path / "other", warned)
    assert not other.obtain(KEY, fill).cached
    assert "damaged" in warned[0]
    assert machine(url, tmp_path / "third").obtain(KEY, nothing).cached


def test_an_entry_without_checksums_is_not_there_yet(url: str, tmp_path: Path) -> None:
    one = machine(url, tmp_path / "one")
    one.obtain(KEY, fill)
    one._files.rm(f"{one._place(KEY.hash)}/SHA256SUMS")
    assert not machine(url, tmp_path / "other").has(KEY.hash)


def test_no_file_is_written_outside_the_entry(url: str, tmp_path: Path) -> None:
    one = machine(url, tmp_path / "one")
    one.obtain(KEY, fill)
    one._files.pipe_file(f"{one._place(KEY.hash)}/SHA256SUMS", f"{'0' * 64}  ../../../../escaped\n".encode())
    warned: list[str] = []
    assert machine(url, tmp_path / "other", warned).find(KEY.hash) is None
    assert "outside its folder" in warned[0]
    assert not list(tmp_path.rglob("escaped"))


def test_removing_removes_it_everywhere(url: str, tmp_path: Path) -> None:
    one = machine(url, tmp_path / "one")
    one.obtain(KEY, fill)
    one.remove(KEY.hash)
    assert not machine(url, tmp_path / "other").has(KEY.hash)


def test_a_place_with_other_things_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(OutputError, match="not a store"):
        open_store(f"file://{tmp_path}")


def test_an_unknown_kind_of_url_is_told(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="can't be opened"):
        open_store("nowhere://bucket/store")


def test_an_upload_that_fails_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    warned: list[str] = []
    one = machine(f"file://{tmp_path}/there", tmp_path / "one", warned)

    def broken(*arguments: object, **options: object) -> None:
        raise ConnectionError("gone")

    monkeypatch.setattr(one._files, "put_file", broken)
    assert one.obtain(KEY, fill).entry.result == {"steps": 3}
    assert "could not be uploaded" in warned[0]
    assert one.obtain(KEY, nothing).cached
