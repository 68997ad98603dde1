"""Large processes: what is cheap is told, what is not says so, and no array of all operators is made."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from hmmdsl.process import ensemble
from hmmdsl.process.effort import entries, is_sparse, told_with, too_large
from hmmdsl.process.entropies import entropy_rate, myopic_entropies
from hmmdsl.process.portraying import portrait
from hmmdsl.process.process import Process, Scalar
from hmmdsl.process.stationary import stationary_distribution
from tests.process.brute_force import myopic_entropy_nats


def sparse_process(states: int, tokens: int, seed: int = 0) -> Process:
    """Each state leads to three others, which emit two tokens each, on arrival."""
    rng = np.random.default_rng(seed)
    emits = [rng.choice(tokens, 2, replace=False).tolist() for _ in range(states)]
    operators: list[dict[tuple[int, int], Scalar]] = [{} for _ in range(tokens)]
    for i in range(states):
        for j, weight in zip([(i + 1) % states, *rng.choice(states, 2).tolist()], (2, 1, 1), strict=True):
            for x in emits[j]:
                operators[x][i, j] = operators[x].get((i, j), Fraction(0)) + Fraction(weight, 8)
    names = tuple(f"s[{i}]" for i in range(states))
    made = Process("sparse", tuple(map(str, range(tokens))), names, tuple(operators), ())
    start = tuple(map(float, stationary_distribution(made.transitions(), states)))
    return Process(made.name, made.tokens, names, made.operators, start)


def test_of_a_large_process_the_cheap_is_told_without_the_array_of_its_operators() -> None:
    large = sparse_process(400, 400)
    assert entries(large) == 64_000_000
    found = portrait(large)
    assert "T" not in large.__dict__
    assert found.statistical_complexity.reason == told_with(large) == found.dynamics.reason
    assert "`--effort 32`" in told_with(large)
    assert found.stationary == pytest.approx(large.start)
    assert 0 < found.entropy_rate.lower_bits < found.entropy_rate.upper_bits < np.log2(400)
    assert len(found.myopic_entropies.bits) > 1
    assert found.excess_entropy.lower_bits is not None


def test_more_effort_computes_the_rest() -> None:
    process = sparse_process(12, 4)
    enough = entries(process) / 2_000_000
    assert too_large(process, enough / 2)
    assert not too_large(process, enough)
    assert "--effort" in portrait(process, effort=enough / 2).statistical_complexity.reason
    assert "--effort" not in portrait(process, effort=enough).statistical_complexity.reason


def test_entry_by_entry_the_words_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    process = sparse_process(6, 3)
    assert not is_sparse(process)
    plain, rate = myopic_entropies(process, 6), entropy_rate(process)
    monkeypatch.setattr(ensemble, "is_sparse", lambda process: True)
    assert myopic_entropies(process, 6).bits == pytest.approx(plain.bits, abs=1e-12)
    assert plain.nats == pytest.approx([myopic_entropy_nats(process, n) for n in range(1, 7)], abs=1e-12)
    assert entropy_rate(process).value_bits == pytest.approx(rate.value_bits, abs=1e-9)
