"""`ghmm`: operators with entries of any sign, Kraus operators, and what is wrong with them."""

from __future__ import annotations

from fractions import Fraction
from math import sqrt

import numpy as np
import pytest

from hmmdsl.analysis import kinds
from hmmdsl.language.diagnostics import SpecError
from hmmdsl.language.elaborate import compile_text
from hmmdsl.process.history_tree import build_history_tree
from hmmdsl.process.process import Process

BLOCH = """
import std.processes (bloch_walk)
process walk = bloch_walk(1, 3/4)
ghmm measured(root = 2/5, alpha = 1, beta = 3/4) {
  tokens a, b, c, d
  kraus a = root * [[alpha + beta, 0], [0, alpha - beta]]
  kraus b = root * [[alpha - beta, 0], [0, alpha + beta]]
  kraus c = root * [[alpha, beta], [beta, alpha]]
  kraus d = root * [[alpha, -beta], [-beta, alpha]]
}
"""
"""root² = 1 / (4 (alpha² + beta²)): the bloch walk as four weak measurements of a qubit."""


def declared(text: str, name: str) -> Process:
    return compile_text(text, "spec.hmm", kinds()).declared[name]


def codes(text: str) -> set[str]:
    with pytest.raises(SpecError) as error:
        compile_text(text, "spec.hmm", kinds())
    return {found.code for found in error.value.diagnostics}


def messages(text: str) -> list[str]:
    with pytest.raises(SpecError) as error:
        compile_text(text, "spec.hmm", kinds())
    return [found.message for found in error.value.diagnostics]


def test_vectors_are_found_exactly() -> None:
    process = declared("ghmm x { tokens 0, 1; operator 0 = [[1/2, 1/4], [1/4, 0]]; operator 1 = [[1/2, -1/4], [-1/4, 0]] }", "x")
    assert process.generalized
    assert process.exact
    assert process.states == ("d[0]", "d[1]")
    assert process.start == (1, 0)
    assert process.right == (1, 0)
    assert process.start_kind == "stationary"


def test_dimensions_may_be_named_and_a_start_given_in_any_scale() -> None:
    process = declared(
        "ghmm x { states u, v; tokens 0, 1; start [2, 1]; operator 0 = [[1/2, 1/4], [1/4, 0]]; "
        "operator 1 = [[1/2, -1/4], [-1/4, 0]] }",
        "x",
    )
    assert process.states == ("u", "v")
    assert process.start == (1, Fraction(1, 2))
    assert process.start_kind == "given"


def test_kraus_operators_are_the_same_process_as_their_matrices() -> None:
    compiled = compile_text(BLOCH, "spec.hmm", kinds()).declared
    walk, measured = compiled["walk"], compiled["measured"]
    assert measured.exact
    assert measured.states == ("I", "X", "Y", "Z")
    assert measured.right == (1, 0, 0, 0)
    known, found = build_history_tree(walk, 4), build_history_tree(measured, 4)
    assert np.allclose(known.probability, found.probability)
    assert np.allclose(known.belief, found.belief[:, [0, 1, 3]])
    assert np.allclose(found.belief[:, 2], 0)


def test_imaginary_entries_and_several_kraus_operators_a_token() -> None:
    process = declared(
        "ghmm x { tokens 0, 1; start [[1, 0], [0, 0]]; kraus 0 = [[[3/5, 0], [0, 3/5]], [[0, 0], [0, 0]]]; "
        "kraus 1 = [[0, 4/5 * -1i], [4/5 * 1i, 0]] }",
        "x",
    )
    assert process.start == (1, 0, 0, 1)
    assert process.T[1] == pytest.approx(np.diag([0.64, -0.64, 0.64, -0.64]))


def test_a_qutrit_has_an_orthonormal_basis() -> None:
    root = sqrt(1 / 3)
    process = declared(
        "ghmm x { tokens 0, 1; let r = sqrt(1/3); kraus 0 = [[0, 0, r], [r, 0, 0], [0, r, 0]]; "
        "kraus 1 = sqrt(2/3) * [[0, 1, 0], [1, 0, 0], [0, 0, 1]]; start diag([1, 0, 0]) }",
        "x",
    )
    assert len(process.states) == 9
    assert float(process.eta @ process.T[0] @ process.r) == pytest.approx(root**2)
    assert np.allclose(process.T.sum(axis=0) @ process.r, process.r)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("tokens 0; emit on arrival; operator 0 = [[1]]", "E0340"),
        ("tokens 0; states A", "E0340"),
        ("tokens 0; operator 0 = [[9/10]]", "E0341"),
        ("tokens 0; operator 0 = [[0, 1], [0, 0]]", "E0341"),
        ("tokens 0; operator 0 = [[1, 1], [0, 1]]", "E0342"),
        ("tokens 0, 1; operator 0 = [[5/4]]; operator 1 = [[-1/4]]", "E0343"),
        ("tokens 0; kraus 0 = [[1, 1], [0, 1]]", "E0344"),
        ("tokens 0; kraus 0 = [[1, 0], [0, 1]]", "E0342"),
        ("tokens 0; states A; kraus 0 = [[1]]", "E0346"),
        ("tokens 0; kraus 0 = identity(9)", "E0346"),
        ("tokens 0; start [[1, 1], [0, 0]]; kraus 0 = [[1, 0], [0, 1]]", "E0346"),
        ("tokens 0; start [0, 1]; operator 0 = [[1, 0], [0, 1/2]]", "E0346"),
        ("tokens 0, 1; operator 0 = [[1, 2], [3, 4]]; operator 1 = [[1]]", "E0321"),
        ("tokens 0, 1; operator 0 = [[1]]", "E0322"),
        ("tokens 0; operator 0 = [[1i]]", "E0403"),
        ("tokens 0; operator 0 = [[1, 2]]", "E0321"),
        ("tokens 0; operator 0 = 3", "E0321"),
        ("operator 0 = [[1]]", "E0311"),
        ("tokens 0; operator 0 = [[10^400, exp(1)], [0, 1]]", "E0412"),
        ("tokens 0; operator 0 = [[1, 0], [0, 1]]; start [10^400, 0]", "E0412"),
        ("tokens 0; kraus 0 = [[10^400]]", "E0412"),
        ("tokens 0; operator 0 = [[1]]; start [7]", "E0346"),
        ("tokens 0; operator 0 = [[1, 0], [0, 1]]; start [1/2, 1/3]", "E0346"),
        ("tokens 0; kraus 0 = [[1]]; start [[2]]", "E0346"),
    ],
)
def test_what_is_wrong_is_told(body: str, code: str) -> None:
    assert code in codes(f"ghmm x {{ {body} }}")


def test_the_radius_is_told() -> None:
    assert messages("ghmm x { tokens 0; operator 0 = [[9/10]] }") == ["the spectral radius of the operators' sum is 0.9, not 1"]


def test_a_word_that_turns_bad_within_the_context_is_an_error_of_the_training() -> None:
    # After a 1, Pr(0 … 0 1) falls as l^n (1 - l + q cos(n f)): it is negative where the phase has come half round.
    text = """
ghmm turn {{
  tokens 0, 1
  let l = 0.9
  let f = pi / 12
  let w = [1 - l, 1 - l * cos(f), -l * sin(f)]
  let size = sqrt(w[1]^2 + w[2]^2)
  let q = 0.38
  let raw = [1, q * w[1] / size, q * w[2] / size]
  let begin = raw / (raw[0] + raw[1])
  start begin
  operator 0 = l * [[1, 0, 0], [0, cos(f), -sin(f)], [0, sin(f), cos(f)]]
  operator 1 = outer(w, begin)
}}
model net: transformer {{ layers = 1, heads = 1, d_head = 8, d_model = 8, d_mlp = 8, context = {context} }}
train fit {{ process = turn, model = net, steps = 2 }}
"""
    compile_text(text.format(context=8), "spec.hmm", kinds())
    found = messages(text.format(context=14))
    assert len(found) == 1
    assert found[0].startswith(f"the word {'0 ' * 12}1 of turn has probability -")
