"""std.processes against the literature."""

from __future__ import annotations

import re
from fractions import Fraction
from math import log2

import numpy as np
import pytest

from hmmdsl.analysis import kinds
from hmmdsl.language.elaborate import compile_file, compile_text
from hmmdsl.language.modules.declarations import check_all
from hmmdsl.language.modules.imports import LIBRARY, std_module_names
from hmmdsl.process.complexity import complexity
from hmmdsl.process.entropies import entropy_rate
from hmmdsl.process.history_tree import build_history_tree
from hmmdsl.process.process import Process
from hmmdsl.process.stationary import period
from tests.language.process_specs import declared, matrices

HALF, THIRD, SIXTH = Fraction(1, 2), Fraction(1, 3), Fraction(1, 6)


def std(call: str) -> Process:
    found = declared("import std.processes as std")
    process = found.process(f"std.{call}")
    assert not found.codes
    return process


def test_every_process_is_sound_and_says_its_source() -> None:
    assert std_module_names() == ("std.processes",)
    text = (LIBRARY / "processes.hmm").read_text()
    found = declared(text)
    check_all(found.scope, found.budget)
    assert not found.codes
    for name in found.scope.bound:
        declaration = re.search(rf"^(?:g?hmm|process) {name}\(", text, re.MULTILINE)
        assert declaration is not None, name
        above = text[: declaration.start()].rstrip().split("\n\n")[-1]
        assert above.startswith("#"), name


def test_mess3_is_the_published_matrix() -> None:
    """Shai et al. 2024, A.3, at x = 0.05, alpha = 0.85."""
    rows = [[".765", ".00375", ".00375"], [".0425", ".0675", ".00375"], [".0425", ".00375", ".0675"]]
    mess3 = std("mess3()")
    assert matrices(mess3)[0] == [[Fraction(value) for value in row] for row in rows]
    assert mess3.tokens == ("t[0]", "t[1]", "t[2]")
    # The three tokens are alike: renaming states and tokens together changes nothing.
    turned = matrices(std("mess3(0.15, 0.6)"))
    for x, i, j in [(0, 0, 0), (0, 0, 1), (0, 1, 0), (1, 2, 0), (2, 1, 1)]:
        assert turned[x][i][j] == turned[(x + 1) % 3][(i + 1) % 3][(j + 1) % 3]


def test_mess3_follows_its_formula() -> None:
    x, alpha = Fraction(3, 20), Fraction(3, 5)
    beta, y = (1 - alpha) / 2, 1 - 2 * x
    for k, matrix in enumerate(matrices(std("mess3(0.15, 0.6)"))):
        for i, row in enumerate(matrix):
            assert row == [(y if i == j else x) * (alpha if k == j else beta) for j in range(3)]


def test_rrxor() -> None:
    rrxor = std("rrxor(1/4, 1/3)")
    assert rrxor.states == ("S", "S0", "S1", "T", "F")
    p, q = Fraction(1, 4), THIRD
    assert dict(rrxor.operators[0]) == {(0, 1): p, (1, 4): q, (2, 3): q, (4, 0): 1}
    assert dict(rrxor.operators[1]) == {(0, 2): 1 - p, (1, 3): 1 - q, (2, 4): 1 - q, (3, 0): 1}


@pytest.mark.parametrize(
    ("call", "start"),
    [
        ("zero_one_random()", (THIRD, THIRD, THIRD)),
        ("mess3()", (THIRD, THIRD, THIRD)),
        ("rrxor()", (THIRD, SIXTH, SIXTH, SIXTH, SIXTH)),
        ("golden_mean()", (2 * THIRD, THIRD)),
        ("even()", (2 * THIRD, THIRD)),
        ("simple_nonunifilar()", (HALF, HALF)),
        ("coin(1/3)", (1,)),
        ("odd()", (Fraction(2, 5), Fraction(2, 5), Fraction(1, 5))),
        ("noisy_period_two(0.2)", (HALF, HALF)),
        ("thue_morse_16()", (Fraction(1, 16),) * 16),
        # (1, 1 - p, 1 - p) / (3 - 2p)
        ("nemo(1/4)", (Fraction(2, 5), Fraction(3, 10), Fraction(3, 10))),
        ("butterfly()", (Fraction(1, 5),) * 5),
    ],
)
def test_stationary_distributions(call: str, start: tuple[Fraction, ...]) -> None:
    assert std(call).start == start


@pytest.mark.parametrize(
    ("call", "cycle"),
    [
        ("zero_one_random()", 3),
        ("rrxor()", 3),
        ("matching_parens()", 2),
        ("mess3()", 1),
        ("noisy_period_two()", 2),
        ("thue_morse_16()", 16),
        ("mr_name()", 1),
    ],
)
def test_periods(call: str, cycle: int) -> None:
    process = std(call)
    assert period(process.transitions(), range(len(process.states))) == cycle


def test_small_processes() -> None:
    p = Fraction(1, 5)
    assert matrices(std("zero_one_random(0.2)")) == [
        [[0, 1, 0], [0, 0, 0], [p, 0, 0]],
        [[0, 0, 0], [0, 0, 1], [1 - p, 0, 0]],
    ]
    assert matrices(std("golden_mean(0.2)")) == [[[1 - p, 0], [1, 0]], [[0, p], [0, 0]]]
    assert matrices(std("even(0.2)")) == [[[1 - p, 0], [0, 0]], [[0, p], [1, 0]]]
    assert matrices(std("simple_nonunifilar(0.2, 1/3)")) == [[[1 - p, p], [0, 2 * THIRD]], [[0, 0], [THIRD, 0]]]
    assert matrices(std("coin(0.2)")) == [[[p]], [[1 - p]]]


def test_the_leak_adds_the_same_to_every_entry() -> None:
    eps = Fraction(1, 50)
    clean, leaky = matrices(std("rrxor()")), matrices(std("leaky_rrxor()"))
    assert all(leaky[x][i][j] == (1 - eps) * clean[x][i][j] + eps / 10 for x in range(2) for i in range(5) for j in range(5))
    assert float(std("leaky_rrxor()").start[0]) == pytest.approx(0.33198, abs=5e-6)


def test_matching_parens_open_and_close() -> None:
    process = std("matching_parens([1, 1/3])")
    assert process.states == ("depth[0]", "depth[1]", "depth[2]")
    assert dict(process.operators[0]) == {(0, 1): 1, (1, 2): THIRD}
    assert dict(process.operators[1]) == {(1, 0): 2 * THIRD, (2, 1): 1}


@pytest.mark.parametrize(
    ("call", "states", "rate", "stored", "excess"),
    [
        # Two phases that past and future both tell; every other token is a fair toss.
        ("noisy_period_two()", 2, 0.5, 1, 1),
        ("thue_morse_16()", 16, 0, 4, 4),
        # H(2/5, 2/5, 1/5) in causal states, a fair choice in two of the three.
        ("odd()", 3, 4 / 5, log2(5) - 4 / 5, None),
        ("nemo()", 3, 3 / 4, 3 / 2, None),
        # Mahoney, Ellison & Crutchfield 2009: 2-cryptic, and 3/10 bits of its five equally likely causal states stay hidden.
        ("butterfly()", 5, 1, log2(5), log2(5) - 3 / 10),
    ],
)
def test_known_complexities(call: str, states: int, rate: float, stored: float, excess: float | None) -> None:
    process = std(call)
    tokens = entropy_rate(process)
    found = complexity(process, tokens)
    assert found.causal_states == states
    assert tokens.value_bits == pytest.approx(rate, abs=1e-9)
    assert found.statistical_complexity.bits == pytest.approx(stored, abs=1e-9)
    if excess is not None:
        assert found.excess_entropy.bits == pytest.approx(excess, abs=1e-9)


def hidden_bits(process: Process, length: int) -> float:
    """chi(k) = H[S_0 | X_1 … X_k, S_k]: what the next k tokens and the state after them leave open of the state before them
    (Mahoney, Ellison & Crutchfield 2009, Eq. 12), over all words."""
    open_bits = 0.0
    level = [np.diag([float(value) for value in process.start])]  # Pr(S_0, word, S_k)
    for _ in range(length):
        level = [joint @ T for joint in level for T in process.T if (joint @ T).any()]
    for joint in level:
        share = joint.sum(axis=0)
        open_bits -= sum(p * log2(p / share[j]) for row in joint.tolist() for j, p in enumerate(row) if p > 0)
    return open_bits


def test_butterfly_is_two_cryptic_and_nemo_infinitely() -> None:
    """Mahoney, Ellison & Crutchfield 2009: chi(k) reaches C_mu - E at k = 2 and never; golden mean at 1, even at 0."""
    butterfly = [hidden_bits(std("butterfly()"), k) for k in range(5)]
    assert butterfly[1] < 0.3 - 1e-3
    assert butterfly[2:] == pytest.approx([0.3] * 3, abs=1e-12)
    nemo, tokens = std("nemo()"), entropy_rate(std("nemo()"))
    found = complexity(nemo, tokens)
    assert found.statistical_complexity.bits is not None
    assert found.excess_entropy.bits is not None
    limit = found.statistical_complexity.bits - found.excess_entropy.bits
    hidden = [hidden_bits(nemo, k) for k in range(15)]
    assert all(later > earlier + 1e-9 for earlier, later in zip(hidden[::3], hidden[3::3], strict=False))
    assert all(value < limit - 1e-9 for value in hidden)
    assert limit - hidden[-1] < 0.01
    assert hidden_bits(std("golden_mean()"), 1) == pytest.approx(2 / 3, abs=1e-12)
    assert [hidden_bits(std("even()"), k) for k in range(4)] == pytest.approx([0] * 4, abs=1e-12)


def test_runs_of_ones_are_odd_in_odd() -> None:
    """No word has 0 1…1 0 with an even number of ones."""
    T = [[[float(v) for v in row] for row in matrix] for matrix in matrices(std("odd()"))]
    chance = {n: np.array([1.0, 0, 0]) @ np.linalg.matrix_power(T[1], n) @ np.array(T[0]) for n in range(1, 7)}
    assert [bool(chance[n].sum() > 0) for n in range(1, 7)] == [True, False] * 3


def test_thue_morse_letters_and_short_words() -> None:
    process = std("thue_morse_16()")
    letters = [next(x for x in (0, 1) if (k, (k + 1) % 16) in process.operators[x]) for k in range(16)]
    word = [bin(k).count("1") % 2 for k in range(1024)]
    assert letters == word[:16]
    for length in range(1, 7):
        long = {tuple(word[i : i + length]) for i in range(1000)}
        cycle = {tuple((letters * 2)[i : i + length]) for i in range(16)}
        assert (cycle == long) == (length <= 5)
        assert cycle <= long


def test_days_of_the_week() -> None:
    process = std("days_of_week()")
    fifteenth = Fraction(1, 15)
    out = [sum(value for (i, _), value in entries.items() if i == 2) for entries in process.operators]
    assert out == [fifteenth * (5 if j == 3 else 1) for j in range(11)]
    assert process.operators[process.tokens.index("yesterday")][0, 6] == fifteenth
    assert process.operators[process.tokens.index("weekend")][0, 5] == fifteenth / 2


def test_a_name_follows_every_mr() -> None:
    process = std("mr_name()")
    after = {j for _, j in process.operators[process.tokens.index("Mr")]}
    assert {x for x, entries in enumerate(process.operators) for i, _ in entries if i in after} == {process.tokens.index("name")}


def test_parameters_out_of_range_lead_to_the_library_and_the_call() -> None:
    found = declared("import std.processes (mess3)\nprocess p = mess3(2)")
    assert found.only.code == "E0302"
    assert found.only.span is not None
    assert found.only.span.source.name == "std.processes"
    assert "in `mess3(x=2)`, called here" in [note.message for note in found.only.notes]


def test_the_study_of_the_bloch_walk_is_of_the_library_s() -> None:
    """Given there by Kraus operators on density matrices, here by what they do to (1, x, z): every word is as probable."""
    study = compile_file(LIBRARY.parent.parent / "specs" / "bloch_walk.hmm", kinds()).declared["qubit"]
    here = compile_text("import std.processes (bloch_walk)\n", "here.hmm", kinds()).declared["bloch_walk"]
    given_by_kraus, given_by_matrices = build_history_tree(study, 5), build_history_tree(here, 5)
    np.testing.assert_array_equal(given_by_kraus.token, given_by_matrices.token)
    np.testing.assert_allclose(given_by_kraus.probability, given_by_matrices.probability, rtol=1e-12)
    np.testing.assert_allclose(given_by_kraus.next_token, given_by_matrices.next_token, rtol=1e-12)
