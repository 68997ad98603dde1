"""The portrait's dynamics: crypticity, paths of its JSON, and reasons for what is unknown."""

from __future__ import annotations

import json
from math import log2
from typing import Any

import pytest
from hypothesis import given, settings

from hmmdsl.process.portraying import portrait
from hmmdsl.process.process import Process
from tests.process.known_processes import coin, even, golden_mean, mess3, process, rrxor, simple_nonunifilar
from tests.process.random_processes import processes


def shown(known: Process) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(portrait(known).as_json(), allow_nan=False))
    return found


@pytest.mark.parametrize(
    ("known", "bits", "order"),
    [(golden_mean(), 2 / 3, 1), (even(), 0, 0), (rrxor(), 0, 0), (coin(), 0, 0)],
    ids=lambda value: getattr(value, "name", ""),
)
def test_crypticity(known: Process, bits: float, order: int) -> None:
    """Golden mean: C_mu = log2 3 - 2/3, E = log2 3 - 4/3."""
    found = shown(known)["crypticity"]
    assert found["bits"] == pytest.approx(bits, abs=1e-12)
    assert (found["order"], found["exact"]) == (order, True)


def test_crypticity_of_the_two_zeros_process_by_words(two_zeros: Process) -> None:
    """chi = H[S_0 | X_0:inf]: of the first state only what merges is not told, and that is settled by two tokens."""
    found = shown(two_zeros)
    # A, B, C have 1/2, 1/4, 1/4; a 1 tells A; else C came before A's run, B before C: the first 1 is n tokens away.
    C = -(0.5 * log2(0.5) + 2 * 0.25 * log2(0.25))
    assert found["statistical_complexity"]["bits"] == pytest.approx(C)
    assert found["crypticity"]["bits"] == pytest.approx(C - found["excess_entropy"]["bits"])
    assert found["crypticity"]["order"] == 2


def test_a_countable_process_has_a_crypticity() -> None:
    found = shown(simple_nonunifilar())
    assert found["causal_cardinality"]["kind"] == "countable"
    assert found["causal_cardinality"]["reset_word"] == ["1"]
    assert found["crypticity"]["bits"] == pytest.approx(2.711468724 - 0.147231942, abs=1e-8)
    assert found["cloud"]["information"]["dimension"] == 0


def test_an_uncountable_process_has_dimensions_and_no_crypticity() -> None:
    found = shown(mess3())
    assert found["causal_cardinality"]["kind"] == "uncountable"
    assert found["crypticity"]["bits"] is None
    assert "infinite" in found["crypticity"]["reason"]
    assert 0.4 < found["cloud"]["information"]["dimension"] < 0.6
    assert found["cloud"]["information"]["error"] > 0
    assert len(found["cloud"]["box_counting"]["range"]) == 2
    assert len(found["lyapunov"]["exponents"]) == 2
    assert found["lyapunov"]["upper_bound_only"]
    assert found["synchronization"]["information"]["bits"] is None
    assert found["synchronization"]["information"]["reason"]
    assert found["transients"]["count"] is None
    assert found["transients"]["reason"]


def test_paths_that_programs_may_rely_on() -> None:
    found = shown(even())
    assert found["synchronization"]["information"]["bits"] > 0
    assert found["synchronization"]["uncertainty"]["bits"][0] == pytest.approx(log2(3) - 2 / 3)
    assert found["synchronization"]["markov_order"] == "infinite"
    assert found["transient_information"]["unit"] == "bits times tokens"
    assert found["transients"]["mass"][:3] == pytest.approx([1, 2 / 3, 1 / 2])
    assert found["cloud"]["beliefs"] is None


def test_several_components_have_only_what_adds_up_over_them() -> None:
    from fractions import Fraction

    arrows = {("A", "0", "A"): Fraction(1), ("B", "1", "B"): Fraction(1)}
    found = shown(process("either", "0 1", "A B", arrows, (Fraction(1, 2), Fraction(1, 2))))
    assert found["crypticity"]["bits"] == 0
    assert "2 ergodic components" in found["synchronization"]["reason"]


@settings(max_examples=15, deadline=None)
@given(processes(unifilar=True))
def test_what_is_stored_is_what_shows_and_what_is_cryptic(known: Process) -> None:
    found = portrait(known)
    chi, C, E = found.dynamics.crypticity, found.statistical_complexity, found.excess_entropy
    if chi.bits is not None and C.bits is not None and E.bits is not None:
        assert chi.bits == pytest.approx(C.bits - E.bits, abs=1e-9 + chi.error_bits)
        sync, T = found.dynamics.synchronization, found.dynamics.transient_information
        if sync is not None and sync.information.bits is not None and T.bits is not None:
            # sum_{n > L} (h_n - h) is never more than H[S_L | X_0:L].
            assert T.bits <= sync.information.bits + 1e-6 + T.error_bits + sync.information.error_bits
            if chi.bits < 1e-9 and sync.cryptic_order == 0:
                assert T.bits == pytest.approx(sync.information.bits, abs=1e-5 + T.error_bits + sync.information.error_bits)
