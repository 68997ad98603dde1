"""An experiment as YAML: all defaults filled in, processes written out, exact numbers as fractions. It can be run itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from hmmdsl.files.plain import open_plain
from hmmdsl.language.compiled import Compiled, param_value
from hmmdsl.language.diagnostics import Diagnostics, SpecError
from hmmdsl.language.messages.hints import OTHER_WORDS, suggestion
from hmmdsl.language.modules.names import Declared, Names
from hmmdsl.language.records.elaboration import RecordReader
from hmmdsl.language.records.meanings import FileMeanings
from hmmdsl.language.records.settings import read_settings, sort_out
from hmmdsl.language.records.values import Broken
from hmmdsl.language.resolved import compile_experiment
from hmmdsl.language.source import Source, Span
from hmmdsl.language.sweeps.limits import MAX_POINTS
from hmmdsl.language.values.budget import Budget
from hmmdsl.language.values.scope import Scope
from hmmdsl.process.algebra.failure import DEEPEST_PARTS
from hmmdsl.schema.analysis import AnalysisKinds
from hmmdsl.schema.base import Record
from hmmdsl.schema.declarations import record_sorts
from hmmdsl.schema.exact import LONGEST
from hmmdsl.schema.experiment import Experiment

LARGEST_FILE = 16 * 2**20
"""Bytes of an experiment file: processes are written out in it, so it may be larger than a spec."""

DEEPEST = 30 + 3 * DEEPEST_PARTS
"""Nesting of its lists and mappings: a process within a process is three deeper, and the language allows so many of them."""

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Plain data only; the C version where it is installed."""

_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def write_experiment(experiment: Experiment) -> str:
    """The experiment as YAML text, in the order of the spec."""
    data = experiment.model_dump(mode="json")
    return yaml.dump(data, Dumper=_DUMPER, sort_keys=False, allow_unicode=True, default_flow_style=None, width=120)


def compile_experiment_file(
    path: Path,
    kinds: AnalysisKinds,
    *,
    settings: Mapping[str, str] | None = None,
    profile: str | None = None,
    max_points: int = MAX_POINTS,
    seeds: tuple[int, ...] | None = None,
) -> Compiled:
    """Read an experiment file and compile it. `settings` are `--set` pairs and `seeds` those of `--seeds`, as for a spec. Raises
    SpecError with every mistake."""
    diagnostics = Diagnostics()
    text = _text(path, diagnostics)
    diagnostics.raise_if_errors()
    experiment = read_experiment(text, str(path), kinds, settings=settings, profile=profile)
    return compile_experiment(experiment, kinds, max_points, seeds)


def read_experiment(
    text: str,
    name: str,
    kinds: AnalysisKinds,
    *,
    settings: Mapping[str, str] | None = None,
    profile: str | None = None,
) -> Experiment:
    """The experiment of a YAML text, which messages call `name`. Raises SpecError with every mistake at its place."""
    diagnostics = Diagnostics()
    if profile is not None:
        help_ = "run the spec itself, or use `--set`"
        diagnostics.add("E0522", f"there is no profile `{profile}`: an experiment file has none", None, help=help_)
    source = Source(name, text)
    node = _compose(source, diagnostics)
    diagnostics.raise_if_errors()
    try:
        experiment = Experiment.model_validate(_construct(node), context={"analyses": kinds})
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            _report(detail, node, source, diagnostics)
        raise SpecError(diagnostics.found) from error
    except (ValueError, RecursionError) as error:
        diagnostics.add("E0542", str(error), Span(source, 0, 0), help="`hmmdsl help` lists the records and their fields")
        raise SpecError(diagnostics.found) from error
    return _with_settings(experiment, settings or {}, kinds, diagnostics)


# ---------------------------------------------------------------- YAML


def _text(path: Path, diagnostics: Diagnostics) -> str:
    try:
        with open_plain(path) as file:
            content = file.read(LARGEST_FILE + 1)
        if len(content) > LARGEST_FILE:
            diagnostics.add("E0541", f"{path} is larger than {LARGEST_FILE // 2**20} MiB", None, help="run the spec itself")
        return content[:LARGEST_FILE].decode()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        diagnostics.add("E0540", f"{path} cannot be read: {reason}", None, help="check the path and its permissions")
    except UnicodeDecodeError as error:
        diagnostics.add("E0540", f"{path} is not UTF-8 at byte {error.start}", None, help="save it as UTF-8")
    return ""


def _compose(source: Source, diagnostics: Diagnostics) -> yaml.Node | None:
    """The tree of a YAML text: no aliases (a few lines of them can stand for billions of values), no deep nesting."""
    try:
        depth = 0
        for event in yaml.parse(source.text, Loader=_LOADER):
            if isinstance(event, yaml.AliasEvent):
                diagnostics.add("E0541", "an experiment file has no aliases", _span(event, source), help="write the value out")
                return None
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            if depth > DEEPEST:
                diagnostics.add(
                    "E0541", f"this is nested more than {DEEPEST} deep", _span(event, source), help="no experiment needs that"
                )
                return None
        node: yaml.Node | None = yaml.compose(source.text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = Span(source, mark.index, min(len(source.text), mark.index + 1)) if mark is not None else None
        problem = (error.problem or "it cannot be read").strip()
        diagnostics.add("E0540", f"this is not YAML: {problem}", place, help="mend it here, or run the spec itself")
        return None
    except (yaml.YAMLError, ValueError) as error:
        message = " ".join(str(error).split())
        diagnostics.add("E0540", f"this is not YAML: {message}", None, help="mend it, or run the spec itself")
        return None
    if not isinstance(node, yaml.MappingNode):
        help_ = "`hmmdsl show --phase experiment SPEC` prints one"
        diagnostics.add("E0542", "an experiment is a mapping with `name`, `trains`, …", Span(source, 0, 0), help=help_)
        return None
    return node


def _construct(node: yaml.Node | None, loader: yaml.SafeLoader | None = None) -> object:
    """A tree as plain data; one loader makes all values. Raises ValueError where a mapping has a key twice, or one that is no
    text."""
    loader = yaml.SafeLoader("") if loader is None else loader
    match node:
        case yaml.MappingNode():
            data: dict[str, object] = {}
            for key, value in node.value:
                if not isinstance(key, yaml.ScalarNode):
                    raise ValueError("the keys of an experiment are words")
                if key.value in data:
                    raise ValueError(f"the key `{key.value}` is given twice")
                data[key.value] = _construct(value, loader)
            return data
        case yaml.SequenceNode():
            return [_construct(item, loader) for item in node.value]
        case yaml.ScalarNode():
            if node.tag != "tag:yaml.org,2002:str" and len(node.value) > LONGEST:
                raise ValueError(f"`{node.value[:20]}…` has {len(node.value):,} characters, and a number at most {LONGEST:,}")
            try:
                return loader.construct_object(node)
            except (yaml.YAMLError, ValueError, LookupError, AttributeError, TypeError, ArithmeticError) as error:
                # What a value is called (`!!bool maybe`) need not be what it is; yaml fails in as many ways as it has types.
                raise ValueError(f"`{node.value[:80]}` is not a plain value") from error
    return None


def _span(where: Any, source: Source) -> Span:
    return Span(source, where.start_mark.index, where.end_mark.index)


# ---------------------------------------------------------------- messages


def _report(detail: ErrorDetails, root: yaml.Node | None, source: Source, diagnostics: Diagnostics) -> None:
    """A schema's error at the value, or at the key that should not be there."""
    node, path, known = _follow(root, detail["loc"])
    place = _span(node, source) if node is not None else None
    where = ".".join(path) or "the experiment"
    if detail["type"] == "extra_forbidden":
        name = str(detail["loc"][-1])
        parent, _, _ = _follow(root, detail["loc"][:-1])
        key = next((k for k, _ in parent.value if k.value == name), None) if isinstance(parent, yaml.MappingNode) else None
        place = _span(key, source) if key is not None else place
        ours = OTHER_WORDS.get(name)
        cure = f"write `{ours}`" if ours is not None else suggestion(name, known, "beside it are") or "leave it out"
        diagnostics.add("E0501", f"there is no field `{where}`", place, label="unknown field", help=cure)
    elif detail["type"] == "missing":
        diagnostics.add("E0503", f"`{where}` lacks `{detail['loc'][-1]}`", place, help="give it a value")
    else:
        message = detail["msg"].removeprefix("Value error, ")
        message = message[:1].lower() + message[1:]
        diagnostics.add("E0542", f"{where}: {message}", place, help="`hmmdsl help` lists the records and their fields")


def _follow(root: yaml.Node | None, location: tuple[int | str, ...]) -> tuple[yaml.Node | None, list[str], list[str]]:
    """The deepest node that a location leads to, its path, and the keys beside it. Steps that are no keys (pydantic's names of
    a union's members) are passed over."""
    node, path, beside = root, [], list[str]()
    for step in location:
        if isinstance(node, yaml.MappingNode):
            keys = {key.value: value for key, value in node.value if isinstance(key, yaml.ScalarNode)}
            if str(step) in keys:
                node, beside = keys[str(step)], [key for key in keys if key != str(step)]
                path.append(str(step))
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            path.append(str(step))
    return node, path, beside


# ---------------------------------------------------------------- settings


def _with_settings(
    experiment: Experiment, settings: Mapping[str, str], kinds: AnalysisKinds, diagnostics: Diagnostics
) -> Experiment:
    """The experiment with some fields of its records set, their values in the language."""
    if not settings:
        return experiment
    given = read_settings(settings, diagnostics)
    rooms: dict[str, dict[str, Any]] = {
        "model": dict(experiment.models),
        "train": dict(experiment.trains),
        "analysis": dict(experiment.analyses),
    }
    nowhere = Span(Source("--set", ""), 0, 0)
    names = Names({name: Declared(name, sort, nowhere) for sort, room in rooms.items() for name in room})
    names.declared |= {name: Declared(name, "process", nowhere) for name in experiment.processes if name not in names.declared}
    overrides = sort_out(given, names, record_sorts(kinds), diagnostics)
    scope = Scope()
    for name, value in experiment.params.items():
        scope.define(name, param_value(value))
    for name, table in experiment.processes.items():
        if name.isidentifier():
            scope.define(name, table.process())
    reader = RecordReader(FileMeanings(scope, names, Budget(), diagnostics, lambda name, at: None), diagnostics)
    for room in rooms.values():
        for name, record in room.items():
            assignments = overrides.of(name)
            if assignments and isinstance(record, Record):
                changed = reader.read(type(record), f"`{name}`", assignments, assignments[0].span, record)
                room[name] = record if isinstance(changed, Broken) else changed
    diagnostics.raise_if_errors()
    return experiment.model_copy(update={"models": rooms["model"], "trains": rooms["train"], "analyses": rooms["analysis"]})
