"""`hmmdsl show`: what processes are, in numbers with their units, and drawn."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from hmmdsl.exchange.finding import comments_of, find_processes
from hmmdsl.exchange.kept_facts import Facts, facts_of, kept_facts
from hmmdsl.exchange.output_file import output_file
from hmmdsl.files.door import console
from hmmdsl.process.portrait import Portrait, scalar_text, told
from hmmdsl.process.portraying import portrait
from hmmdsl.process.process import Process
from hmmdsl.runtime.failures import OutputError

if TYPE_CHECKING:
    from rich.table import Table

T = TypeVar("T")

MOST_ARROWS = 40
"""Transitions that are listed, at most."""


@dataclass(frozen=True)
class Shown:
    """A process under the name that it is known by, what there is to tell of it, and what its source says of it."""

    name: str
    process: Process
    about: str = ""
    effort: float = 1.0
    known: Portrait | None = None

    @cached_property
    def portrait(self) -> Portrait:
        """All that theory tells, with that effort (see process/effort.py); computed when first asked for."""
        return self.known or portrait(self.process, effort=self.effort)

    @property
    def facts(self) -> Facts:
        """What a list tells: kept for the library's processes."""
        return kept_facts(self.process) or facts_of(self.portrait)

    def as_json(self, diagrams: bool = False) -> dict[str, Any]:
        """For programs: `beliefs.count`, `entropy_rate.bits`, …; with `diagrams`, what is drawn as well."""
        from hmmdsl.report.text.plain import diagrams_as_json

        drawn = diagrams_as_json(self.process) if diagrams else {}
        return {**self.portrait.as_json(), **drawn, "name": self.name, "about": self.about}

    @property
    def source(self) -> str:
        """The publication that its comment names, else how the comment begins."""
        sentences = re.split(r"(?<=[.!?:]) (?=[A-Z])", self.about)
        cited = [sentence for sentence in sentences if re.search(r"\b(?:1[89]|20)\d\d\b", sentence)]
        return (cited or sentences)[0]


def portraits(targets: Sequence[str], settings: Mapping[str, str], profile: str | None, effort: float = 1.0) -> tuple[Shown, ...]:
    """What `targets` name: specs and library modules, each with the names of its processes after it if not all are meant. Raises
    SpecError, and OutputError if there is no such process."""
    shown: list[Shown] = []
    for target, names in _named(targets):
        comments = comments_of(target)
        for name in names or (None,):
            for each, process in find_processes(target, name, settings, profile).items():
                known = each if all(each != other.name for other in shown) else f"{each} of {target}"
                shown.append(Shown(known, process, comments.get(each.partition("(")[0], ""), effort))
    return tuple(shown)


def _named(words: Sequence[str]) -> list[tuple[str, list[str]]]:
    """Files and modules, each with the names that follow it.

    >>> _named(["std.processes", "rrxor", "even", "mine.hmm"])
    [('std.processes', ['rrxor', 'even']), ('mine.hmm', [])]
    """
    found: list[tuple[str, list[str]]] = []
    for word in words:
        place = word == "std" or word.startswith("std.") or Path(word).suffix in (".hmm", ".yaml", ".yml") or Path(word).is_file()
        if place or not found:
            found.append((word, []))
        else:
            found[-1][1].append(word)
    return found


def write_page(shown: Sequence[Shown], path: Path) -> None:
    """One self-contained page of HTML with all of them. Raises OutputError."""
    from hmmdsl.report.process_page import processes_page

    page = processes_page([(each.name, each.process, each.portrait) for each in shown])
    with output_file(path) as file:
        file.write(page.encode())


def draw(shown: Sequence[Shown], folder: Path) -> Iterator[Path]:
    """Draw every process' states, beliefs and entropies as PNG and SVG; gives the paths. Raises OutputError."""
    from hmmdsl.report.process_figures import process_figures
    from hmmdsl.report.style import applied, save

    try:
        with applied():
            for each in shown:
                rate = each.portrait.entropy_rate.value_bits
                for short, (figure, _) in process_figures(each.process, each.portrait.dynamics.cloud, rate).items():
                    yield from save(figure, folder, f"{_file_name(each.name)}.{short}")
    except OSError as error:
        raise OutputError(f"{folder} can't be written ({(error.strerror or str(error)).lower()}): give another folder") from error


def _file_name(name: str) -> str:
    """`walk(p = 1/3)` as `walk_p_1_3`."""
    return re.sub(r"[^\w.-]+", "_", name).strip("_")[:80]


def print_portraits(shown: Sequence[Shown], beside: bool = False) -> None:
    """One process in full, several in a list, or in full side by side. What is piped is 140 characters wide, unless COLUMNS says
    otherwise."""
    from rich.table import Table

    from hmmdsl.report.text.pictures import pictures

    screen = console(piped=None if os.environ.get("COLUMNS") else 140)
    if not (beside or len(shown) == 1):
        screen.print(_list(shown, screen.width))
        return
    screen.print(_full(shown))
    width = screen.width // len(shown) - (4 if len(shown) > 1 else 0)
    drawn = [pictures(each.process, each.portrait, width) for each in shown]
    if all(drawn):
        grid = Table.grid(padding=(0, 4, 0, 0))
        grid.add_row(*drawn)
        screen.print("", grid)


def _full(shown: Sequence[Shown]) -> Table:
    """A column for each process, a line for each fact."""
    from rich.table import Table

    alone = len(shown) == 1
    table = Table(box=None, show_header=not alone, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    if alone:
        table.title, table.title_justify, table.title_style = shown[0].name, "left", "bold"
    table.add_column(style="dim", no_wrap=True)
    columns = [dict(_lines(each)) for each in shown]
    for each in shown:
        table.add_column(each.name, overflow="fold")
    for what in dict.fromkeys(what for column in columns for what in column):
        table.add_row(what, *(column.get(what, "–") for column in columns))
    return table


def _lines(shown: Shown) -> Iterator[tuple[str, str]]:
    """The facts under names that processes share, the source and the arrows too."""
    if shown.about:
        yield "about", shown.about
    bits = shown.portrait.myopic_entropies.bits
    for line in told(shown.portrait):
        yield line.name, line.text
        if line.name == "myopic entropies" and len(bits) > 1:
            yield "", _curve(bits)
    if shown.process.transition_count > MOST_ARROWS or shown.process.generalized:
        return
    arrows = [
        f"{shown.process.states[i]} -[{token}]-> {shown.process.states[j]} : {scalar_text(value)}"
        for token, entries in zip(shown.process.tokens, shown.process.operators, strict=True)
        for (i, j), value in sorted(entries.items())
        if value
    ]
    if arrows:
        yield "transitions", "\n".join(sorted(arrows, key=lambda arrow: shown.process.states.index(arrow.split(" -[")[0])))


def _curve(bits: Sequence[float]) -> str:
    """The myopic entropies as bars, the highest of full height."""
    highest = max(bits) or 1.0
    return "".join("▁▂▃▄▅▆▇█"[min(7, max(0, round(8 * value / highest) - 1))] for value in bits)


def _list(shown: Sequence[Shown], width: int) -> Table:
    """A line for each process; sources are cut where the line ends."""
    from rich.table import Table

    header = ("process", "states", "tokens", "beliefs", "entropy rate (bits)", "C_mu (bits)", "E (bits)")
    rows = [
        (
            each.name,
            str(len(each.process.states)),
            str(len(each.process.tokens)),
            "not closed" if facts.beliefs is None else str(facts.beliefs),
            *(number.text for number in (facts.entropy_rate, facts.statistical_complexity, facts.excess_entropy)),
        )
        for each, facts in ((each, each.facts) for each in shown)
    ]
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for i, column in enumerate(header):
        table.add_column(column, justify="right" if i else "left", style=None if i else "bold", no_wrap=True)
    left = width - sum(2 + max(map(len, column)) for column in zip(header, *rows, strict=True))
    sourced = any(each.source for each in shown) and left >= len("source")
    if sourced:
        table.add_column("source", no_wrap=True, style="dim")
    for row, each in zip(rows, shown, strict=True):
        source = each.source if len(each.source) <= left else f"{each.source[: max(0, left - 1)].rstrip()}…"
        table.add_row(*row, *([source] if sourced else []))
    return table
