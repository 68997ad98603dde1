"""Where the states of a diagram stand: the best of a few layouts, judged by crossings and by states in the way of arrows.

The unit of length is the shortest sensible distance between two states. Everything here is deterministic.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import gcd, pi
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Bool, Float64, Int64

Edge = tuple[int, int]


def state_positions(states: int, edges: Iterable[Edge]) -> Float64[np.ndarray, "state 2"]:
    """Positions of the states of a graph with these arrows (self-loops are ignored), centred on the origin."""
    links = sorted({(min(i, j), max(i, j)) for i, j in edges if i != j})
    arrows = sorted({(i, j) for i, j in edges if i != j})
    best = min(_candidates(states, arrows, links), key=_Links.of(links, states).cost)
    best = best - (best.min(axis=0) + best.max(axis=0)) / 2
    nearest = min((float(np.linalg.norm(best[i] - best[j])) for i, j in combinations(range(states), 2)), default=1.0)
    return np.asarray(best / nearest if nearest > 0 else best)


def _candidates(states: int, arrows: Sequence[Edge], links: Sequence[Edge]) -> Iterator[Float64[np.ndarray, "state 2"]]:
    if states == 1:
        yield np.zeros((1, 2))
        return
    line = _path(states, links)
    if line is not None:
        yield _placed(line, np.stack([np.arange(states, dtype=float), np.zeros(states)], axis=1))
        return
    circle = _circle(states)
    yield _placed(_untangled(list(range(states)), links, circle), circle)
    yield _placed(list(range(states)), circle)
    if states > 3:
        neighbours = _neighbours(states, links)
        hub = max(range(states), key=lambda i: len(neighbours[i]))
        wheel = np.concatenate([np.zeros((1, 2)), _circle(states - 1)])
        yield _placed(_untangled([hub, *(i for i in range(states) if i != hub)], links, wheel, fixed=1), wheel)
    classes = _cyclic_classes(states, arrows)
    if classes is not None and states > len(classes):
        yield from _rounds(classes, states)
    if states > 3:
        import networkx as nx

        graph = nx.Graph()
        graph.add_nodes_from(range(states))
        graph.add_edges_from(links)
        if nx.is_connected(graph):
            positions = nx.kamada_kawai_layout(graph, pos=dict(enumerate(circle)))
            yield np.array([positions[i] for i in range(states)])


def _circle(states: int) -> Float64[np.ndarray, "state 2"]:
    """Equal distances on a circle, clockwise, so turned that the lowest side lies flat."""
    angles = pi / 2 - 2 * pi * np.arange(states) / states + (pi / states if states % 2 == 0 and states != 2 else 0.0)
    if states == 2:
        angles = np.array([pi, 0.0])
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def _placed(order: Sequence[int], places: Float64[np.ndarray, "state 2"]) -> Float64[np.ndarray, "state 2"]:
    positions = np.empty_like(places)
    positions[list(order)] = places
    return positions


def _path(states: int, links: Sequence[Edge]) -> list[int] | None:
    """The states from one end to the other if the graph is a path of at most eight states."""
    if len(links) != states - 1 or states > 8:
        return None
    neighbours = _neighbours(states, links)
    ends = [i for i in range(states) if len(neighbours[i]) == 1]
    if states > 2 and (len(ends) != 2 or max(map(len, neighbours)) > 2):
        return None
    order, seen = [ends[0]], {ends[0]}
    while onward := [j for j in neighbours[order[-1]] if j not in seen]:
        order.append(onward[0])
        seen.add(onward[0])
    return order if len(order) == states else None


def _neighbours(states: int, links: Sequence[Edge]) -> list[list[int]]:
    neighbours: list[list[int]] = [[] for _ in range(states)]
    for i, j in links:
        neighbours[i].append(j)
        neighbours[j].append(i)
    return neighbours


def _untangled(order: list[int], links: Sequence[Edge], places: Float64[np.ndarray, "state 2"], fixed: int = 0) -> list[int]:
    """An order of the states over these places with few crossings and short links: exchanges of two states until none helps.
    The first `fixed` stay."""

    known = _Links.of(links, len(order))

    def cost(trial: Sequence[int]) -> float:
        positions = _placed(trial, places)
        return known.cost(positions) + 0.05 * float(known.lengths(positions).sum())

    lowest = cost(order)
    improved = True
    while improved:
        improved = False
        for i, j in combinations(range(fixed, len(order)), 2):
            trial = list(order)
            trial[i], trial[j] = trial[j], trial[i]
            if (value := cost(trial)) < lowest - 1e-9:
                order, lowest, improved = trial, value, True
    return order


def _cyclic_classes(states: int, arrows: Sequence[Edge]) -> list[list[int]] | None:
    """The classes that a periodic chain visits in turn; None for other chains."""
    onward: list[list[int]] = [[] for _ in range(states)]
    for i, j in arrows:
        onward[i].append(j)
    depth, queue = {0: 0}, deque([0])
    while queue:
        i = queue.popleft()
        for j in onward[i]:
            if j not in depth:
                depth[j] = depth[i] + 1
                queue.append(j)
    if len(depth) < states:
        return None
    period = 0
    for i, j in arrows:
        period = gcd(period, depth[i] + 1 - depth[j])
    if period < 3:
        return None
    classes: list[list[int]] = [[] for _ in range(period)]
    for i in range(states):
        classes[depth[i] % period].append(i)
    return classes


def _rounds(classes: Sequence[Sequence[int]], states: int) -> Iterator[Float64[np.ndarray, "state 2"]]:
    """Each class at its place on a circle, its members side by side; once along the circle and once across it."""
    radius = max(1.15, max(map(len, classes)) * len(classes) / (2 * pi) * 1.3)
    for across in (False, True):
        positions = np.zeros((states, 2))
        for k, members in enumerate(classes):
            angle = pi / 2 - 2 * pi * k / len(classes)
            outward = np.array([np.cos(angle), np.sin(angle)])
            sideways = outward if across else np.array([outward[1], -outward[0]])
            for place, i in enumerate(members):
                positions[i] = radius * outward + (place - (len(members) - 1) / 2) * 1.1 * sideways
        yield positions


@dataclass(frozen=True)
class _Links:
    """The pairs of states that arrows join, as arrays: `ends` of each link; `pairs` of links without a common end; `apart`,
    whether a state is no end of a link."""

    ends: Int64[np.ndarray, "link 2"]
    pairs: Int64[np.ndarray, "pair 2"]
    apart: Bool[np.ndarray, "link state"]

    @staticmethod
    def of(links: Sequence[Edge], states: int) -> _Links:
        disjoint = [(k, m) for k, m in combinations(range(len(links)), 2) if not {*links[k]} & {*links[m]}]
        ends = np.array(links, dtype=np.int64).reshape(-1, 2)
        apart = (np.arange(states) != ends[:, :1]) & (np.arange(states) != ends[:, 1:])
        return _Links(ends, np.array(disjoint, dtype=np.int64).reshape(-1, 2), apart)

    def lengths(self, positions: Float64[np.ndarray, "state 2"]) -> Float64[np.ndarray, " link"]:
        return np.asarray(np.linalg.norm(positions[self.ends[:, 0]] - positions[self.ends[:, 1]], axis=1))

    def cost(self, positions: Float64[np.ndarray, "state 2"]) -> float:
        """Crossings of links, states that lie on or near a link of others, and how unequal the links' lengths are."""
        i, j = np.triu_indices(len(positions), 1)
        unit = float(np.linalg.norm(positions[i] - positions[j], axis=1).min(initial=np.inf)) if len(i) else 1.0
        unit = unit or 1e-9
        a, b = positions[self.ends[:, 0]], positions[self.ends[:, 1]]
        first, second = self.pairs[:, 0], self.pairs[:, 1]
        crossed = _parted(a[first], b[first], a[second], b[second]) & _parted(a[second], b[second], a[first], b[first])
        along = b - a
        towards = positions[None] - a[:, None]
        share = np.einsum("lsx,lx->ls", towards, along) / np.maximum((along**2).sum(axis=1), 1e-12)[:, None]
        distance = np.linalg.norm(towards - np.clip(share, 0, 1)[:, :, None] * along[:, None], axis=2)
        near = np.maximum(0.0, 1 - distance / (0.55 * unit))[self.apart].sum()
        long = np.maximum(0.0, self.lengths(positions) / unit - 1.6).sum()
        return float(crossed.sum() + 1.5 * near + 0.15 * long)


def _parted(
    a: Float64[np.ndarray, "pair 2"],
    b: Float64[np.ndarray, "pair 2"],
    p: Float64[np.ndarray, "pair 2"],
    q: Float64[np.ndarray, "pair 2"],
) -> Bool[np.ndarray, " pair"]:
    """Whether p and q lie on different sides of the line through a and b."""

    def side(r: Float64[np.ndarray, "pair 2"]) -> Float64[np.ndarray, " pair"]:
        return np.asarray((b[:, 0] - a[:, 0]) * (r[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (r[:, 0] - a[:, 0]))

    return np.asarray(side(p) * side(q) < 0)
