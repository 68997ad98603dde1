"""`hmmdsl show`: what processes are, in numbers with their units, and drawn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from hmmdsl.process.complexity import Measure
from hmmdsl.process.portrait import Portrait, portrait
from hmmdsl.process.process import Process, Scalar
from hmmdsl.runtime.failures import OutputError
from hmmdsl.runtime.finding import find_processes

LONGEST_LIST = 12
"""States, tokens or numbers written out; of more the first and how many there are."""


@dataclass(frozen=True)
class Shown:
    """A process under the name that it is known by, and what there is to tell of it."""

    name: str
    process: Process
    portrait: Portrait

    def as_json(self) -> dict[str, Any]:
        """For programs: `beliefs.count`, `entropy_rate.bits`, …"""
        return {**self.portrait.as_json(), "name": self.name}


def portraits(target: str, name: str | None, settings: Mapping[str, str], profile: str | None) -> tuple[Shown, ...]:
    """What `target` names: a spec's processes, a library module's (`std.processes`), or one of either. Raises SpecError, and
    OutputError if there is no such process."""
    found = find_processes(target, name, settings, profile)
    return tuple(Shown(each, process, portrait(process)) for each, process in found.items())


def draw(shown: Sequence[Shown], folder: Path) -> Iterator[Path]:
    """Draw every process' states, beliefs and entropies as PNG and SVG; gives the paths. Raises OutputError."""
    from hmmdsl.report.process_figures import process_figures
    from hmmdsl.report.style import applied, save

    try:
        with applied():
            for each in shown:
                for short, (figure, _) in process_figures(each.process).items():
                    yield from save(figure, folder, f"{each.name}.{short}")
    except OSError as error:
        raise OutputError(f"{folder} can't be written ({(error.strerror or str(error)).lower()}): give another folder") from error


def print_portraits(shown: Sequence[Shown]) -> None:
    """One process in full, several in a table."""
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=140)
    if len(shown) == 1:
        table = Table(box=None, show_header=False, pad_edge=False, title=shown[0].name, title_justify="left", title_style="bold")
        table.add_column(style="dim", no_wrap=True)
        table.add_column(overflow="fold")
        for what, text in facts(shown[0].portrait):
            table.add_row(what, text)
    else:
        table = Table(box=None, pad_edge=False, header_style="dim")
        for i, column in enumerate(("process", "states", "tokens", "beliefs", "entropy rate (bits)", "C_mu (bits)", "E (bits)")):
            table.add_column(column, justify="right" if i else "left", style=None if i else "bold", no_wrap=True)
        for each in shown:
            about = each.portrait
            numbers = (about.statistical_complexity.bits, about.excess_entropy.bits)
            table.add_row(
                each.name,
                str(len(about.states)),
                str(len(about.tokens)),
                "infinite" if about.beliefs.count is None else str(about.beliefs.count),
                f"{about.entropy_rate.value_bits:.6f}",
                *("–" if bits is None else f"{bits:.6f}" for bits in numbers),
            )
    console.print(table)


def facts(about: Portrait) -> Iterator[tuple[str, str]]:
    """What there is to tell, line by line: what it is, and its value with its unit."""
    yield f"{len(about.states)} states", _listed(about.states)
    yield f"{len(about.tokens)} tokens", _listed(about.tokens)
    if about.stationary is not None:
        yield "stationary", _listed([_number(value) for value in about.stationary])
    if about.stationary is None or about.start_kind == "given":
        yield "start", _listed([_number(value) for value in about.start])
    yield "structure", ", ".join(_structure(about))
    beliefs = about.beliefs
    compared = "compared exactly" if not beliefs.numerical else "numerical: equal within 1e-9"
    if beliefs.count is not None:
        met = f", {beliefs.recurrent:,} met for ever" if beliefs.recurrent is not None else ""
        yield "beliefs", f"{beliefs.count:,}, the start included{met}; closed at depth {beliefs.closed_at} ({compared})"
    else:
        yield "beliefs", f"not closed within {beliefs.found:,}: taken to be infinite ({compared})"
    yield "beliefs by depth", _listed([f"{size:,}" for size in beliefs.growth])
    rate = about.entropy_rate
    within = "" if rate.exact else f", between {rate.lower_bits:.9f} and {rate.upper_bits:.9f}"
    yield "entropy rate", f"{rate.value_bits:.9f} bits = {rate.value_nats:.9f} nats a token{within}; {rate.method}"
    yield "statistical complexity", _measure(about.statistical_complexity)
    if about.causal_states is not None:
        yield "causal states", f"{about.causal_states:,}"
    yield "excess entropy", _measure(about.excess_entropy)
    yield "myopic entropies", f"{_listed([f'{bits:.6f}' for bits in about.myopic_entropies.bits])} bits"


def _structure(about: Portrait) -> Iterator[str]:
    yield "ergodic" if about.ergodic else "not ergodic"
    yield "unifilar" if about.unifilar else "not unifilar"
    yield "aperiodic" if about.period == 1 else f"period {about.period}"
    if about.unreachable:
        yield f"never reached: {', '.join(about.unreachable)}"


def _measure(measure: Measure) -> str:
    if measure.bits is None:
        return measure.reason or "undefined"
    return f"{measure.bits:.9f} bits" + ("" if measure.exact else f" (estimated, ± {measure.error_bits:.1g})")


def _number(value: Scalar) -> str:
    return str(value) if isinstance(value, Fraction) else f"{value:.6g}"


def _listed(texts: Sequence[str]) -> str:
    shown = ", ".join(texts[:LONGEST_LIST])
    return shown if len(texts) <= LONGEST_LIST else f"{shown}, … ({len(texts):,})"
