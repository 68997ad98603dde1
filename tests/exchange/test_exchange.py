"""Processes out to other programs and in from them: words keep their probabilities, and mistakes are told."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hmmdsl.analysis import kinds
from hmmdsl.exchange.exporting import ExportFormat, dot, export, hmmlearn_parameters, labelled_matrices
from hmmdsl.exchange.finding import find_process, find_processes
from hmmdsl.exchange.importing import imported, write_spec
from hmmdsl.language.elaborate import compile_text
from hmmdsl.process.process import Process
from hmmdsl.process.state_emitting import state_emitting
from hmmdsl.process.words import log_probability_nats
from hmmdsl.runtime.failures import OutputError

LIBRARY = find_processes("std.processes")
ORDINARY = [name for name, process in LIBRARY.items() if not process.generalized]
GENERALIZED = [name for name in LIBRARY if name not in ORDINARY]


def read_back(path: Path) -> Process:
    (process,) = compile_text(imported(path), "again.hmm", kinds()).declared.values()
    return process


def same_words(one: Process, other: Process, length: int = 4) -> None:
    a, b = one.eta[None], other.eta[None]
    for _ in range(length):
        a, b = ((v @ T[:, None]).reshape(-1, T.shape[1]) for v, T in ((a, one.T), (b, other.T)))
        np.testing.assert_allclose(a.sum(axis=1), b.sum(axis=1), atol=1e-12)


@pytest.mark.parametrize("name", ORDINARY)
def test_labelled_matrices_come_back_as_the_same_process(name: str, tmp_path: Path) -> None:
    process = LIBRARY[name]
    export(process, None, tmp_path / "p.json")
    again = read_back(tmp_path / "p.json")
    if process.exact:
        assert (again.operators, again.start) == (process.operators, process.start)
    assert len(again.tokens) == len(process.tokens)
    export(process, None, tmp_path / "p.npz")
    np.testing.assert_allclose(read_back(tmp_path / "p.npz").T, process.T, atol=1e-12)


@pytest.mark.parametrize("name", ORDINARY)
@pytest.mark.parametrize("suffix", ["json", "npz"])
def test_hmmlearn_s_parameters_keep_every_word_s_probability(name: str, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"p.{suffix}"
    export(LIBRARY[name], "hmmlearn", path)
    same_words(LIBRARY[name], read_back(path))


@pytest.mark.parametrize("name", GENERALIZED)
def test_generalized_processes_go_out_as_matrices_with_their_right_eigenvector(name: str, tmp_path: Path) -> None:
    process = LIBRARY[name]
    export(process, None, tmp_path / "p.npz")
    with np.load(tmp_path / "p.npz", allow_pickle=False) as held:
        np.testing.assert_array_equal(held["T"], process.T)
        np.testing.assert_array_equal(held["right"], process.r)
    with pytest.raises(OutputError, match="generalized HMM"):
        export(process, "hmmlearn", tmp_path / "h.json")


@pytest.mark.parametrize("name", GENERALIZED)
def test_generalized_processes_go_out_and_in_and_out_again_as_they_are(name: str, tmp_path: Path) -> None:
    export(LIBRARY[name], None, tmp_path / "p.json")
    again = read_back(tmp_path / "p.json")
    assert again.operators == LIBRARY[name].operators
    assert again.exact == LIBRARY[name].exact
    assert export(again, "json", None) == (tmp_path / "p.json").read_text()
    # npz holds floats: the operators come back to the bit, the vectors are found again.
    export(LIBRARY[name], None, tmp_path / "p.npz")
    packed = read_back(tmp_path / "p.npz")
    np.testing.assert_array_equal(packed.T, LIBRARY[name].T)
    np.testing.assert_allclose(packed.eta, LIBRARY[name].eta, atol=1e-12)
    np.testing.assert_allclose(packed.r, LIBRARY[name].r, atol=1e-12)


def test_a_given_start_of_a_generalized_process_is_kept(tmp_path: Path) -> None:
    plain = labelled_matrices(LIBRARY["bloch_walk"]) | {"start": ["1", "1/2", "0"], "start_kind": "given"}
    (tmp_path / "p.json").write_text(json.dumps(plain))
    again = read_back(tmp_path / "p.json")
    assert (again.start, again.start_kind) == ((1, Fraction(1, 2), 0), "given")
    (tmp_path / "wrong.json").write_text(json.dumps(plain | {"right": [0, 1, 0]}))
    with pytest.raises(OutputError, match="`right` is no right eigenvector"):
        imported(tmp_path / "wrong.json")
    (tmp_path / "short.json").write_text(json.dumps(plain | {"right": [1]}))
    with pytest.raises(OutputError, match="1 numbers for 3 dimensions"):
        imported(tmp_path / "short.json")


def test_states_stay_where_they_emit_by_themselves() -> None:
    assert len(state_emitting(LIBRARY["coin"]).states) == 1
    assert len(state_emitting(LIBRARY["even"]).states) == 3


def random_parameters(seed: int, states: int = 4, tokens: int = 3) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return {
        "startprob_": rng.dirichlet(np.ones(states)).tolist(),
        "transmat_": rng.dirichlet(np.ones(states), states).tolist(),
        "emissionprob_": rng.dirichlet(np.ones(tokens), states).tolist(),
    }


@pytest.mark.parametrize("seed", range(5))
def test_words_have_the_probability_that_hmmlearn_gives_them(seed: int, tmp_path: Path) -> None:
    """Within 1e-8 in the logarithm, there and back."""
    hmm = pytest.importorskip("hmmlearn.hmm")
    given = random_parameters(seed)
    (tmp_path / "p.json").write_text(json.dumps(given))
    process = read_back(tmp_path / "p.json")
    out = hmmlearn_parameters(process)
    rng = np.random.default_rng(seed)
    for parameters in (given, {f"{name}_": out[name] for name in ("startprob", "transmat", "emissionprob")}):
        model = hmm.CategoricalHMM(n_components=len(parameters["startprob_"]))
        model.n_features = 3
        for name, value in parameters.items():
            setattr(model, name, np.array(value))
        for length in (1, 2, 5, 50):
            word = rng.integers(0, 3, length)
            assert abs(model.score(word[:, None]) - log_probability_nats(process, word.tolist())) < 1e-8


@pytest.mark.parametrize("seed", range(3))
def test_floats_become_decimals_and_rows_still_sum_to_one(seed: int, tmp_path: Path) -> None:
    given = random_parameters(seed)
    (tmp_path / "fitted.json").write_text(json.dumps(given))
    process = read_back(tmp_path / "fitted.json")
    assert process.exact
    assert process.name == "fitted"
    expected = np.array(given["emissionprob_"]).T[:, :, None] * np.array(given["transmat_"])[None]
    np.testing.assert_allclose(process.T, expected, atol=1e-14)


def test_names_that_the_language_lacks_are_changed(tmp_path: Path) -> None:
    plain = {"tokens": ["a b", "->"], "states": ["first state", "model"], "T": [[[0.5, 0], [0, 0.25]], [[0, 0.5], [0.75, 0]]]}
    (tmp_path / "p.json").write_text(json.dumps(plain))
    process = read_back(tmp_path / "p.json")
    assert process.tokens == ('"a b"', '"->"')
    assert process.states[0] in ("first_state", "s[0]")
    write_spec(imported(tmp_path / "p.json"), tmp_path / "p.hmm")
    assert find_process(str(tmp_path / "p.hmm"))[1].start_kind == "stationary"


def test_dot_has_an_arrow_for_each_transition() -> None:
    text = dot(LIBRARY["even"])
    assert text.splitlines()[0] == 'digraph "even" {'
    assert '"A" -> "B" [label="1 : 1/2"];' in text
    assert text.count("->") == 3


T = [[[0.5, 0.0], [0.0, 0.0]], [[0.0, 0.5], [1.0, 0.0]]]
WRONG: dict[str, tuple[str, str]] = {
    "no JSON": ("{", "is not valid JSON"),
    "no object": ("[1]", "holds no object"),
    "nothing of use": ('{"a": 1}', "neither `T` nor"),
    "a row that sums to less": (json.dumps({"T": [[[0.5]], [[0.4]]]}), "T, state 0 sums to 0.9|state 0 sums to 0.9"),
    "a word of negative probability": (json.dumps({"T": [[[1.5]], [[-0.5]]]}), "probability -0.5"),
    "a spectral radius other than 1": (json.dumps({"T": [[[1.5]], [[-0.25]]]}), "spectral radius"),
    "a negative entry of hmmlearn's": ('{"startprob": [1], "transmat": [[1]], "emissionprob": [[1.5, -0.5]]}', "not negative"),
    "NaN": ('{"T": [[[NaN]]]}', "no number"),
    "no number": ('{"T": [[["x"]]]}', "no number"),
    "an exponent that fills the memory": ('{"T": [[["1e99999999999"]]]}', "no number of at most 100 digits"),
    "a huge number": ('{"T": [[["-1e200"]]]}', "no number of at most 100 digits"),
    "no square": ('{"T": [[[1, 0]]]}', "square"),
    "wrong number of names": (json.dumps({"T": T, "states": ["A"]}), "2 different names"),
    "a start of another size": (json.dumps({"T": T, "start": [1]}), "1 weights for 2 states"),
    "shapes that don't fit": ('{"startprob": [1], "transmat": [[1]], "emissionprob": [[1], [1]]}', "as many states"),
    "no single stationary start": (json.dumps({"T": [[[1, 0], [0, 1]]]}), "makes no process"),
}


@pytest.mark.parametrize("mistake", WRONG)
def test_a_wrong_file_is_told(mistake: str, tmp_path: Path) -> None:
    text, message = WRONG[mistake]
    (tmp_path / "p.json").write_text(text)
    with pytest.raises(OutputError, match=message):
        imported(tmp_path / "p.json")


def test_files_that_cannot_be_read_or_written_are_told(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="can't be read"):
        imported(tmp_path / "none.json")
    np.savez(tmp_path / "p.npz", T=np.array([{}], dtype=object))
    with pytest.raises(OutputError, match="is no npz with plain arrays"):
        imported(tmp_path / "p.npz")
    coin = LIBRARY["coin"]
    with pytest.raises(OutputError, match="no format ends in"):
        export(coin, None, tmp_path / "coin.xml")
    with pytest.raises(OutputError, match="not text"):
        export(coin, "npz", None)
    with pytest.raises(OutputError, match="can't be written"):
        export(coin, "json", tmp_path / "none" / "coin.json")


@pytest.mark.parametrize("form", ["json", "npz", "dot", "hmmlearn"])
def test_a_product_too_large_to_be_written_says_how_large(form: ExportFormat, tmp_path: Path) -> None:
    spec = tmp_path / "five.hmm"
    parts = ", ".join(f"{name} = mess3()" for name in "abcde")
    spec.write_text(f"import std.processes (mess3)\nprocess five = product({parts})\n")
    _, five = find_process(str(spec), "five", {})
    with pytest.raises(OutputError, match=r"243 states, 243 tokens and 14,348,907 transitions.*export its factors"):
        export(five, form, tmp_path / "five.out")
    assert not (tmp_path / "five.out").exists()


@pytest.mark.parametrize(
    ("names", "written"),
    [
        (["α", "σ_2"], ["α", "σ_2"]),
        (["start", "then"], ["start_", "then_"]),
        (["at", "over"], ["at_", "over_"]),
        (["d[0]", "A"], ["d[0]", "A"]),
        (["A", "d[2]"], ["A", "d[2]"]),
        (["d[0, 1]", "d[1, 1]"], ["d[0, 1]", "d[1, 1]"]),
        (["d[1]", "d[0]"], ["d_1", "d_0"]),
        (["d[0]", "d"], ["d_0", "d"]),
        (["a b", "a-b"], ["s[0]", "s[1]"]),
        (["b", "b[0]"], ["b", "b_0"]),
    ],
)
def test_names_of_states_that_the_language_has_stay(names: list[str], written: list[str], tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text(json.dumps({"states": names, "T": [[[0.5, 0], [0, 0.25]], [[0, 0.5], [0.75, 0]]]}))
    assert list(read_back(tmp_path / "p.json").states) == written


@pytest.mark.parametrize(
    ("names", "written"),
    [
        (["α", "start"], ["α", "start"]),
        (["d[0]", "d[1]"], ["d[0]", "d[1]"]),
        (["d[0]", "7"], ["d[0]", "7"]),
        (["x", "d[3]"], ["x", "d[3]"]),
        (["d[1]", "d[0]"], ['"d[1]"', '"d[0]"']),
        (["then", "ä b"], ['"then"', '"ä b"']),
        (["at", "along"], ['"at"', '"along"']),
    ],
)
def test_names_of_tokens_that_the_language_has_stay(names: list[str], written: list[str], tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text(json.dumps({"tokens": names, "T": [[[0.5, 0], [0, 0.25]], [[0, 0.5], [0.75, 0]]]}))
    assert list(read_back(tmp_path / "p.json").tokens) == written
