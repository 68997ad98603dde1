"""States that behave alike, merged.

A partition of the states is a (strong) lumping if all states of a block emit each token and move into each block with the same
probability; then the blocks are a process with the same words (Kemeny & Snell 1960). In a unifilar process the blocks of the
coarsest one are the classes of states with the same future.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction

from hmmdsl.process.algebra.entries import add
from hmmdsl.process.process import Process, Scalar

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
