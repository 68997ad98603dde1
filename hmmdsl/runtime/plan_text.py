"""The plan for people and programs: a table, a tree, JSON, a Graphviz graph; what is stored, and what the rest will take."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hmmdsl.language.records.fits import bytes_text
from hmmdsl.runtime.estimate import estimate
from hmmdsl.runtime.progress import duration
from hmmdsl.runtime.stage import Estimate, tasks_of

if TYPE_CHECKING:
    from hmmdsl.language.compiled import Compiled
    from hmmdsl.runtime.stage import Plan, Stage
    from hmmdsl.runtime.store.store import Store


@dataclass(frozen=True)
class Planned:
    """A stage, whether the store has its result (`begun`: a part of it), and what making it would take."""

    stage: Stage
    cached: bool
    begun: bool
    estimate: Estimate | None


def planned(plan: Plan, compiled: Compiled, store: Store | None) -> tuple[Planned, ...]:
    """The stages of a plan beside what the store has of them."""
    tasks = {task.stage.id: task for task in tasks_of(plan, compiled.experiment, compiled.processes)}
    found = []
    for stage in plan.stages:
        cached = store is not None and store.has(stage.hash)
        begun = store is not None and not cached and stage.trains and store.work_folder(stage.hash).is_dir()
        needed = None if cached or stage.id not in tasks else estimate(tasks[stage.id])
        found.append(Planned(stage, cached, begun, needed))
    return tuple(found)


def plan_table(plan: Plan, stages: Sequence[Planned]) -> str:
    """The run folder, one line a stage, the graph as a tree, and the sum of what is missing."""
    rows = [("stage", "hash", "state", "time", "memory", "needs")]
    for each in stages:
        state = "stored" if each.cached else "begun" if each.begun else "to do"
        time, memory = (
            ("", "") if each.estimate is None else (f"~{duration(each.estimate.seconds)}", bytes_text(each.estimate.bytes))
        )
        rows.append((each.stage.id, each.stage.short, state, time, memory, _few(each.stage.needs)))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([f"runs/{plan.folder_name}", "", *lines, "", *_tree(stages), "", _sum(stages)])


def plan_json(
    plan: Plan,
    stages: Sequence[Planned],
    sweeps: Sequence[dict[str, Any]] = (),
    fusion: Sequence[dict[str, Any]] = (),
    replicate: dict[str, Any] | None = None,
) -> str:
    """The same for programs; `estimate` is null where nothing is to do or it is not known."""
    content: dict[str, Any] = {"name": plan.name, "hash": plan.hash, "folder": plan.folder_name, "stages": []}
    for each in stages:
        needed = (
            None
            if each.estimate is None
            else {
                "seconds": round(each.estimate.seconds, 3),
                "bytes": each.estimate.bytes,
                "disk": each.estimate.disk,
            }
        )
        id = each.stage.id
        stage: dict[str, Any] = {"id": id, "kind": id.kind.name, "name": id.name, "hash": each.stage.hash}
        stage |= {"needs": list(each.stage.needs), "cached": each.cached, "begun": each.begun, "estimate": needed}
        content["stages"].append(stage)
    if sweeps or replicate:
        content |= {"sweeps": list(sweeps), "fusion": list(fusion)}
    if replicate:
        content["replicate"] = replicate
    return json.dumps(content, indent=1, ensure_ascii=False)


def plan_dot(plan: Plan, stages: Sequence[Planned]) -> str:
    """A Graphviz digraph: filled boxes are stored."""
    lines = ["digraph plan {", "  rankdir=LR;", '  node [shape=box, style="rounded,filled", fillcolor=white];']
    needed = {need for each in stages if each.stage.kind.makes != "page" for need in each.stage.needs}
    for each in stages:
        fill = "fillcolor=lightgrey, " if each.cached else ""
        label = f"{each.stage.id}\\n{each.stage.short}"
        lines.append(f"  {_quoted(each.stage.id)} [{fill}label={_quoted(label)}];")
        # The page needs all: arrows from those that nothing else needs say as much.
        shown = [need for need in each.stage.needs if each.stage.kind.makes != "page" or need not in needed]
        lines += [f"  {_quoted(need)} -> {_quoted(each.stage.id)};" for need in shown]
    return "\n".join([*lines, "}"])


def _tree(stages: Sequence[Planned]) -> Iterator[str]:
    """Each stage below the last of those it needs; the report, which needs all, stands alone at the end."""
    order = {each.stage.id: place for place, each in enumerate(stages)}
    below: dict[str, list[Planned]] = {}
    for each in stages:
        needs = () if each.stage.kind.makes == "page" else each.stage.needs
        below.setdefault(max(needs, key=lambda need: order[need], default=""), []).append(each)

    def lines(parent: str, indent: str) -> Iterator[str]:
        children = below.get(parent, [])
        for place, each in enumerate(children):
            last = place == len(children) - 1
            branch = "" if parent == "" else ("└─ " if last else "├─ ")
            yield f"{indent}{branch}{'✓' if each.cached else '·'} {each.stage.id}"
            yield from lines(each.stage.id, indent if parent == "" else indent + ("   " if last else "│  "))

    yield from lines("", "")


def _sum(stages: Sequence[Planned]) -> str:
    left = [each for each in stages if not each.cached]
    if not left:
        return f"all {len(stages)} stages are stored"
    known = [each.estimate for each in left if each.estimate is not None]
    peak = max((needed.bytes for needed in known), default=0)
    took = duration(sum(needed.seconds for needed in known))
    disk = sum(needed.disk for needed in known)
    room = f"{bytes_text(peak)}, and {bytes_text(disk)} of disk" if disk else bytes_text(peak)
    return f"{len(stages) - len(left)} of {len(stages)} stages are stored; the rest will take about {took} and {room}"


def _few(needs: Sequence[str]) -> str:
    return ", ".join(needs) if len(needs) <= 3 else f"{', '.join(needs[:2])} and {len(needs) - 2} more"


def _quoted(text: str) -> str:
    escaped = text.replace('"', '\\"')
    return f'"{escaped}"'
