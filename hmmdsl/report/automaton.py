"""Drawing an automaton: states as circles, curved arrows from rim to rim, labels where they cover nothing.

All lengths are inches: the axes fill the figure and one unit of data is one inch, so that sizes of text are known while labels
are being placed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch
from matplotlib.path import Path

from hmmdsl.report.state_layout import state_positions
from hmmdsl.report.style import GREY, INK

if TYPE_CHECKING:
    from jaxtyping import Float64
    from matplotlib.axes import Axes

    Point = Float64[np.ndarray, " 2"]
    Curve = Float64[np.ndarray, "control 2"]


@dataclass(frozen=True)
class Line:
    """One line of an arrow's label, in a colour."""

    text: str
    colour: str


@dataclass(frozen=True)
class Arrow:
    """One arrow; `weight` in [0, 1] makes it stronger."""

    source: int
    target: int
    lines: tuple[Line, ...]
    colour: str
    weight: float


@dataclass(frozen=True)
class Node:
    """One state: its name, the colour of its face, and the text of an incoming start arrow (None: no such arrow)."""

    name: str
    colour: str
    start: str | None = None


@dataclass(frozen=True)
class _Box:
    left: float
    bottom: float
    right: float
    top: float

    def overlap(self, other: _Box) -> float:
        wide = min(self.right, other.right) - max(self.left, other.left)
        high = min(self.top, other.top) - max(self.bottom, other.bottom)
        return max(0.0, wide) * max(0.0, high)

    def holds(self, points: Float64[np.ndarray, "point 2"]) -> int:
        x, y = points[:, 0], points[:, 1]
        return int(((x > self.left) & (x < self.right) & (y > self.bottom) & (y < self.top)).sum())


_TEXT = 8.5
_LINE_HEIGHT = _TEXT * 1.3 / 72
_CHARACTER = _TEXT * 0.62 / 72
_MARGIN = 0.12


def draw_automaton(nodes: Sequence[Node], arrows: Sequence[Arrow], *, scale: float = 1.0) -> Figure:
    """The whole automaton; `scale` stretches the distances between states. Meant for up to about a dozen states."""
    longest = max((len(node.name) for node in nodes), default=1)
    radius = float(np.clip(0.13 + 0.045 * longest, 0.24, 0.46))
    tall = max((len(arrow.lines) for arrow in arrows), default=1)
    wide = max((len(line.text) for arrow in arrows for line in arrow.lines), default=3)
    unit = scale * (2 * radius + max(0.75, wide * _CHARACTER + 0.45, tall * _LINE_HEIGHT + 0.5))
    centres = unit * state_positions(len(nodes), [(arrow.source, arrow.target) for arrow in arrows])

    curves = [_loop(centres, arrows, arrow, radius) if arrow.source == arrow.target else None for arrow in arrows]
    both = {(arrow.source, arrow.target) for arrow in arrows}
    paths = [
        loop if loop is not None else _bow(centres, arrow, radius, (arrow.target, arrow.source) in both)
        for arrow, loop in zip(arrows, curves, strict=True)
    ]
    stubs = [_stub(centres, arrows, i, radius) if node.start is not None else None for i, node in enumerate(nodes)]

    taken = [_Box(x - radius, y - radius, x + radius, y + radius) for x, y in centres]
    drawn = np.concatenate([_points(path) for path in paths]) if paths else np.zeros((0, 2))
    labels: list[tuple[Point, Arrow]] = []
    for arrow, path in sorted(zip(arrows, paths, strict=True), key=lambda pair: -len(pair[0].lines)):
        place, box = _label_place(path, arrow, taken, drawn)
        taken.append(box)
        labels.append((place, arrow))

    extent = np.array(
        [[box.left, box.bottom] for box in taken]
        + [[box.right, box.top] for box in taken]
        + [p for path in paths for p in _points(path)]
        + [stub[0] - 0.1 * (1 if stub[0][0] <= stub[1][0] else -1) for stub in stubs if stub is not None]
    )
    low, high = extent.min(axis=0) - _MARGIN, extent.max(axis=0) + _MARGIN
    figure = Figure(figsize=tuple(high - low))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(low[0], high[0])
    axes.set_ylim(low[1], high[1])
    axes.set_axis_off()

    for arrow, path in zip(arrows, paths, strict=True):
        _draw_arrow(axes, path, arrow.colour, 0.9 + 1.1 * arrow.weight)
    for node, stub in zip(nodes, stubs, strict=True):
        if stub is not None:
            _draw_arrow(axes, np.array([stub[0], (stub[0] + stub[1]) / 2, stub[1]]), GREY, 1.2)
            x, y = map(float, stub[0] + (stub[0] - stub[1]) * 0.1)
            axes.text(x, y, node.start or "", fontsize=_TEXT - 1, color=GREY, ha="center", va="center")
    for node, centre in zip(nodes, centres, strict=True):
        axes.add_patch(
            Circle((centre[0], centre[1]), radius, facecolor=_tint(node.colour), edgecolor=node.colour, linewidth=1.8, zorder=3)
        )
        size = min(10.5, 72 * 2 * radius * 0.86 / (0.62 * max(len(node.name), 1)))
        x, y = map(float, centre)
        axes.text(x, y, node.name, ha="center", va="center", fontsize=size, color=INK, zorder=4, parse_math=False)
    for place, arrow in labels:
        _draw_label(axes, place, arrow)
    return figure


def _tint(colour: str) -> tuple[float, float, float]:
    """The colour mixed with white, as a ground for dark text."""
    from matplotlib.colors import to_rgb

    red, green, blue = (0.8 + 0.2 * part for part in to_rgb(colour))
    return red, green, blue


def _bezier(curve: Curve, t: Float64[np.ndarray, " t"]) -> Float64[np.ndarray, "t 2"]:
    t = t[:, None]
    if len(curve) == 3:
        shares = [(1 - t) ** 2, 2 * t * (1 - t), t**2]
    else:
        shares = [(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3]
    return np.asarray(np.hstack(shares) @ curve)


def _points(curve: Curve) -> Float64[np.ndarray, "point 2"]:
    return _bezier(curve, np.linspace(0, 1, 25))


def _bow(centres: Float64[np.ndarray, "state 2"], arrow: Arrow, radius: float, both_ways: bool) -> Curve:
    """A bowed arrow from rim to rim: bowed more where its reverse exists or where a state lies in the way."""
    a, b = centres[arrow.source], centres[arrow.target]
    along = b - a
    normal = np.array([along[1], -along[0]])
    others = np.delete(centres, [arrow.source, arrow.target], axis=0)

    def clear(bend: float) -> float:
        curve = _points(np.array([a, (a + b) / 2 + bend * normal, b]))
        return float(np.linalg.norm(curve[:, None] - others[None], axis=-1).min()) if len(others) else np.inf

    away = 1.0 if float(normal @ ((a + b) / 2 - centres.mean(axis=0))) >= 0 else -1.0
    bends = [0.22, 0.32, 0.45] if both_ways else [away * bend for bend in (0.1, -0.1, 0.25, -0.25, 0.4, -0.4, 0.6, -0.6)]
    bend = next((value for value in bends if clear(value) > radius + 0.16), max(bends, key=clear))
    control = (a + b) / 2 + bend * normal
    start = a + radius * _unit(control - a)
    end = b + (radius + 0.03) * _unit(control - b)
    return np.array([start, control, end])


def _unit(vector: Point) -> Point:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-12))


def _directions(centres: Float64[np.ndarray, "state 2"], arrows: Sequence[Arrow], state: int) -> list[float]:
    """Angles at which arrows to and from other states leave this one."""
    others = {arrow.target for arrow in arrows if arrow.source == state} | {
        arrow.source for arrow in arrows if arrow.target == state
    }
    return sorted(float(np.arctan2(*(centres[j] - centres[state])[::-1])) for j in others if j != state)


def _free_angle(taken: Sequence[float], outward: float) -> float:
    """The middle of the widest gap between angles; among equals the one nearest to `outward`."""
    if not taken:
        return outward
    gaps = [((taken[(k + 1) % len(taken)] - angle) % (2 * np.pi) or 2 * np.pi, angle) for k, angle in enumerate(taken)]
    widest = max(gap for gap, _ in gaps)
    middles = [angle + gap / 2 for gap, angle in gaps if gap > widest - 1e-6]
    return min(middles, key=lambda angle: abs((angle - outward + np.pi) % (2 * np.pi) - np.pi))


def _outward(centres: Float64[np.ndarray, "state 2"], state: int) -> float:
    away = centres[state] - centres.mean(axis=0)
    return float(np.arctan2(away[1], away[0])) if np.linalg.norm(away) > 1e-6 else np.pi / 2


def _loop(centres: Float64[np.ndarray, "state 2"], arrows: Sequence[Arrow], arrow: Arrow, radius: float) -> Curve:
    """A self-loop into the widest gap around its state."""
    centre = centres[arrow.source]
    angle = _free_angle(_directions(centres, arrows, arrow.source), _outward(centres, arrow.source))
    spread, reach = 0.48, radius + 0.62

    def at(turn: float, distance: float) -> Point:
        return np.asarray(centre + distance * np.array([np.cos(angle + turn), np.sin(angle + turn)]))

    return np.array([at(spread, radius), at(spread * 1.25, reach), at(-spread * 1.25, reach), at(-spread, radius + 0.03)])


def _stub(centres: Float64[np.ndarray, "state 2"], arrows: Sequence[Arrow], state: int, radius: float) -> tuple[Point, Point]:
    """The start arrow: from where to where."""
    taken = _directions(centres, arrows, state)
    outward = _outward(centres, state)
    if any(arrow.source == arrow.target == state for arrow in arrows):
        taken = sorted([*taken, float((_free_angle(taken, outward) + np.pi) % (2 * np.pi) - np.pi)])
    angle = _free_angle(taken, outward)
    direction = np.array([np.cos(angle), np.sin(angle)])
    return centres[state] + (radius + 0.42) * direction, centres[state] + (radius + 0.03) * direction


def _label_place(curve: Curve, arrow: Arrow, taken: Sequence[_Box], drawn: Float64[np.ndarray, "point 2"]) -> tuple[Point, _Box]:
    """The place beside or on the arrow whose box covers least of states, labels and arrows."""
    width = max((len(line.text) for line in arrow.lines), default=0) * _CHARACTER + 0.06
    height = len(arrow.lines) * _LINE_HEIGHT + 0.04
    own = _points(curve)
    best: tuple[float, Point, _Box] | None = None
    for t in (0.5, 0.42, 0.58, 0.34, 0.66, 0.27, 0.73):
        here, ahead = _bezier(curve, np.array([t - 0.01, t + 0.01]))
        normal = _unit(np.array([(ahead - here)[1], -(ahead - here)[0]]))
        reach = abs(normal[0]) * width / 2 + abs(normal[1]) * height / 2 + 0.03
        for side in (1.0, -1.0):
            place = (here + ahead) / 2 + side * normal * reach
            box = _Box(place[0] - width / 2, place[1] - height / 2, place[0] + width / 2, place[1] + height / 2)
            inward = side * float(normal @ ((curve[0] + curve[-1]) / 2 - curve[1:-1].mean(axis=0))) > 0
            cost = (
                60 * sum(box.overlap(other) for other in taken)
                + 0.5 * box.holds(drawn)
                + 2.0 * box.holds(own)
                + 2.0 * abs(t - 0.5)
                + (0.6 if inward else 0.0)
            )
            if best is None or cost < best[0] - 1e-9:
                best = (cost, place, box)
    assert best is not None
    return best[1], best[2]


def _draw_arrow(axes: Axes, curve: Curve, colour: str, width: float) -> None:
    codes = [Path.MOVETO] + [Path.CURVE3 if len(curve) == 3 else Path.CURVE4] * (len(curve) - 1)
    axes.add_patch(
        FancyArrowPatch(
            path=Path(curve, codes),
            arrowstyle="-|>,head_length=5.5,head_width=2.8",
            mutation_scale=1,
            color=colour,
            linewidth=width,
            joinstyle="miter",
            capstyle="butt",
            zorder=2,
        )
    )


def _draw_label(axes: Axes, place: Point, arrow: Arrow) -> None:
    count = len(arrow.lines)
    for k, line in enumerate(arrow.lines):
        y = place[1] + ((count - 1) / 2 - k) * _LINE_HEIGHT
        axes.text(
            place[0],
            y,
            line.text,
            fontsize=_TEXT,
            color=line.colour,
            ha="center",
            va="center",
            zorder=5,
            parse_math=False,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 0.6},
        )
