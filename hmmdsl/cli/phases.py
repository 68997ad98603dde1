"""Each phase's result as text: `hmmdsl show FILE --phase tree|experiment|plan`."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from hmmdsl.exchange.reading import read
from hmmdsl.files.door import json_text
from hmmdsl.language.diagnostics import Diagnostics, SpecError
from hmmdsl.language.experiment_file import write_experiment
from hmmdsl.language.parser import parse
from hmmdsl.language.reading import read_source
from hmmdsl.language.records.fits import bytes_text
from hmmdsl.language.source import Span
from hmmdsl.runtime.engines.choice import choose_workers
from hmmdsl.runtime.estimate import estimate
from hmmdsl.runtime.plan import make_plan
from hmmdsl.runtime.progress import duration
from hmmdsl.runtime.stage import Estimate, tasks_of
from hmmdsl.runtime.store.opening import peek_store
from hmmdsl.runtime.sweep.planning import plan_sweeps

if TYPE_CHECKING:
    from hmmdsl.language.compiled import Compiled
    from hmmdsl.language.syntax import File
    from hmmdsl.runtime.asked import Fusion
    from hmmdsl.runtime.stage import Plan, Stage, Task
    from hmmdsl.runtime.store.store import Store
    from hmmdsl.runtime.sweep.planning import PlannedSweeps

Phase = Literal["tree", "experiment", "plan"]
Form = Literal["text", "json", "dot"]


def phase_text(
    path: Path,
    phase: Phase,
    settings: Mapping[str, str],
    profile: str | None,
    form: Form = "text",
    store: str | None = None,
    no_store: bool = False,
    fusion: Fusion | None = None,
    seeds: tuple[int, ...] | None = None,
) -> str:
    """What a phase makes of a file; the plan also tells what the `store` has of it, and what becomes of runs that are alike.

    Raises SpecError if the file does not get that far, OutputError if the store is none.
    """
    as_json = form == "json"
    if phase == "tree":
        diagnostics = Diagnostics()
        source = read_source(path, str(path), diagnostics)
        tree = parse(source, diagnostics) if source is not None else None
        if tree is None or diagnostics.errors:
            raise SpecError(diagnostics.found)
        return json_text(_tree_as_json(tree)) if as_json else "\n".join(_tree_lines(tree))
    compiled = read(path, settings, profile, seeds=seeds)
    if phase == "experiment":
        if as_json:
            return compiled.experiment.model_dump_json(indent=1)
        return write_experiment(compiled.experiment).rstrip("\n")

    points = plan_sweeps(compiled, fusion)
    text = compiled.sources[0].text if compiled.sources else None
    plan = make_plan(compiled.experiment, text, points.hashes(), points.member_hashes())
    held = None if no_store else peek_store(store)
    stages, sweeps = planned(plan, compiled, held), planned_sweeps(points, held)
    others = planned_seeds(points, held)
    if form == "json":
        fused = [each.as_json() for each in points.decisions]
        return plan_json(plan, stages, [sweep.as_json() for sweep in sweeps], fused, others.as_json() if others else None)
    if form == "dot":
        return plan_dot(plan, stages)

    tasks = [*tasks_of(plan, compiled.experiment, compiled.processes), *points.all_tasks(held)]
    workers = choose_workers(tasks, held, None).line()
    decided = [decision.line() for decision in points.decisions]
    told = [*([others.line()] if others else []), *(sweep.line() for sweep in sweeps)]
    return "\n".join([plan_table(plan, stages), *told, *decided, *([workers] if workers else [])])


def _tree_lines(tree: File) -> Iterator[str]:
    """The syntax tree, one node a line, children indented; each with the line and column where it begins."""
    waiting: list[tuple[int, str, object]] = [(0, "", tree)]
    while waiting:  # a stack: a file of a hundred nested brackets must print too
        depth, name, node = waiting.pop()
        head = f"{'  ' * depth}{name + ': ' if name else ''}"
        if dataclasses.is_dataclass(node) and not isinstance(node, type):
            plain, children = [], []
            for field in dataclasses.fields(node):
                value = getattr(node, field.name)
                if field.name == "span" or value is None or value == ():
                    continue
                if isinstance(value, tuple) or dataclasses.is_dataclass(value):
                    children.append((depth + 1, field.name, value))
                else:
                    plain.append(f"{field.name}={value if not isinstance(value, str) else repr(value)}")
            span = getattr(node, "span", None)
            place = " @{}:{}".format(*span.source.position(span.start)) if isinstance(span, Span) else ""
            yield f"{head}{type(node).__name__}{'(' + ', '.join(plain) + ')' if plain else ''}{place}"
            waiting.extend(reversed(children))
        elif isinstance(node, tuple):
            yield f"{head}[{len(node)}]"
            waiting.extend((depth + 1, "", member) for member in reversed(node))
        else:
            yield f"{head}{node}"


def _tree_as_json(node: object) -> Any:
    if dataclasses.is_dataclass(node) and not isinstance(node, type):
        content: dict[str, Any] = {"node": type(node).__name__}
        for field in dataclasses.fields(node):
            value = getattr(node, field.name)
            content[field.name] = [value.start, value.end] if isinstance(value, Span) else _tree_as_json(value)
        return content
    if isinstance(node, tuple):
        return [_tree_as_json(member) for member in node]
    return node if node is None or isinstance(node, (bool, int, str)) else str(node)


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
        stage_id = each.stage.id
        stage: dict[str, Any] = {"id": stage_id, "kind": stage_id.kind.name, "name": stage_id.name, "hash": each.stage.hash}
        stage |= {"needs": list(each.stage.needs), "cached": each.cached, "begun": each.begun, "estimate": needed}
        content["stages"].append(stage)
    if sweeps or replicate:
        content |= {"sweeps": list(sweeps), "fusion": list(fusion)}
    if replicate:
        content["replicate"] = replicate
    return json_text(content)


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


@dataclass(frozen=True)
class PlannedSweep:
    """One sweep, or the experiment with its other seeds (`name` None): distinct stages of all points, those in the store, and the
    seconds that the others are thought to take."""

    name: str | None
    points: int
    stages: int
    stored: int
    seconds: float

    def line(self) -> str:
        """`sweep capacity: 9 points, 18 stages, 2 stored; the rest will take about 40 s`."""
        of = f"sweep {self.name}: {self.points:,} points" if self.name is not None else f"replicate: {self.points:,} more seeds"
        told = f"{of}, {self.stages:,} stages, {self.stored:,} stored"
        return told if self.stored == self.stages else f"{told}; the rest will take about {duration(self.seconds)}"

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            **({"name": self.name} if self.name is not None else {}),
            "points" if self.name is not None else "seeds": self.points,
            "stages": self.stages,
            "cached": self.stored,
            "seconds": round(self.seconds, 3),
        }


def planned_sweeps(sweeps: PlannedSweeps, store: Store | None) -> list[PlannedSweep]:
    """Each sweep beside what the store has of it."""
    return [_planned(name, len(points), sweeps.tasks(name, store), store) for name, points in sweeps.points.items()]


def planned_seeds(sweeps: PlannedSweeps, store: Store | None) -> PlannedSweep | None:
    """The experiment with its other seeds beside what the store has of it; None where there are none."""
    return _planned(None, len(sweeps.members), sweeps.member_tasks(store), store) if sweeps.members else None


def _planned(name: str | None, points: int, of: Iterable[Task], store: Store | None) -> PlannedSweep:
    tasks = {task.hash: task for task in of}
    left = [task for digest, task in tasks.items() if store is None or not store.has(digest)]
    estimates = [needed for task in left if (needed := estimate(task)) is not None]
    return PlannedSweep(name, points, len(tasks), len(tasks) - len(left), sum(needed.seconds for needed in estimates))
