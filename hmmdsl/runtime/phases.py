"""Each phase's result as text: `hmmdsl show FILE --phase tree|experiment|plan`."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from hmmdsl.language.diagnostics import Diagnostics, SpecError
from hmmdsl.language.experiment_file import write_experiment
from hmmdsl.language.parser import parse
from hmmdsl.language.reading import read_source
from hmmdsl.language.source import Span
from hmmdsl.runtime.plan import make_plan
from hmmdsl.runtime.reading import read

if TYPE_CHECKING:
    from hmmdsl.language.syntax import File
    from hmmdsl.runtime.asked import Fusion

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
        return json.dumps(_tree_as_json(tree), indent=1, ensure_ascii=False) if as_json else "\n".join(_tree_lines(tree))
    compiled = read(path, settings, profile, seeds=seeds)
    if phase == "experiment":
        if as_json:
            return compiled.experiment.model_dump_json(indent=1)
        return write_experiment(compiled.experiment).rstrip("\n")
    from hmmdsl.runtime.plan_text import plan_dot, plan_json, plan_table, planned
    from hmmdsl.runtime.store.opening import peek_store
    from hmmdsl.runtime.sweep.plan_lines import planned_seeds, planned_sweeps
    from hmmdsl.runtime.sweep.planning import plan_sweeps

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
    from hmmdsl.runtime.engines.choice import choose_workers
    from hmmdsl.runtime.stage import tasks_of

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
