"""An experiment as YAML: all defaults filled in, processes written out, exact numbers as fractions. It can be run itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from hmmdsl.analysis import kinds
from hmmdsl.language.diagnostics import Diagnostics, SpecError
from hmmdsl.language.source import Source, Span
from hmmdsl.spec.experiment import Experiment

LARGEST_FILE = 16 * 2**20
"""Bytes of an experiment file that is read: processes are written out in it, so it may be larger than a spec."""


class _Loader(yaml.SafeLoader):
    """Plain data only, and no aliases: a few lines of them can stand for billions of values."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]
            raise yaml.constructor.ConstructorError(None, None, "an experiment file has no aliases", event.start_mark)
        return super().compose_node(parent, index)


def write_experiment(experiment: Experiment) -> str:
    """The experiment as YAML text, in the order of the spec."""
    return yaml.safe_dump(
        experiment.model_dump(mode="json"), sort_keys=False, allow_unicode=True, default_flow_style=None, width=120
    )


def read_experiment(path: Path, settings: Mapping[str, str], profile: str | None = None) -> Experiment:
    """Read an experiment file; `settings` replace fields of its trains, models and analyses (`fit.steps`: YAML text).

    Raises SpecError with every mistake of the file: unreadable text, unknown fields, wrong values.
    """
    diagnostics = Diagnostics()
    text = _read_text(path, diagnostics)
    source = Source(str(path), text)
    if profile is not None:
        diagnostics.add("E0021", "an experiment file has no profiles", None, help="run the spec itself, or use `--set`")
    data = _load(text, source, diagnostics)
    diagnostics.raise_if_errors()
    for name, value in settings.items():
        _set(data, name, value, diagnostics)
    diagnostics.raise_if_errors()
    try:
        return Experiment.model_validate(data, context={"analyses": kinds()})
    except ValidationError as error:
        for problem in error.errors(include_url=False):
            where = ".".join(str(step) for step in problem["loc"])
            message = str(problem["msg"]).removeprefix("Value error, ")
            message = message[:1].lower() + message[1:]
            diagnostics.add("E0021", f"{where}: {message}" if where else message, None, help="see `hmmdsl help` for the fields")
        raise SpecError(diagnostics.found) from error


def _read_text(path: Path, diagnostics: Diagnostics) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
        if len(content) > LARGEST_FILE:
            diagnostics.add("E0020", f"{path} is larger than {LARGEST_FILE // 2**20} MiB", None, help="run the spec itself")
        return content[:LARGEST_FILE].decode()
    except OSError as error:
        diagnostics.add("E0020", f"{path} can't be read: {(error.strerror or str(error)).lower()}", None, help="check the path")
    except UnicodeDecodeError as error:
        diagnostics.add("E0020", f"{path} is not UTF-8 at byte {error.start}", None, help="save it as UTF-8")
    raise SpecError(diagnostics.found)


def _load(text: str, source: Source, diagnostics: Diagnostics) -> dict[str, Any]:
    try:
        data = yaml.load(text, Loader=_Loader)
        if isinstance(data, dict):
            return data
        diagnostics.add("E0020", "an experiment file is a mapping with `name`, `trains`, …", Span(source, 0, 0))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        span = Span(source, mark.index, min(len(text), mark.index + 1)) if mark else None
        diagnostics.add("E0020", f"this is not YAML that an experiment can have: {error.problem}", span, help="mend it here")
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        message = "nested too deeply" if isinstance(error, RecursionError) else " ".join(str(error).split())
        diagnostics.add("E0020", f"this is not YAML that an experiment can have: {message}", None, help="run the spec itself")
    return {}


def _set(data: dict[str, Any], name: str, text: str, diagnostics: Diagnostics) -> None:
    """Replace the field that a dotted name leads to."""
    head, *path = name.split(".")
    rooms = [data[room] for room in ("trains", "models", "analyses") if isinstance(data.get(room), dict) and head in data[room]]
    if not rooms or not path:
        known = [key for room in ("trains", "models", "analyses") for key in (data.get(room) or {})]
        diagnostics.add(
            "E0021",
            f"`--set {name}` names no field of this experiment",
            None,
            help=f"write NAME.FIELD=VALUE, where NAME is one of {', '.join(known)}",
        )
        return
    record = rooms[0][head]
    for step in path[:-1]:
        record = record.get(step) if isinstance(record, dict) else None
    if not isinstance(record, dict):
        diagnostics.add("E0021", f"`--set {name}` leads to no field", None, help="see experiment.yaml for the fields")
        return
    try:
        record[path[-1]] = yaml.load(text, Loader=_Loader)
    except yaml.YAMLError:
        diagnostics.add("E0021", f"`--set {name}={text}` has a value that is not YAML", None, help="write a number or a word")
