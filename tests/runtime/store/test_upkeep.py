"""Listing, verifying and pruning a store."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hmmdsl.cli.app import app
from hmmdsl.runtime.store.entry import mark_used
from hmmdsl.runtime.store.index import Index, Row
from hmmdsl.runtime.store.store import Key, Store
from hmmdsl.runtime.store.upkeep import Wanted, prune, verify

DAY = 86_400


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Six entries: a train and two analyses of each of two specs; the first spec's were last read ten days ago."""
    store = Store.open(tmp_path / "store")
    rows = []
    for spec, read in (("rrxor", 90 * DAY), ("mess3", 100 * DAY)):
        for kind, name, size in (("train", "fit", 5000), ("analysis", "beliefs", 500), ("analysis", "geometry", 50)):
            digest = sha256(f"{spec} {name}".encode()).hexdigest()
            store.obtain(Key(digest, kind, name, spec), lambda folder, size=size: (folder / "f").write_bytes(bytes(size)))
            row = next(each for each in store.index.rows() if each.hash == digest)
            mark_used(store.entry_folder(digest), read)
            rows.append(Row(row.hash, row.kind, row.name, row.spec, row.made, read, row.seconds, row.bytes))
    store.index.replace(rows)
    return store


def names(store: Store) -> set[tuple[str, str]]:
    return {(row.spec, row.name) for row in store.index.rows()}


def test_entries_are_listed_by_kind_and_text_the_newest_first(store: Store) -> None:
    rows = store.index.rows()
    assert len(rows) == 6
    assert [row.made for row in rows] == sorted((row.made for row in rows), reverse=True)
    assert {row.spec for row in store.index.rows(text="mess")} == {"mess3"}
    assert {row.name for row in store.index.rows(kind="analysis")} == {"beliefs", "geometry"}
    assert len(store.index.rows(limit=2)) == 2
    assert store.index.rows(text="%") == []
    assert store.index.rows(text=rows[0].hash[:12]) == rows[:1]


def test_totals_are_by_kind(store: Store) -> None:
    totals = {total.kind: total for total in store.index.totals()}
    assert {kind: total.count for kind, total in totals.items()} == {"train": 2, "analysis": 4}
    assert totals["train"].bytes > 10_000


def test_the_index_is_made_again_from_the_entries(store: Store) -> None:
    before = names(store)
    store.close()
    (store.folder / "index.sqlite").unlink()
    again = Store.open(store.folder)
    assert names(again) == before
    assert verify(again).whole == 6
    assert names(again) == before


def test_verify_moves_what_is_damaged_away(store: Store) -> None:
    store.warn = lambda message: None
    (bad,) = (row for row in store.index.rows() if (row.spec, row.name) == ("rrxor", "fit"))
    path = store.entry_folder(bad.hash) / "f"
    path.chmod(0o644)
    path.write_bytes(b"other")
    found = verify(store)
    assert (found.whole, list(found.damaged)) == (5, [bad.hash])
    assert not store.has(bad.hash)
    assert ("rrxor", "fit") not in names(store)


@pytest.mark.parametrize(
    ("wanted", "gone"),
    [
        (Wanted(age=5 * DAY), {("rrxor", "fit"), ("rrxor", "beliefs"), ("rrxor", "geometry")}),
        (Wanted(kind="train"), {("rrxor", "fit"), ("mess3", "fit")}),
        (Wanted(kind="analysis", age=5 * DAY), {("rrxor", "beliefs"), ("rrxor", "geometry")}),
        (Wanted(least=4000), {("rrxor", "fit"), ("mess3", "fit")}),
        (Wanted(most=0), {(spec, name) for spec in ("rrxor", "mess3") for name in ("fit", "beliefs", "geometry")}),
        (Wanted(most=10**9), set()),
        (Wanted(age=50 * DAY), set()),
    ],
)
def test_pruning_removes_what_was_asked_for(store: Store, wanted: Wanted, gone: set[tuple[str, str]]) -> None:
    before = names(store)
    asked = prune(store, wanted, dry=True, now=100 * DAY)
    assert {(row.spec, row.name) for row in asked.rows} == gone
    assert names(store) == before
    done = prune(store, wanted, now=100 * DAY)
    assert done == asked
    assert names(store) == before - gone
    assert verify(store).whole == 6 - len(gone)


def test_the_least_recently_read_go_first(store: Store) -> None:
    whole = sum(row.bytes for row in store.index.rows())
    done = prune(store, Wanted(most=whole - 1), now=100 * DAY)
    assert {row.spec for row in done.rows} == {"rrxor"}


def test_what_a_process_is_making_stays(store: Store) -> None:
    row = store.index.rows()[0]
    with store.locked(Key(row.hash, row.kind, row.name, row.spec)):
        done = prune(store, Wanted(most=0))
    assert row not in done.rows
    assert store.has(row.hash)


def test_old_work_and_damage_go_with_age(store: Store) -> None:
    left = store.folder / "work" / ("cd" * 32)
    left.mkdir(parents=True)
    (left / "half").write_bytes(bytes(100))
    assert prune(store, Wanted(kind="train"), dry=True).leftovers == []
    done = prune(store, Wanted(age=0.0), now=left.stat().st_mtime + 1)
    assert left in done.leftovers
    assert not left.exists()


def test_many_rows_are_one_index(tmp_path: Path) -> None:
    index = Index(tmp_path)
    index.add(Row(f"{k:064x}", "train", f"fit{k}", "spec", float(k), float(k), 1.0, 10) for k in range(3000))
    assert [row.name for row in index.rows(limit=2)] == ["fit2999", "fit2998"]
    assert index.totals()[0].count == 3000


def call(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["store", *arguments])
    return done.exit_code, done.output


def test_a_list_shows_the_rows_in_columns_the_newest_first(tmp_path: Path) -> None:
    store, long = Store.open(tmp_path), "größer_" * 5
    for digit in "abcd":
        store.entry_folder(digit * 64).mkdir(parents=True)
    index = store.index
    index.add(Row(f"{k:x}" * 64, "train", f"fit{k}", long, 60.0 * k, 0.0, k / 8, 10**k) for k in (10, 11, 12))
    index.add([Row("d" * 64, "analysis", "beliefs", "rrxor", 0.0, 0.0, 1.0, 10)])
    for options in ((), ("--limit", "0")):
        code, out = call("list", "--store", str(tmp_path), *options)
        assert code == 0
        assert [line[18:] for line in out.splitlines()] == [
            f"train     fit12                     {long[:24]}       1.50 s  1000.0 GB  cccccccccc",
            f"train     fit11                     {long[:24]}       1.38 s   100.0 GB  bbbbbbbbbb",
            f"train     fit10                     {long[:24]}       1.25 s    10.0 GB  aaaaaaaaaa",
            f"analysis  beliefs                   {'rrxor':24}       1.00 s       10 B  dddddddddd",
        ]
    assert len(call("list", "--store", str(tmp_path), "--kind", "analysis")[1].splitlines()) == 1
    assert call("list", "nothing_like_it", "--store", str(tmp_path)) == (0, "nothing\n")


def test_a_store_that_is_not_there_is_told_and_not_made(tmp_path: Path) -> None:
    for command in ("list", "size", "verify"):
        code, out = call(command, "--store", str(tmp_path / "stroe"))
        assert code == 2
        assert "there is no store" in out
    assert not (tmp_path / "stroe").exists()


def test_the_commands_tell_and_prune(store: Store) -> None:
    place = str(store.folder)
    code, out = call("list", "--store", place, "--json", "--limit", "0")
    assert code == 0
    assert {(row["spec"], row["name"]) for row in json.loads(out)} == names(store)
    code, out = call("list", "mess3", "--store", place, "-n", "1")
    assert len(out.splitlines()) == 2
    assert "--limit 0" in out
    assert json.loads(call("size", "--store", place, "--json")[1])["kinds"][0]["kind"] == "train"
    assert call("verify", "--store", place) == (0, "6 entries are whole, 0 damaged\n")
    assert "would remove 2 entries" in call("prune", "--kind", "train", "--dry-run", "--store", place)[1]
    assert "removed 2 entries" in call("prune", "--kind", "train", "--store", place)[1]
    assert len(names(store)) == 4


@pytest.mark.parametrize("wrong", [["prune"], ["prune", "--unused", "soon"], ["prune", "--to", "10 bananas"]])
def test_pruning_without_a_measure_is_refused(store: Store, wrong: list[str]) -> None:
    code, out = call(*wrong, "--store", str(store.folder))
    assert code == 2
    assert "--" in out
    assert len(names(store)) == 6


def test_a_folder_that_is_no_store_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    for command in ("list", "size", "verify"):
        code, out = call(command, "--store", str(tmp_path))
        assert code == 2
        assert "is not a store" in out
