"""What `hmmdsl sample` writes: the same words in every format, whole files, clear refusals."""

from __future__ import annotations

import json
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from hmmdsl.exchange import sample as sample_module
from hmmdsl.exchange.finding import find_process
from hmmdsl.exchange.sample import Sample, sample_format, write_sample
from hmmdsl.process import sampling
from hmmdsl.process.process import Process
from hmmdsl.process.sampling import sample_words, sample_words_and_states
from hmmdsl.runtime.failures import OutputError


@pytest.fixture(scope="module")
def rrxor() -> Process:
    return find_process("std.processes.rrxor")[1]


def test_every_format_holds_the_same_words(rrxor: Process, tmp_path: Path) -> None:
    expected = sample_words(rrxor, 50, 12, 3)
    sample = Sample(rrxor, 50, 12, 3)
    for form in ("txt", "npz", "json"):
        write_sample(sample, form, tmp_path / f"words.{form}")
    text = (tmp_path / "words.txt").read_text().splitlines()
    assert [[int(token) for token in line] for line in text] == expected.tolist()
    with np.load(tmp_path / "words.npz") as arrays:
        np.testing.assert_array_equal(arrays["words"], expected)
        assert arrays["tokens"].tolist() == list(rrxor.tokens)
    held = json.loads((tmp_path / "words.json").read_text())
    assert held["words"] == expected.tolist()
    assert held["tokens"] == ["0", "1"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["words.json", "words.npz", "words.txt"]


def test_hidden_states_stand_beside_the_words(rrxor: Process, tmp_path: Path) -> None:
    words, states = sample_words_and_states(rrxor, 20, 9, 5)
    sample = Sample(rrxor, 20, 9, 5, states=True)
    for form in ("txt", "npz", "json"):
        write_sample(sample, form, tmp_path / f"words.{form}")
    for line, word, visited in zip((tmp_path / "words.txt").read_text().splitlines(), words, states, strict=True):
        assert line == "".join(map(str, word)) + "\t" + " ".join(rrxor.states[i] for i in visited)
    with np.load(tmp_path / "words.npz") as arrays:
        np.testing.assert_array_equal(arrays["words"], words)
        np.testing.assert_array_equal(arrays["states"], states)
        assert arrays["state_names"].tolist() == list(rrxor.states)
    held = json.loads((tmp_path / "words.json").read_text())
    assert (held["words"], held["states"]) == (words.tolist(), states.tolist())


@pytest.mark.parametrize("states", [False, True])
def test_parquet_holds_the_same_words(rrxor: Process, tmp_path: Path, states: bool) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    write_sample(Sample(rrxor, 40, 7, 1, states), "parquet", tmp_path / "words.parquet")
    table = parquet.read_table(tmp_path / "words.parquet")
    words, hidden = sample_words_and_states(rrxor, 40, 7, 1)
    assert table["word"].to_pylist() == (words if states else sample_words(rrxor, 40, 7, 1)).tolist()
    assert not states or table["states"].to_pylist() == hidden.tolist()
    assert json.loads(table.schema.metadata[b"hmmdsl"])["tokens"] == ["0", "1"]


@pytest.mark.parametrize("form", ["txt", "npz", "json"])
@pytest.mark.parametrize(("words", "length"), [(1000, 7), (3, 1000)])
def test_pieces_make_one_file(
    rrxor: Process, tmp_path: Path, form: str, words: int, length: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampling, "TOKENS_AT_ONCE", 100)
    expected = sample_words(rrxor, words, length, 2)
    path = tmp_path / f"words.{form}"
    write_sample(Sample(rrxor, words, length, 2), form, path)  # type: ignore[arg-type]
    if form == "txt":
        found = [[int(token) for token in line] for line in path.read_text().splitlines()]
    elif form == "json":
        found = json.loads(path.read_text())["words"]
    else:
        with np.load(path) as arrays:
            found = arrays["words"].tolist()
    assert found == expected.tolist()


def test_tokens_of_more_characters_stand_apart(tmp_path: Path) -> None:
    coin = find_process("std.processes.coin")[1]
    write_sample(Sample(coin, 2, 5, 0), "txt", tmp_path / "words.txt")
    for line in (tmp_path / "words.txt").read_text().splitlines():
        assert len(line.split(" ")) == 5
        assert set(line.split(" ")) <= {"heads", "tails"}


def test_memory_does_not_grow_with_the_words(rrxor: Process, tmp_path: Path) -> None:
    def peak(words: int) -> int:
        tracemalloc.start()
        write_sample(Sample(rrxor, words, 64, 0), "npz", tmp_path / "words.npz")
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(100_000) < 1.2 * peak(20_000)


def test_the_file_s_name_tells_the_format() -> None:
    assert sample_format(None, None) == "txt"
    assert sample_format(None, Path("words.npz")) == "npz"
    assert sample_format("json", Path("words.txt")) == "json"
    with pytest.raises(OutputError, match=r"no format ends in \.csv"):
        sample_format(None, Path("words.csv"))
    with pytest.raises(OutputError, match="npz is not text"):
        sample_format("npz", None)


def test_parquet_without_its_library_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(OutputError, match=r"pip install 'hmmdsl\[parquet\]'"):
        sample_format("parquet", Path("words.parquet"))


def test_what_cannot_be_written_leaves_nothing(rrxor: Process, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OutputError, match="can't be written"):
        write_sample(Sample(rrxor, 2, 3, 0), "txt", tmp_path / "none" / "words.txt")
    monkeypatch.setattr(sample_module, "TOKENS_AT_ONCE", 10)
    with pytest.raises(OutputError, match="use `--format npz`"):
        write_sample(Sample(rrxor, 2, 30, 0, states=True), "txt", tmp_path / "words.txt")
    assert not list(tmp_path.iterdir())


def test_one_process_must_be_named() -> None:
    with pytest.raises(OutputError, match=r"name one, as in `std\.processes\."):
        find_process("std.processes")
    with pytest.raises(OutputError, match="the nearest is rrxor"):
        find_process("std.processes.rrxr")
