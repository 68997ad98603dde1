"""The epsilon-machine: the causal states of a process, which are the classes of pasts with the same future.

It is the unifilar presentation with the fewest states (Crutchfield & Young 1989; Shalizi & Crutchfield 2001).

A stationary process has the causal states of infinite pasts. Each of its ergodic components is taken for itself: the states of a
unifilar presentation, equal ones merged, whether or not its mixed states are finite in number (Travers & Crutchfield 2011); else
the predictive states that a long typical word leads to. If those close, they are a finite unifilar presentation of an ergodic
process whose long-run averages are the component's, so they are its causal states, even where those met on the way never
close. A process with another start has the predictive states of all its words, transient ones included.

A generalized HMM has no states to merge, but its words have predictive states as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from math import log2

from hmmdsl.process.algebra.canonical import predictive
from hmmdsl.process.algebra.entries import add, is_stationary, row_sums
from hmmdsl.process.algebra.predictive_states import predictive_states, settled_states
from hmmdsl.process.once import once
from hmmdsl.process.process import Process, Scalar
from hmmdsl.process.stationary import closed_classes, reachable, stationary_distribution
from hmmdsl.process.structure import ergodic_components, is_unifilar

MOST_STATES = 2000
"""Predictive states that are followed before giving up; the long-run weights of more would take minutes."""

MOST_NUMERICAL = 1000
"""So many where there are floats: among more, some are equal by accident of the tolerance."""

MOST_WORK = 3_000_000
"""Products of integers that are taken before giving up (a few seconds)."""

SLOWLY = 4
"""So many times as long is the word that a state tends to where it is never reached: states that are hardly told apart by a token
take that long to come near."""

TYPICAL_WORD = 1000
"""Tokens of the word after which a stationary process should have settled to its recurrent predictive states."""


@dataclass(frozen=True)
class EpsilonMachine:
    """`process` is the presentation by causal states, unifilar and minimal; `recurrent` tells which of them are met for ever. A
    stationary process has no others."""

    process: Process
    recurrent: tuple[bool, ...]

    @property
    def causal_states(self) -> int:
        """The number of recurrent causal states."""
        return sum(self.recurrent)

    @cached_property
    def stationary(self) -> tuple[Scalar, ...] | None:
        """The long-run weight of each causal state; None where it depends on which of several classes the process ends in."""
        if self.process.start_kind == "stationary":
            return tuple(self.process.start)
        T, states = self.process.transitions(), len(self.process.states)
        return stationary_distribution(T, states) if len(closed_classes(T, states)) == 1 else None

    @property
    def statistical_complexity_bits(self) -> float | None:
        """C_mu, the entropy of the recurrent causal states, in bits."""
        return None if self.stationary is None else _entropy_bits(self.stationary)

    @property
    def entropy_rate_bits(self) -> float | None:
        """h = sum_i pi_i H[next token | causal state i], in bits per token."""
        if self.stationary is None:
            return None
        sums = row_sums(self.process)
        return sum(float(weight) * _entropy_bits([row[i] for row in sums]) for i, weight in enumerate(self.stationary) if weight)


@dataclass(frozen=True)
class Unclosed:
    """No epsilon-machine within the budget: `found` predictive states, `growth[d]` of them after words of at most d tokens, and
    more to come. There may be infinitely many. `recurrent` is the machine of those that are met for ever, if these are known."""

    process: Process
    growth: tuple[int, ...]
    recurrent: EpsilonMachine | None = None

    @property
    def found(self) -> int:
        """How many predictive states there are within the depths that were followed."""
        return self.growth[-1]

    @property
    def reason(self) -> str:
        """What is known, in words."""
        return (
            f"{self.process.name} has more causal states than could be followed, perhaps infinitely many: "
            f"{self.found:,} after words of up to {len(self.growth) - 1} tokens, and then more"
        )


@once
def epsilon_machine(process: Process, most_states: int = MOST_STATES, most_work: int = MOST_WORK) -> EpsilonMachine | Unclosed:
    """The causal states of the process from its start, or what was found within the budget; never endless.

    Exact for an exact process. Otherwise probabilities and beliefs that differ by rounding count as equal; where beliefs
    come nearer to each other, but not as near as that, none is found.
    """
    known = process
    if not process.generalized:
        known = _without_unreached(process)
        known = lumped(known, coarsest_lumping(known))
    if process.generalized:
        found = _generalized_machine(process, most_states, most_work)
    elif is_stationary(known):
        found = _stationary_machine(known, most_states, most_work)
    elif is_unifilar(known) and sum(1 for weight in known.start if weight) == 1:
        found = _with_recurrence(known)
    else:
        found = _machine_of_words(known, most_states, most_work)
    if isinstance(found, EpsilonMachine):
        return replace(found, process=replace(found.process, name=process.name))
    return replace(found, process=process)


def _without_unreached(process: Process) -> Process:
    """The states that the start leads to."""
    start = [i for i, weight in enumerate(process.start) if weight]
    kept = sorted(reachable(process.transitions(), start, len(process.states)))
    return process if len(kept) == len(process.states) else _restricted(process, kept, Fraction(1))


def _restricted(process: Process, kept: Sequence[int], share: Scalar) -> Process:
    """Some states that are never left, and their start divided by `share`."""
    place = {state: k for k, state in enumerate(kept)}
    return replace(
        process,
        states=tuple(process.states[i] for i in kept),
        operators=tuple(
            {(place[i], place[j]): value for (i, j), value in entries.items() if i in place} for entries in process.operators
        ),
        start=tuple(process.start[i] / share for i in kept),
        parts=None,
    )


def _stationary_machine(process: Process, most_states: int, most_work: int) -> EpsilonMachine | Unclosed:
    """The recurrent causal states of each ergodic component, those of equal components merged."""
    classes = [sorted(members) for members in closed_classes(process.transitions(), len(process.states))]
    machines: list[tuple[Scalar, Process]] = []
    renamed = False
    for members in classes:
        share = sum((process.start[i] for i in members), Fraction(0))
        component = _restricted(process, members, share)
        if not is_unifilar(component):
            followed = _followed(component, most_states, most_work, TYPICAL_WORD)
            if isinstance(followed, Unclosed):
                return followed
            recurrent = _recurrent_part(followed)
            if recurrent is None:
                return Unclosed(component, (len(followed.states),))
            component, renamed = recurrent, True
        machines.append((share, component))
    joined = machines[0][1] if len(machines) == 1 else _side_by_side(machines)
    joined = lumped(joined, coarsest_lumping(joined))
    if renamed:
        joined = _numbered(joined)
    return _with_recurrence(replace(joined, start_kind="stationary"))


def _machine_of_words(process: Process, most_states: int, most_work: int) -> EpsilonMachine | Unclosed:
    """All predictive states from the start, transient ones included."""
    followed = _followed(process, most_states, most_work)
    if isinstance(followed, Process):
        return _with_recurrence(_numbered(lumped(followed, coarsest_lumping(followed))))
    T, states = process.transitions(), len(process.states)
    classes = closed_classes(T, states)
    weights: list[Scalar] = [Fraction(0)] * states
    for members in classes:
        inside = _restricted(process, sorted(members), Fraction(1))
        own = stationary_distribution(inside.transitions(), len(members))
        for i, weight in zip(sorted(members), own, strict=True):
            weights[i] = weight / len(classes)
    settled = _stationary_machine(_without_unreached(replace(process, start=tuple(weights))), most_states, most_work)
    if isinstance(settled, Unclosed):
        return followed
    if len(classes) > 1:
        # How the weight is shared among the classes is not known.
        settled = replace(settled, process=replace(settled.process, start_kind="given"))
    return replace(followed, recurrent=settled)


def _generalized_machine(process: Process, most_states: int, most_work: int) -> EpsilonMachine | Unclosed:
    """The predictive states of a generalized HMM; those met for ever alone where it is stationary and they are one class, as they
    are of an ergodic process."""
    ergodic = is_stationary(process) and len(ergodic_components(process)) == 1
    followed = _followed(process, most_states, most_work, TYPICAL_WORD if ergodic else 0)
    if isinstance(followed, Unclosed):
        return followed
    recurrent = _recurrent_part(followed) if ergodic else None
    if recurrent is not None:
        return _with_recurrence(_numbered(replace(recurrent, start_kind="stationary")))
    return _with_recurrence(_numbered(lumped(followed, coarsest_lumping(followed))))


def _followed(process: Process, most_states: int, most_work: int, settle: int = 0) -> Process | Unclosed:
    """The automaton of predictive states as a process that starts in its first state: the empty word's, or, if they do not close
    without, that of a typical word of `settle` tokens, or one that such a word tends to."""
    if process.exact:
        representation = predictive(process)
        found = predictive_states(representation, most_states, most_work)
        if found.closed:
            return _automaton(process, found.transitions, len(found))
        growth = found.sizes
        if settle:
            found = predictive_states(representation, most_states, most_work, settle)
            if found.closed:
                return _automaton(process, found.transitions, len(found))
            settled = settled_states(representation, most_states, most_work, SLOWLY * settle)
            if settled is not None:
                return _automaton(process, settled.transitions, len(settled))
        return Unclosed(process, growth)
    from hmmdsl.process.mixed_states import mixed_state_presentation

    beliefs = mixed_state_presentation(process, min(most_states, MOST_NUMERICAL), max_work=most_work)
    if not beliefs.closed:
        return Unclosed(process, beliefs.sizes)
    ways = zip(
        beliefs.source.tolist(), beliefs.token.tolist(), beliefs.target.tolist(), beliefs.probability.tolist(), strict=True
    )
    return _automaton(process, ways, len(beliefs))


def _automaton(process: Process, transitions: Iterable[tuple[int, int, int, Scalar]], size: int) -> Process:
    operators: list[dict[tuple[int, int], Scalar]] = [{} for _ in process.tokens]
    for source, token, target, probability in transitions:
        operators[token][source, target] = probability
    start: tuple[Scalar, ...] = (Fraction(1), *[Fraction(0)] * (size - 1))
    return Process(process.name, process.tokens, _numbers(size), tuple(operators), start, "given")


def _recurrent_part(automaton: Process) -> Process | None:
    """What is met for ever of the predictive states of a stationary ergodic process, in its stationary distribution. Several
    closed classes are the same process, and are merged; None where floats are too coarse to see that."""
    classes = closed_classes(automaton.transitions(), len(automaton.states))
    inside = _restricted(automaton, sorted(set().union(*classes)), Fraction(1))
    merged = lumped(inside, coarsest_lumping(inside))
    T, states = merged.transitions(), len(merged.states)
    return replace(merged, start=stationary_distribution(T, states)) if len(closed_classes(T, states)) == 1 else None


def _side_by_side(machines: Sequence[tuple[Scalar, Process]]) -> Process:
    """One process that runs one of several for ever, begun with these probabilities."""
    first = machines[0][1]
    operators: list[dict[tuple[int, int], Scalar]] = [{} for _ in first.tokens]
    states: list[str] = []
    start: list[Scalar] = []
    for share, machine in machines:
        shift = len(states)
        for merged, entries in zip(operators, machine.operators, strict=True):
            for (i, j), value in entries.items():
                add(merged, (shift + i, shift + j), value)
        states += machine.states
        start += [share * weight for weight in machine.start]
    return replace(first, states=tuple(states), operators=tuple(operators), start=tuple(start))


def _numbers(size: int) -> tuple[str, ...]:
    return tuple(f"c[{k}]" for k in range(size))


def _numbered(process: Process) -> Process:
    """With names for causal states that are no states of the presentation they came from."""
    return replace(process, states=_numbers(len(process.states)))


def _with_recurrence(machine: Process) -> EpsilonMachine:
    classes = closed_classes(machine.transitions(), len(machine.states))
    recurrent = set().union(*classes)
    return EpsilonMachine(machine, tuple(i in recurrent for i in range(len(machine.states))))


def _entropy_bits(weights: Iterable[Scalar]) -> float:
    return -sum(float(weight) * log2(weight) for weight in weights if weight) + 0.0


# States that behave alike, merged.
#
# A partition of the states is a (strong) lumping if all states of a block emit each token and move into each block with the same
# probability; then the blocks are a process with the same words (Kemeny & Snell 1960). In a unifilar process the blocks of the
# coarsest one are the classes of states with the same future.

EQUAL_SHARE, EQUAL_PROBABILITY = 1e-9, 1e-13
"""Floats whose difference is no more than this share of the larger one, and this probability besides, count as equal."""


def coarsest_lumping(process: Process) -> tuple[int, ...]:
    """The block of each state in the coarsest lumping; blocks are numbered by their first state.

    Splits by ever smaller splitters (Hopcroft 1971; for weights Valmari & Franceschinis 2010): about m log n sums for m
    transitions and n states. Exact for fractions; of floats, neighbours in order of size that differ by rounding are equal.
    """
    into: list[list[tuple[int, int, Scalar]]] = [[] for _ in process.states]
    for x, entries in enumerate(process.operators):
        for (i, j), value in entries.items():
            into[j].append((x, i, value))
    blocks: list[list[int]] = [list(range(len(process.states)))]
    block_of = [0] * len(process.states)
    waiting = [0]
    while waiting:
        splitter = waiting.pop()
        weights: dict[tuple[int, int], Scalar] = {}
        for j in blocks[splitter]:
            for x, i, value in into[j]:
                add(weights, (i, x), value)
        classes = equal_classes(weights.values())
        signature: dict[int, list[tuple[int, int]]] = {}
        for (i, x), value in sorted(weights.items(), key=lambda item: item[0]):
            signature.setdefault(i, []).append((x, classes[value]))
        touched: dict[int, dict[tuple[tuple[int, int], ...], list[int]]] = {}
        for i, seen in signature.items():
            touched.setdefault(block_of[i], {}).setdefault(tuple(seen), []).append(i)
        for block, groups in touched.items():
            moved = {i for group in groups.values() for i in group}
            untouched = [i for i in blocks[block] if i not in moved]
            pieces = [*groups.values(), *([untouched] if untouched else [])]
            if len(pieces) == 1:
                continue
            pieces.sort(key=len, reverse=True)
            # The largest piece keeps the number: if the block was no splitter any more, the others say as much as all.
            blocks[block] = pieces[0]
            for piece in pieces[1:]:
                for i in piece:
                    block_of[i] = len(blocks)
                waiting.append(len(blocks))
                blocks.append(piece)
    number: dict[int, int] = {}
    return tuple(number.setdefault(block, len(number)) for block in block_of)


def equal_classes(values: Iterable[Scalar]) -> dict[Scalar, int]:
    """The number of each value's class. Fractions are equal if they are; as soon as there is a float, neighbours in order of size
    are, unless more than rounding lies between them. No grid parts two floats that happen to lie on both sides of a line."""
    different = set(values)
    if all(isinstance(value, Fraction) for value in different):
        return {value: k for k, value in enumerate(different)}
    classes: dict[Scalar, int] = {}
    number, before = 0, 0.0
    for value in sorted(different):
        size = float(value)
        if classes and size - before > EQUAL_SHARE * size + EQUAL_PROBABILITY:
            number += 1
        classes[value], before = number, size
    return classes


def lumped(process: Process, block: Sequence[int]) -> Process:
    """The process of the blocks of a lumping; each block has the name of its first state, and the start the blocks' sums.
    Parts are lost."""
    first: dict[int, int] = {}
    for i, b in enumerate(block):
        first.setdefault(b, i)
    chosen = set(first.values())
    operators: list[dict[tuple[int, int], Scalar]] = []
    for entries in process.operators:
        merged: dict[tuple[int, int], Scalar] = {}
        for (i, j), value in sorted(entries.items()):
            if i in chosen:
                add(merged, (block[i], block[j]), value)
        operators.append(merged)
    start: list[Scalar] = [Fraction(0)] * len(first)
    for i, value in enumerate(process.start):
        start[block[i]] = start[block[i]] + value
    states = tuple(process.states[first[b]] for b in range(len(first)))
    return replace(process, states=states, operators=tuple(operators), start=tuple(start), parts=None)
