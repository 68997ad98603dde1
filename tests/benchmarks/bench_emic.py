"""Causal states, entropy rate and statistical complexity against the package emic.

    pip install --no-deps emic==0.5.4
    python -m tests.benchmarks.bench_emic

emic needs pandas 3, and graphviz for its drawings; neither is read for what is compared, so `--no-deps` does. For the golden
mean, the even process and a biased coin it has the machines themselves. It also infers machines from words that hmmdsl draws
(CSSR, Shalizi & Klinkner 2004); that knows nothing of the process and may err, as it does for the even process. Exit code 1 if
a number of emic's own machine differs by more than 1e-12 bits, or its number of causal states at all.
"""

from __future__ import annotations

from fractions import Fraction
from importlib.metadata import version

from emic.analysis.summary import analyze
from emic.inference.cssr.algorithm import CSSR
from emic.inference.cssr.config import CSSRConfig
from emic.sources.synthetic import BiasedCoinSource, EvenProcessSource, GoldenMeanSource

from hmmdsl.process.algebra.epsilon_machine import EpsilonMachine, epsilon_machine
from hmmdsl.process.complexity import complexity
from hmmdsl.process.entropies import entropy_rate
from hmmdsl.process.process import Process
from hmmdsl.process.sampling import sample_words
from tests.process.known_processes import coin, even, golden_mean

TOKENS = 200_000
"""Of the word that machines are inferred from."""


def main() -> int:
    """Print a line for each process; 1 if something differs."""
    third = Fraction(3, 10)
    cases: list[tuple[str, Process, object]] = [
        # emic's p is the probability of a 0 in the golden mean's and the even process' first state, of a 1 in the coin.
        ("golden mean, p = 1/2", golden_mean(), GoldenMeanSource(p=0.5)),
        ("golden mean, p = 3/10", golden_mean(third), GoldenMeanSource(p=0.7)),
        ("even, p = 1/2", even(), EvenProcessSource(p=0.5)),
        ("even, p = 3/10", even(third), EvenProcessSource(p=0.7)),
        ("biased coin, p = 3/10", coin(third), BiasedCoinSource(p=0.3)),
    ]
    print(f"emic {version('emic')}, numpy {version('numpy')}; inferred from {TOKENS:,} tokens")
    rates = f"{'h':>12}{'emic - h':>10}{'CSSR':>9}"
    print(f"{'process':24}{'states':>8}{'emic':>6}{'CSSR':>6}{rates}{'C_mu':>12}{'emic - C':>10}{'CSSR':>9}")
    wrong = False
    for name, process, source in cases:
        machine = epsilon_machine(process)
        assert isinstance(machine, EpsilonMachine)
        rate = entropy_rate(process)
        stored = complexity(process, rate).statistical_complexity.bits
        assert stored is not None
        theirs = analyze(source.true_machine)  # type: ignore[attr-defined]
        word = sample_words(process, 1, TOKENS, 0)[0].tolist()
        inferred = analyze(CSSR(CSSRConfig(max_history=4, significance=0.001)).infer(word).machine)
        states = (machine.causal_states, theirs.num_states, inferred.num_states)
        off = theirs.entropy_rate - rate.value_bits, theirs.statistical_complexity - stored
        wrong = wrong or states[0] != states[1] or max(map(abs, off)) > 1e-12
        print(
            f"{name:24}{states[0]:8}{states[1]:6}{states[2]:6}{rate.value_bits:12.9f}{off[0]:10.0e}{inferred.entropy_rate:9.5f}"
            f"{stored:12.9f}{off[1]:10.0e}{inferred.statistical_complexity:9.5f}"
        )
    return int(wrong)


if __name__ == "__main__":
    raise SystemExit(main())
