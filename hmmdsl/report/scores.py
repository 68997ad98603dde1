"""Scores of regressions beside their controls, in sample and held out, and what they say in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from hmmdsl.report.wording import joined, score_text

if TYPE_CHECKING:
    from hmmdsl.report.finished import Finished

CONTROLS = ("untrained", "shuffled", "noise", "planted")
"""Controls that a score may stand beside, in the order of the table."""

_CONTROL_WORDS = {
    "untrained": "the same network before training",
    "shuffled": "shuffled beliefs",
    "noise": "random features of equal width",
    "planted": "a planted linear image of the target",
}


@dataclass(frozen=True)
class Scores:
    """R² of one target at one point: of the trained network, and of the controls that were asked for. `spread` is that of the
    held-out score over draws of the folds, `sharing` says how many beliefs the folds share, `by` what is held out together."""

    point: str
    trained: float | None
    controls: Mapping[str, float | None]
    held_out: float | None
    held_out_controls: Mapping[str, float | None]
    spread: float | None = None
    sharing: Mapping[str, float | None] = field(default_factory=dict)
    by: str = "history"


@dataclass(frozen=True)
class ScoreTable:
    """The scores of one regression; `columns` are the controls that occur."""

    name: str
    columns: tuple[str, ...]
    has_held_out: bool
    rows: tuple[Scores, ...]
    headline: str
    story: str

    def cells(self, row: Scores) -> list[tuple[str, str]]:
        """The row's scores as (css class, text), in sample first."""
        cells = [("own", score_text(row.trained)), *(("control", score_text(row.controls.get(c))) for c in self.columns)]
        if self.has_held_out:
            cells += [("own first", score_text(row.held_out))]
            cells += [("control", score_text(row.held_out_controls.get(c))) for c in self.columns]
        return cells


def score_tables(finished: Finished) -> list[ScoreTable]:
    """A table for each regression of the experiment that has results."""
    tables = []
    for name, analysis in finished.experiment.analyses.items():
        if analysis.word == "regression" and name in finished.results:
            by = next((c.by.kind for c in getattr(analysis, "controls", ()) if c.kind == "held_out"), "history")
            rows = tuple(replace(row, point=row.point or name, by=by) for row in _rows(finished.results[name], ""))
            columns = tuple(c for c in CONTROLS if any(c in row.controls or c in row.held_out_controls for row in rows))
            held_out = any(row.held_out is not None or row.held_out_controls for row in rows)
            if rows:
                tables.append(ScoreTable(name, columns, held_out, rows, _headline(rows), _story(rows)))
    return tables


def _rows(node: Any, path: str) -> Iterator[Scores]:
    """Points are the groups that hold an `r2` of their own; what lies below them are controls and positions."""
    if isinstance(node, Mapping):
        if "r2" in node and not isinstance(node["r2"], (Mapping, list)):
            yield Scores(
                path,
                node["r2"],
                {c: _score(node[c]) for c in CONTROLS if c in node},
                _score(node.get("held_out")),
                {c: _score(node[c]["held_out"]) for c in CONTROLS if isinstance(node.get(c), Mapping) and "held_out" in node[c]},
                node.get("held_out", {}).get("sd"),
                node.get("held_out", {}).get("beliefs", {}),
            )
            # A part's own parts are targets of their own, below its results.
            node = {name: below for name, below in node.items() if name in ("component", "within", "factor")}
        for name, below in node.items():
            yield from _rows(below, f"{path}.{name}" if path else name)
    elif isinstance(node, Sequence) and not isinstance(node, str):
        for index, below in enumerate(node):
            yield from _rows(below, f"{path}[{index}]")


def _score(group: Any) -> float | None:
    """A group's R²; the mean where it was repeated."""
    value = group.get("r2") if isinstance(group, Mapping) else None
    if isinstance(value, Mapping):
        value = value.get("mean")
    return float(value) if isinstance(value, (int, float)) else None


def best(rows: Sequence[Scores]) -> Scores | None:
    """The point with the highest R²: held out where that was asked for, else in sample."""
    held_out = [row for row in rows if row.held_out is not None]
    if held_out:
        return max(held_out, key=lambda row: row.held_out or 0.0)
    scored = [row for row in rows if row.trained is not None]
    return max(scored, key=lambda row: row.trained or 0.0) if scored else None


def _headline(rows: Sequence[Scores]) -> str:
    """The best point's score in one sentence, beside the untrained network's."""
    row = best(rows)
    if row is None or row.trained is None:
        return ""
    before = row.controls.get("untrained")
    text = f"an affine map from {row.point} explains {_percent(row.trained)} of the variance in sample"
    text += f" ({_percent(before)} before training)" if before is not None else ""
    if row.held_out is not None:
        before = row.held_out_controls.get("untrained")
        text += f", and {_percent(row.held_out)} on {UNSEEN[row.by]}"
        text += f" ({_percent(before)} before training)" if before is not None else ""
    return text + "."


def _story(rows: Sequence[Scores]) -> str:
    """What the scores say together, at the best point."""
    row = best(rows)
    if row is None or row.trained is None:
        return ""
    text = f"At its best point, {row.point}, the fit explains {_percent(row.trained)} of the target’s variance in sample"
    beside = _beside(row.controls)
    text += f"; the same fit gives {beside}." if beside else "; no control was asked for."
    if row.held_out is not None:
        spread = f" (± {100 * row.spread:.1f} over draws of the folds)" if row.spread is not None else ""
        text += f" On {UNSEEN[row.by]} it explains {_percent(row.held_out)}{spread}"
        beside = _beside(row.held_out_controls)
        text += f", against {beside}." if beside else "."
        text += _shared(row)
        by_chance = max((row.controls.get(name) or 0.0 for name in ("shuffled", "noise")), default=0.0)
        if by_chance > 0.2 * max(row.trained, 0.0):
            text += " Meaningless features or targets score too in sample, so the held-out scores are the ones to compare."
    elif row.controls:
        text += " Nothing was held out here, so only the distance to the controls speaks for the network."
    return text


UNSEEN = {
    "history": "histories that it never saw",
    "belief": "beliefs that it never saw",
    "prefix": "histories whose beginning it never saw",
}
"""What a score is held out on, by what is held out together."""


def _shared(row: Scores) -> str:
    """What the folds share, and so what the held-out score can show."""
    in_fold, shared = row.sharing.get("in_fold"), row.sharing.get("shared")
    if in_fold is None or shared is None:
        return ""
    if not shared:
        chance = row.held_out_controls.get("noise")
        text = " No belief in a fold is also in its training folds: the score asks whether the geometry extends to new beliefs."
        if chance is not None and row.held_out is not None and row.held_out <= chance + 3 * (row.spread or 0.0):
            text += " It is no better than that of random features: the fit does not extend to beliefs that it never saw."
        return text
    told = f" Of {in_fold:.1f} beliefs in a fold {shared:.1f} are also in its training folds (means)"
    if shared < 0.5 * in_fold:
        return f"{told}."
    return (
        f"{told}, so the score shows that histories are told apart by their beliefs, not that the geometry extends to a belief "
        "that was never fitted; `held_out { by = belief }` asks that."
    )


def _beside(controls: Mapping[str, float | None]) -> str:
    return joined([f"{_CONTROL_WORDS[name]} {_percent(value)}" for name, value in controls.items() if value is not None])


def _percent(share: float) -> str:
    return f"{100 * share:.1f}\N{NO-BREAK SPACE}%" if share >= 0 else f"nothing (R²\N{NO-BREAK SPACE}{score_text(share)})"
