"""Results are plain, stable JSON, found by the paths that claims use."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmmdsl.runtime.failures import OutputError
from hmmdsl.runtime.results_file import numbers, plain, read_json, write_json

RESULTS = st.recursive(
    st.none() | st.floats() | st.integers(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc_", min_size=1), inner, max_size=4),
)


@given(RESULTS)
def test_plain_results_survive_json_to_the_bit(results: object) -> None:
    made = plain(results)
    assert json.loads(json.dumps(made, allow_nan=False)) == made
    assert plain(made) == made


def test_undefined_numbers_are_null() -> None:
    assert plain({"a": math.nan, "b": [math.inf, -math.inf]}) == {"a": None, "b": [None, None]}


def test_numpy_becomes_python() -> None:
    made = plain({"a": np.float64(0.1), "b": np.arange(2), "c": np.float32(0.5), "d": np.array([np.nan])})
    assert made == {"a": 0.1, "b": [0, 1], "c": 0.5, "d": [None]}
    assert type(made["a"]) is float


def test_numbers_are_found_by_their_paths() -> None:
    found = dict(numbers({"beliefs": {"block": [{"r2": 0.5}, {"r2": None}]}, "fit": {"gap": 1e-4}}))
    assert found == {"beliefs.block[0].r2": 0.5, "beliefs.block[1].r2": None, "fit.gap": 1e-4}


def test_the_same_results_give_the_same_bytes(tmp_path: Path) -> None:
    results = {"z": 0.1 + 0.2, "a": [1e-300, 5e-324]}
    write_json(tmp_path / "a.json", results)
    write_json(tmp_path / "b.json", read_json(tmp_path / "a.json"))
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


@pytest.mark.parametrize("content", [None, "{"])
def test_a_missing_or_broken_file_is_an_error_in_words(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "results.json").write_text(content)
    with pytest.raises(OutputError, match=r"results\.json"):
        read_json(tmp_path / "results.json")
