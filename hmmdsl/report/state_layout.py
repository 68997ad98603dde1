"""Where the states of a diagram stand: the best of a few layouts, judged by crossings and by states in the way of arrows.

The unit of length is the shortest sensible distance between two states. Everything here is deterministic.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from math import gcd, pi
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float64

Edge = tuple[int, int]


def state_positions(states: int, edges: Iterable[Edge]) -> Float64[np.ndarray, "state 2"]:
    """Positions of the states of a graph with these arrows (self-loops are ignored), centred on the origin."""
    links = sorted({(min(i, j), max(i, j)) for i, j in edges if i != j})
    arrows = sorted({(i, j) for i, j in edges if i != j})
    best = min(_candidates(states, arrows, links), key=lambda positions: _cost(positions, links))
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

    def cost(trial: Sequence[int]) -> float:
        positions = _placed(trial, places)
        return _cost(positions, links) + 0.05 * sum(float(np.linalg.norm(positions[i] - positions[j])) for i, j in links)

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


def _cost(positions: Float64[np.ndarray, "state 2"], links: Sequence[Edge]) -> float:
    """Crossings of links, states that lie on or near a link of others, and how unequal the links' lengths are."""
    states = len(positions)
    distances = [float(np.linalg.norm(positions[i] - positions[j])) for i, j in combinations(range(states), 2)]
    unit = min(distances, default=1.0) or 1e-9
    cost = 0.0
    for (a, b), (c, d) in combinations(links, 2):
        if len({a, b, c, d}) == 4 and _cross(positions[a], positions[b], positions[c], positions[d]):
            cost += 1.0
    for a, b in links:
        for c in range(states):
            if c not in (a, b):
                cost += 1.5 * max(0.0, 1 - _distance_to(positions[c], positions[a], positions[b]) / (0.55 * unit))
    lengths = [float(np.linalg.norm(positions[i] - positions[j])) / unit for i, j in links]
    return cost + 0.15 * sum(max(0.0, length - 1.6) for length in lengths)


def _cross(
    a: Float64[np.ndarray, " 2"], b: Float64[np.ndarray, " 2"], c: Float64[np.ndarray, " 2"], d: Float64[np.ndarray, " 2"]
) -> bool:
    def side(p: Float64[np.ndarray, " 2"], q: Float64[np.ndarray, " 2"], r: Float64[np.ndarray, " 2"]) -> float:
        return float((q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]))

    return side(a, b, c) * side(a, b, d) < 0 and side(c, d, a) * side(c, d, b) < 0


def _distance_to(point: Float64[np.ndarray, " 2"], a: Float64[np.ndarray, " 2"], b: Float64[np.ndarray, " 2"]) -> float:
    """Distance from a point to the segment a-b."""
    along = b - a
    t = float(np.clip((point - a) @ along / max(float(along @ along), 1e-12), 0, 1))
    return float(np.linalg.norm(point - a - t * along))
