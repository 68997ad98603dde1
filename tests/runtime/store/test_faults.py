"""A store whose disk is full, whose index is broken, whose entries are damaged, and that a run uses while it is pruned."""

from __future__ import annotations

import errno
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hmmdsl.cli.app import app
from hmmdsl.files.sums import SUMS, write_sums
from hmmdsl.runtime.failures import OutputError
from hmmdsl.runtime.store.entry import ABOUT, mark_used
from hmmdsl.runtime.store.store import Key, Store
from hmmdsl.runtime.store.upkeep import Wanted, prune, verify

DAY = 86_400
NAMES = ("fit", "beliefs", "geometry")


def hash_of(name: str) -> str:
    return sha256(name.encode()).hexdigest()


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def store(tmp_path: Path, said: list[str]) -> Store:
    """Three entries."""
    store = Store.open(tmp_path / "store")
    store.warn = said.append
    for name in NAMES:
        store.obtain(Key(hash_of(name), "analysis", name, "rrxor"), lambda folder: (folder / "f").write_bytes(bytes(500)))
    store.close()
    return store


def again(store: Store, said: list[str]) -> Store:
    fresh = Store.open(store.folder)
    fresh.warn = said.append
    return fresh


def listed(store: Store) -> set[str]:
    return {row.name for row in store.index.rows()}


def call(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["store", *arguments])
    return done.exit_code, done.output


# ---------------------------------------------------------------- no byte free


@pytest.fixture
def full(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk of the store is full: no file can be made or grow; SQLite says so too. Files can be removed and renamed."""
    open_, connect = os.open, sqlite3.connect

    def no_file(path: str, flags: int, *arguments: object, **options: object) -> int:
        if flags & os.O_CREAT and not os.path.exists(path):
            raise OSError(errno.ENOSPC, "No space left on device", path)
        return open_(path, flags, *arguments, **options)  # type: ignore[arg-type]

    def no_index(path: object, **options: object) -> sqlite3.Connection:
        if path != ":memory:":
            no_room()
        return connect(path, **options)  # type: ignore[arg-type, call-overload, no-any-return]

    monkeypatch.setattr(os, "open", no_file)
    monkeypatch.setattr(sqlite3, "connect", no_index)


def no_room() -> None:
    raise sqlite3.OperationalError("database or disk is full")


@pytest.mark.usefixtures("full")
def test_a_store_on_a_full_disk_is_listed_and_pruned(store: Store, said: list[str]) -> None:
    fresh = again(store, said)
    assert listed(fresh) == set(NAMES)
    assert len(said) == 1
    assert "database or disk is full" in said[0]
    done = prune(fresh, Wanted(kind="analysis"))
    assert len(done.rows) == 3
    assert done.bytes > 1500
    assert not list(fresh.hashes())
    fresh.close()


@pytest.mark.usefixtures("full")
def test_the_commands_work_on_a_full_disk(store: Store) -> None:
    place = str(store.folder)
    code, out = call("list", "--store", place)
    assert code == 0
    assert "geometry" in out
    assert call("size", "--store", place)[0] == 0
    assert call("verify", "--store", place)[0] == 0
    code, out = call("prune", "--larger", "1", "--store", place)
    assert code == 0
    assert "removed 3 entries" in out


def test_what_was_pruned_without_an_index_is_listed_no_more_once_there_is_room(
    store: Store, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    connect, fresh = sqlite3.connect, again(store, said)
    monkeypatch.setattr(sqlite3, "connect", lambda path, **options: connect(path, **options) if path == ":memory:" else no_room())
    assert listed(fresh) == set(NAMES)
    monkeypatch.setattr(sqlite3, "connect", connect)
    assert len(prune(fresh, Wanted(least=1)).rows) == 3
    assert listed(again(store, said)) == set()


def test_an_entry_that_found_no_room_in_the_index_is_listed(store: Store) -> None:
    with sqlite3.connect(store.folder / "index.sqlite") as connection:
        connection.execute("DELETE FROM entries WHERE name = 'beliefs'")
    connection.close()
    assert "beliefs" in call("list", "--store", str(store.folder))[1]
    assert '"count": 3' in call("size", "--store", str(store.folder), "--json")[1]


def test_an_entry_that_was_removed_by_hand_is_listed_no_more(store: Store, said: list[str]) -> None:
    shutil.rmtree(store.entry_folder(hash_of("beliefs")))
    place = str(store.folder)
    assert '"count": 2' in call("size", "--store", place, "--json")[1]
    with sqlite3.connect(store.folder / "index.sqlite") as connection:  # as many rows as entries, and not the same ones
        connection.execute("DELETE FROM entries WHERE name = 'fit'")
    connection.close()
    shutil.rmtree(store.entry_folder(hash_of("geometry")))
    code, out = call("list", "--store", place)
    assert code == 0
    assert "fit" in out
    assert not {"beliefs", "geometry"} & set(out.split())
    assert said == []


# ---------------------------------------------------------------- the index


def garbage(path: Path) -> None:
    path.write_bytes(b"this is no database, and it is longer than a page's header" * 50)


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


def pages_overwritten(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)


def an_older_layout(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE entries (hash TEXT PRIMARY KEY, kind TEXT, name TEXT)")
    connection.close()


@pytest.mark.parametrize("harm", [garbage, cut_off, pages_overwritten, an_older_layout])
def test_a_broken_or_older_index_is_said_set_aside_and_made_anew(
    store: Store, said: list[str], harm: Callable[[Path], None]
) -> None:
    harm(store.folder / "index.sqlite")
    fresh = again(store, said)
    assert listed(fresh) == set(NAMES)
    fresh.close()
    assert len(said) == 1
    assert "made anew from the entries" in said[0]
    assert [path.name.startswith("index.sqlite-") for path in (store.folder / "damaged").iterdir()] == [True]
    fresh = again(store, said)
    assert listed(fresh) == set(NAMES)
    assert len(said) == 1
    assert verify(fresh).whole == 3


def test_an_index_that_is_gone_is_made_anew(store: Store, said: list[str]) -> None:
    (store.folder / "index.sqlite").unlink()
    assert listed(again(store, said)) == set(NAMES)


def test_an_index_of_a_later_version_is_left_alone(store: Store, said: list[str]) -> None:
    path = store.folder / "index.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE entries")
        connection.execute("CREATE TABLE entries_by_colour (colour TEXT)")
        connection.execute("PRAGMA user_version = 7")
    connection.close()
    before = path.read_bytes()
    fresh = again(store, said)
    assert listed(fresh) == set(NAMES)
    assert verify(fresh).whole == 3
    fresh.close()
    assert path.read_bytes() == before
    assert "it is of version 7" in said[0]


def test_something_else_in_place_of_the_index_is_no_end(store: Store, said: list[str]) -> None:
    (store.folder / "index.sqlite").unlink()
    (store.folder / "index.sqlite").mkdir()
    assert listed(again(store, said)) == set(NAMES)
    assert "the entries themselves are read" in said[0]


def test_a_store_whose_mark_is_gone_is_a_store(store: Store, said: list[str]) -> None:
    (store.folder / "hmmdsl-store.json").unlink()
    assert listed(again(store, said)) == set(NAMES)
    (store.folder / "hmmdsl-store.json").unlink()
    (store.folder / "entries" / "my photographs").mkdir()
    with pytest.raises(OutputError, match="is not a store"):
        Store.open(store.folder)


# ---------------------------------------------------------------- entries


def rewritten(folder: Path, text: str) -> None:
    """Other words in entry.json, their checksum right."""
    (folder / ABOUT).unlink()
    (folder / ABOUT).write_text(text)
    write_sums(folder)


def replaced(path: Path, make: Callable[[Path], object]) -> None:
    path.unlink()
    make(path)


HARMS: dict[str, Callable[[Path], object]] = {
    "a file changed": lambda entry: replaced(entry / "f", lambda path: path.write_bytes(b"\1" * 500)),
    "a file cut off": lambda entry: replaced(entry / "f", lambda path: path.write_bytes(bytes(100))),
    "a file gone": lambda entry: (entry / "f").unlink(),
    "a file too many": lambda entry: (entry / "g").write_text(""),
    "a pipe too many": lambda entry: os.mkfifo(entry / "g"),
    "a file that never ends": lambda entry: replaced(entry / "f", lambda path: path.symlink_to("/dev/zero")),
    "entry.json gone": lambda entry: (entry / ABOUT).unlink(),
    "entry.json no JSON": lambda entry: rewritten(entry, "{"),
    "entry.json deep": lambda entry: rewritten(entry, "[" * 100_000 + "]" * 100_000),
    "entry.json of nothing": lambda entry: rewritten(entry, "null"),
    "entry.json of other fields": lambda entry: rewritten(entry, '{"colour": 1}'),
    "entry.json of another hash": lambda entry: rewritten(
        entry, json.dumps({**json.loads((entry / ABOUT).read_text()), "hash": 7})
    ),
    "no checksums": lambda entry: (entry / SUMS).unlink(),
    "checksums that are none": lambda entry: replaced(entry / SUMS, lambda path: path.write_bytes(b"\xff\xfe\n")),
    "a folder no more": lambda entry: (shutil.rmtree(entry), entry.write_text("")),
    "a link to itself": lambda entry: (shutil.rmtree(entry), entry.symlink_to(entry)),
}


@pytest.mark.parametrize("harm", HARMS.values(), ids=HARMS)
def test_every_kind_of_damage_is_said_and_mended(store: Store, said: list[str], harm: Callable[[Path], object]) -> None:
    digest = hash_of("beliefs")
    harm(store.entry_folder(digest))
    assert len(prune(again(store, said), Wanted(least=0), dry=True).rows) == 3
    assert call("list", "--store", str(store.folder))[0] == 0
    found = verify(store)
    assert (found.whole, list(found.damaged)) == (2, [digest])
    assert len(said) == 1
    assert "is damaged" in said[0]
    assert not os.path.lexists(store.entry_folder(digest))
    made = store.obtain(Key(digest, "analysis", "beliefs", "rrxor"), lambda folder: (folder / "f").write_bytes(bytes(500)))
    assert not made.cached
    assert verify(store) == type(found)(3, {})


def test_a_damaged_entry_is_pruned_like_any_other(store: Store) -> None:
    rewritten(store.entry_folder(hash_of("fit")), "null")
    (store.folder / "index.sqlite").unlink()
    assert len(prune(store, Wanted(least=1)).rows) == 3
    assert not list(store.hashes())


def test_an_entry_of_a_later_format_is_left_alone(store: Store, said: list[str]) -> None:
    digest = hash_of("fit")
    folder = store.entry_folder(digest)
    rewritten(folder, json.dumps({"format": 2, "of": "the future"}))
    (folder / SUMS).write_text("sums of another kind")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    fresh = again(store, said)
    found = verify(fresh)
    assert (found.whole, found.damaged, found.later) == (2, {}, 1)
    assert "1 of a later format are left alone" in call("verify", "--store", str(store.folder))[1]
    prune(fresh, Wanted(least=0))
    for force in (False, True):
        with pytest.raises(OutputError, match=r"it has format 2, and this hmmdsl reads 1.*--store"):
            fresh.obtain(Key(digest, "train", "fit", "rrxor"), lambda folder: None, force=force)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert list(fresh.hashes()) == [digest]


# ---------------------------------------------------------------- a run beside


def long_ago(store: Store) -> None:
    for digest in store.hashes():
        mark_used(store.entry_folder(digest), time.time() - 100 * DAY)
    with sqlite3.connect(store.folder / "index.sqlite") as connection:
        connection.execute("UPDATE entries SET used = 0")
    connection.close()


def test_what_is_read_counts_as_used_from_then_on_whatever_becomes_of_the_process(store: Store, said: list[str]) -> None:
    long_ago(store)
    again(store, said).find(hash_of("fit"))  # it is never closed, as if it were killed
    done = prune(again(store, said), Wanted(age=30 * DAY))
    assert {row.name for row in done.rows} == {"beliefs", "geometry"}


@pytest.mark.parametrize("wanted", [Wanted(kind="analysis"), Wanted(least=1), Wanted(most=0), Wanted(age=0.0)])
def test_what_a_run_has_read_or_made_stays_until_it_ends(store: Store, said: list[str], wanted: Wanted) -> None:
    long_ago(store)
    run = again(store, said)
    with run.in_use():
        run.find(hash_of("fit"))
        run.obtain(Key(hash_of("new"), "analysis", "new", "rrxor"), lambda folder: None)
        done = prune(again(store, said), wanted)
        assert {row.name for row in done.rows} == {"beliefs", "geometry"}
        assert done.in_use == 2
        assert sorted(store.hashes()) == sorted([hash_of("fit"), hash_of("new")])
    assert not list((store.folder / "running").iterdir())
    assert len(prune(again(store, said), wanted).rows) == 2


def test_a_clock_that_is_set_back_takes_nothing_from_a_run(
    store: Store, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, now = again(store, said), time.time()
    with run.in_use():
        monkeypatch.setattr(time, "time", lambda: now - 3 * DAY)
        run.find(hash_of("fit"))
        assert "fit" not in {row.name for row in prune(again(store, said), Wanted(kind="analysis")).rows}


def test_a_dead_run_uses_nothing(store: Store, said: list[str]) -> None:
    program = (
        "import os, sys\nfrom pathlib import Path\nfrom hmmdsl.runtime.store.store import Store\n"
        "store = Store.open(Path(sys.argv[1]))\n"
        "use = store.in_use()\nuse.__enter__()\nfor hash in store.hashes():\n    store.find(hash)\nos._exit(9)\n"
    )
    assert subprocess.run([sys.executable, "-c", program, str(store.folder)], check=False).returncode == 9
    assert list((store.folder / "running").iterdir())
    assert len(prune(again(store, said), Wanted(kind="analysis")).rows) == 3
    assert not list((store.folder / "running").iterdir())


def test_what_was_read_since_it_was_chosen_stays(store: Store, said: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that begins while a store is pruned."""
    other, remove = again(store, said), Store.remove

    def read_meanwhile(store: Store, digest: str) -> None:
        for each in list(other.hashes()):
            assert other.find(each) is not None
        remove(store, digest)

    long_ago(store)
    monkeypatch.setattr(Store, "remove", read_meanwhile)
    assert len(prune(store, Wanted(kind="analysis")).rows) == 1
