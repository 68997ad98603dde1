"""Relabel, leak, noise, reverse: one process in, one out."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmmdsl.process.algebra.entries import is_stationary
from hmmdsl.process.algebra.failure import AlgebraError, TooLargeError
from hmmdsl.process.algebra.random_hmm import random_hmm
from hmmdsl.process.algebra.transforms import leak, noise, relabel, reverse
from hmmdsl.process.process import Process
from tests.process.algebra.exact_words import exact_words, is_process
from tests.process.known_processes import ALL, coin, golden_mean, leaky, mess3, process, rrxor
from tests.process.random_processes import as_floats, processes

SMALL = st.fractions(0, 1, max_denominator=20)


# ---------------------------------------------------------------- relabel


@settings(max_examples=30, deadline=None)
@given(processes(4, 3), st.permutations(["a", "b", "c"]))
def test_a_bijection_leaves_every_word_its_probability(known: Process, names: list[str]) -> None:
    pairs = dict(zip(known.tokens, names, strict=False))
    renamed = exact_words(relabel(known, pairs), 4)
    assert renamed == {tuple(pairs[x] for x in word): p for word, p in exact_words(known, 4).items()}


@settings(max_examples=30, deadline=None)
@given(processes(4, 3), st.lists(st.sampled_from("ab"), min_size=3, max_size=3))
def test_many_to_one_sums(known: Process, names: list[str]) -> None:
    pairs = dict(zip(known.tokens, names, strict=False))
    merged = relabel(known, pairs)
    assert is_process(merged)
    summed: dict[tuple[str, ...], Fraction] = {}
    for word, p in exact_words(known, 4).items():
        image = tuple(pairs[x] for x in word)
        summed[image] = summed.get(image, Fraction(0)) + Fraction(p)
    assert exact_words(merged, 4) == summed


def test_new_tokens_stand_in_the_order_of_the_old() -> None:
    assert relabel(mess3(), {"2": "x", "0": "z", "1": "x"}).tokens == ("z", "x")


def test_a_relabelling_names_each_token_and_no_other() -> None:
    with pytest.raises(AlgebraError, match="says nothing of `1`"):
        relabel(rrxor(), {"0": "a"})
    with pytest.raises(AlgebraError, match="no token `2`"):
        relabel(rrxor(), {"0": "a", "1": "b", "2": "c"})


# ---------------------------------------------------------------- leak


def test_the_published_leak_moves_the_stationary_state() -> None:
    assert float(leak(rrxor(), Fraction(2, 100)).start[0]) == pytest.approx(0.33198, abs=5e-6)


@settings(max_examples=30, deadline=None)
@given(processes(4, 3), SMALL)
def test_a_leak_is_its_formula(known: Process, eps: Fraction) -> None:
    leaked = leak(known, eps)
    assert is_process(leaked)
    floor = eps / (len(known.tokens) * len(known.states))
    for after, before in zip(leaked.operators, known.operators, strict=True):
        for i in range(len(known.states)):
            for j in range(len(known.states)):
                assert after.get((i, j), 0) == (1 - eps) * before.get((i, j), Fraction(0)) + floor
    assert leaked.start_kind == known.start_kind
    if known.start_kind == "stationary":
        assert is_stationary(leaked)
    else:
        assert leaked.start == known.start


def test_a_leak_agrees_with_its_definition_by_hand() -> None:
    assert leak(rrxor(), Fraction(1, 50)).operators == leaky(rrxor(), Fraction(1, 50)).operators


# ---------------------------------------------------------------- noise


@settings(max_examples=30, deadline=None)
@given(processes(3, 3), SMALL)
def test_noise_replaces_each_token_independently(known: Process, eps: Fraction) -> None:
    """Pr'(y) = sum over words x of Pr(x) prod_t ((1 - eps) [x_t = y_t] + eps / V)."""
    noisy = noise(known, eps)
    assert is_process(noisy)
    V = len(known.tokens)
    seen: dict[tuple[str, ...], Fraction] = {}
    for word, p in exact_words(known, 3).items():
        images: dict[tuple[str, ...], Fraction] = {(): Fraction(p)}
        for x in word:
            images = {
                (*image, y): q * ((1 - eps) * (x == y) + eps / V)
                for image, q in images.items()
                for y in known.tokens
                if (1 - eps) * (x == y) + eps / V
            }
        for image, q in images.items():
            seen[image] = seen.get(image, Fraction(0)) + q
    assert exact_words(noisy, 3) == seen
    assert noisy.start == known.start
    assert noisy.transitions() == known.transitions()


def test_only_probabilities_leak_or_blur() -> None:
    for operation in (leak, noise):
        with pytest.raises(AlgebraError, match="no probability"):
            operation(rrxor(), Fraction(3, 2))
    with pytest.raises(AlgebraError, match="no probability"):
        noise(rrxor(), float("nan"))


def test_a_leak_that_would_not_fit() -> None:
    with pytest.raises(TooLargeError, match="1,280,000 transitions"):
        leak(random_hmm(800, 2, 0, outcomes=2, unifilar=True, denominator=None), Fraction(1, 2))


# ---------------------------------------------------------------- reverse


def stationary_everywhere(known: Process) -> bool:
    return known.start_kind == "stationary" and all(known.start)


@pytest.mark.parametrize("known", ALL, ids=lambda known: known.name)
def test_words_of_the_reverse_are_reversed(known: Process) -> None:
    backwards = reverse(known)
    assert is_process(backwards)
    assert exact_words(backwards, 4) == {word[::-1]: p for word, p in exact_words(known, 4).items()}


@settings(max_examples=30, deadline=None)
@given(processes(4, 3).filter(stationary_everywhere))
def test_reversing_twice_is_the_identity(known: Process) -> None:
    twice = reverse(reverse(known))
    assert twice.operators == known.operators
    assert twice.start == known.start
    assert exact_words(reverse(known), 3) == {word[::-1]: p for word, p in exact_words(known, 3).items()}


def test_floats_are_reversed_too() -> None:
    exact = reverse(golden_mean())
    for one, other in zip(reverse(as_floats(golden_mean())).operators, exact.operators, strict=True):
        assert one == pytest.approx({place: float(value) for place, value in other.items()})


def test_what_has_no_reverse() -> None:
    begun = Process("begun", *(getattr(golden_mean(), field) for field in ("tokens", "states", "operators")), (1, 0), "given")
    with pytest.raises(AlgebraError, match="does not start in its stationary distribution"):
        reverse(begun)
    passing = process("passing", "0", "A B", {("A", "0", "B"): Fraction(1), ("B", "0", "B"): Fraction(1)})
    with pytest.raises(AlgebraError, match="the state A of passing has no weight"):
        reverse(passing)


def test_a_coin_reads_the_same_backwards() -> None:
    assert reverse(coin(Fraction(1, 3))).operators == coin(Fraction(1, 3)).operators
