"""What a finished run prints: its claims with the numbers they read, the main results beside their controls, the report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hmmdsl.files.door import console as door_console
from hmmdsl.files.door import visible
from hmmdsl.process import notation
from hmmdsl.report.claim_words import MORE_SEEDS, fragile_names, is_fragile, margin_text, seeds_text, terms, unrepeated
from hmmdsl.runtime.progress import duration
from hmmdsl.schema.analysis import Surroundings
from hmmdsl.schema.results import TRAIN_RESULTS, Group, Quantity, ResultSchema, Series

if TYPE_CHECKING:
    from rich.console import Console

    from hmmdsl.exchange.verify import Verification
    from hmmdsl.language.compiled import Compiled
    from hmmdsl.runtime.lock import Compared
    from hmmdsl.runtime.replication import Replication
    from hmmdsl.runtime.run import Run
    from hmmdsl.runtime.sweep.running import SweepOutcome
    from hmmdsl.schema.experiment import Verdict

LONGEST_TABLE = 16
"""Rows of one analysis; more are counted."""

MOST_FAILURES = 5
"""Failed points of one sweep that are told; more are counted."""

MOST_METRICS = 4
"""Numbers of one group that are shown beside its controls, and of a short list; without controls twice as many."""

MOST_POSITIONS = 8
"""Positions that are shown side by side."""

SPREADS = ("folds", "repeats", "standard_error")
"""Groups that tell how a number spreads; they are left to the report."""


@dataclass(frozen=True)
class Row:
    """One line of results: `path` within the analysis, and its numbers by column."""

    path: str
    numbers: Mapping[str, float | None]


def number_text(value: float | None) -> str:
    """A number in a column: four decimals where they tell it, so that columns line up; a dash for what is undefined.

    >>> number_text(-0.5), number_text(0.0000123), number_text(3.0), number_text(None)
    ('−0.5000', '1.23\xa0×\xa010⁻⁵', '3', '–')
    """
    if value is None:
        return "–"
    if float(value).is_integer() or abs(value) < 1e-3 or abs(value) >= 1e4:
        return notation.number_text(value)
    return f"{value:.4f}".replace("-", "−")


def main_rows(schema: ResultSchema, results: Any, path: str = "") -> Iterator[Row]:
    """The rows of a table of results: one for each group that has numbers of its own, their first number leading, and beside it
    the same number of each control (its mean, where a control is repeated). Groups without that number, such as what an
    intervention finds `before` and `after`, are rows of their own. Curves are left to the report, but for their ends along
    training and for a few positions of a network."""
    match schema:
        case Group(members):
            yield from _group_rows(members, results or {}, path)
        case Series(element=Group() as element):
            found = list(results or ())
            for i in _told(schema, len(found)):
                yield from main_rows(element, found[i], f"{path}[{i}]")


def _group_rows(members: Mapping[str, ResultSchema], results: Mapping[str, Any], path: str) -> Iterator[Row]:
    own = {name: member for name, member in members.items() if isinstance(member, Quantity)}
    metric = next(iter(own), None)
    controls: dict[str, float | None] = {}
    for name, member in members.items():
        if isinstance(member, Group) and metric is not None:
            controls |= dict(_controls(name, member, results.get(name), metric))
    along = _along_positions(members, results) if metric is None else None
    if along is not None:
        yield Row(f"{path} ({along[0]})".strip(), along[1])
        return
    if metric is not None:
        most = MOST_METRICS if controls else 2 * MOST_METRICS
        numbers = {name: results.get(name) for name in own if name == metric or len(own) <= most}
        for name, member in members.items():
            if isinstance(member, Series) and isinstance(member.element, Quantity):
                found = results.get(name) or ()
                numbers |= {f"{name}[{i}]": value for i, value in enumerate(found)} if len(found) <= MOST_METRICS else {}
        yield Row(path, numbers | controls)
    elif members and all(_repeated(member) for member in members.values()):
        yield Row(f"{path} (mean)", {name: (results.get(name) or {}).get("mean") for name in members})
    for name, member in members.items():
        inside = f"{path}.{name}" if path else name
        if name in SPREADS or _repeated(member):
            continue
        if not isinstance(member, Group) or metric is None or metric not in _metrics(member):
            yield from main_rows(member, results.get(name), inside)
            continue
        for key, part in member.members.items():  # a control of what has rows of its own
            if isinstance(part, Group) and isinstance(members.get(key), Group) and metric not in _metrics(part):
                yield from main_rows(part, (results.get(name) or {}).get(key), f"{inside}.{key}")


def _repeated(schema: ResultSchema) -> bool:
    """Whether it is one number that was measured several times."""
    return isinstance(schema, Group) and "mean" in schema.members


def _told(series: Series, length: int) -> Sequence[int]:
    """Which elements have rows: all of a list, the ends of a course of training, none of another curve. A curve is `by` what it
    runs along."""
    if not series.is_curve:
        return range(length)
    return sorted({0, length - 1}) if length and series.description.startswith("by checkpoint") else ()


def _along_positions(
    members: Mapping[str, ResultSchema], results: Mapping[str, Any]
) -> tuple[str, Mapping[str, float | None]] | None:
    """The leading number at each position and of the `whole`, for a group that has nothing else; None for other groups, and where
    positions are many."""
    series, whole = members.get("position"), members.get("whole")
    found = results.get("position") or ()
    if not isinstance(series, Series) or not isinstance(whole, Group) or len(members) > 2 or len(found) > MOST_POSITIONS:
        return None
    metric = next(name for name, member in whole.members.items() if isinstance(member, Quantity))
    numbers = {f"position[{i}]": one.get(metric) for i, one in enumerate(found)}
    controls = {
        name: value
        for key, member in whole.members.items()
        if isinstance(member, Group)
        for name, value in _controls(f"whole.{key}", member, results["whole"].get(key), metric)
    }
    return metric, numbers | {"whole": results["whole"].get(metric)} | controls


def _metrics(schema: Group) -> set[str]:
    """The names of all numbers in a group and its groups; a number that was measured several times is one."""
    found: set[str] = set()
    for name, member in schema.members.items():
        if isinstance(member, Group):
            found |= {name} if _repeated(member) else _metrics(member)
        elif isinstance(member, Quantity):
            found.add(name)
    return found


def _controls(name: str, schema: Group, results: Any, metric: str) -> Iterator[tuple[str, float | None]]:
    """`untrained.r2`, `shuffled.r2.mean`, `noise.held_out.r2`: the metric wherever it stands below a control."""
    for key, member in schema.members.items():
        value = (results or {}).get(key)
        if key == metric and isinstance(member, Quantity):
            yield f"{name}.{key}", value
        elif key == metric and isinstance(member, Group) and "mean" in member.members:
            yield f"{name}.{key}.mean", (value or {}).get("mean")
        elif isinstance(member, Group) and key not in SPREADS:
            yield from _controls(f"{name}.{key}", member, value, metric)


def run_as_json(finished: Run) -> dict[str, Any]:
    """A finished run for programs."""
    return {
        "folder": str(finished.folder),
        "report": str(finished.report),
        "earlier": None if finished.earlier is None else str(finished.earlier),
        "holds": finished.holds,
        "claims": [verdict.model_dump(mode="json") for verdict in finished.verdicts],
        "lock": None if finished.lock is None else finished.lock.as_json(),
        "results": finished.results,
        "seeds": None
        if finished.replication is None
        else {
            "seeds": list(finished.replication.seeds),
            "failed": [{"seed": seed, "reason": reason} for seed, reason in finished.replication.failed],
        },
        "sweeps": {
            name: {
                "points": len(sweep.outcomes),
                "failed": [{"point": where, "reason": reason} for where, reason in sweep.failed],
                "computed": sweep.made,
                "cached": sweep.cached,
            }
            for name, sweep in finished.sweeps.items()
        },
        "seconds": {stage: round(seconds, 3) for stage, seconds in finished.seconds.items()},
        "cached": [stage for stage in finished.seconds if stage in finished.cached],
    }


def print_run(finished: Run, compiled: Compiled, quiet: bool) -> None:
    """The summary on stdout; `quiet` leaves the results and the claims that hold out."""
    console = _console()
    if not quiet:
        for table_rows in _results(finished, compiled):
            _print_rows(console, *table_rows)
    if finished.replication is not None and (not quiet or finished.replication.failed):
        print_seeds(console, finished.replication, finished.folder)
    for name, sweep in finished.sweeps.items():
        if not quiet or sweep.failed:
            print_sweep(console, name, sweep, finished.folder)
    print_claims(console, finished.verdicts, only_failed=quiet)
    print_lock(console, finished.lock, quiet)
    took = duration(finished.wall_seconds)
    if finished.cached:
        whole = len(finished.cached) == len(finished.seconds)
        took = "from the store" if whole else f"{took}, {len(finished.cached)} of {len(finished.seconds)} stages from the store"
    ended = f"{_held(finished.verdicts)}{_failed(finished.sweeps)}  {took}  {finished.report}"
    _say(console, ended)
    if finished.earlier is not None:
        told = f"claims.json of the run before reads otherwise: it is kept, with its report, in {finished.earlier}"
        _say(console, told)


def print_lock(console: Console, lock: Compared | None, quiet: bool = False) -> None:
    """How the claims stand to those that were locked; `quiet` tells only what may mislead."""
    if lock is None or (quiet and lock.same and lock.after is None):
        return
    style = "" if lock.same and lock.after is None else "yellow"
    for line in (lock.line(), *lock.told()):
        _say(console, line, style=style)


def print_seeds(console: Console, replication: Replication, folder: Path) -> None:
    """With how many seeds the experiment was run, with which it failed and why, and where their table lies."""
    failed = replication.failed
    told = f"{len(replication.seeds):,} seeds" + (f", {len(failed):,} failed" if failed else "")
    _say(console, f"{told}  {folder / 'seeds' / 'results.csv'}")
    for seed, reason in failed[:MOST_FAILURES]:
        _say(console, f"         failed with seed {seed}: {reason}")
    if len(failed) > MOST_FAILURES:
        _say(console, f"         … and {len(failed) - MOST_FAILURES:,} more")


def print_sweep(console: Console, name: str, sweep: SweepOutcome, folder: Path) -> None:
    """How many points a sweep has, how many of them failed and why, and where its table lies."""
    failed = sweep.failed
    count = f"{len(sweep.outcomes):,} point{'s' if len(sweep.outcomes) != 1 else ''}"
    told = f"{count}, {len(failed):,} failed" if failed else count
    table = folder / "sweeps" / name / "results.csv"
    _say(console, f"sweep {name}: {told}  {table}")
    for where, reason in failed[:MOST_FAILURES]:
        _say(console, f"         failed where {where}: {reason}")
    if len(failed) > MOST_FAILURES:
        _say(console, f"         … and {len(failed) - MOST_FAILURES:,} more")


def print_claims(console: Console, verdicts: Sequence[Verdict], only_failed: bool = False) -> None:
    """Each claim: whether it holds, its words, what it compared, by how much, and why it failed. Fragile ones are named again at
    the end; `only_failed` leaves out those that hold and are not fragile."""
    from rich.text import Text

    for verdict in verdicts:
        fragile = is_fragile(verdict)
        if verdict.holds and only_failed and not fragile:
            continue
        line = Text("✓ holds  " if verdict.holds else "✗ FAILS  ", "green" if verdict.holds else "bold red")
        line.append("fragile  " if fragile else "", "bold yellow")
        line.append(f"{visible(verdict.label)}: " if verdict.label else "", "bold")
        line.append(visible(verdict.claim), "not bold")
        console.print(line, soft_wrap=True)
        for term in terms(verdict):
            _say(console, f"         {term.text}", "dim")
        if not verdict.holds and verdict.reason:
            _say(console, f"         {verdict.reason}", "red")
        if over := seeds_text(verdict):
            _say(console, f"         {over}", "dim")
        if said := margin_text(verdict):
            _say(console, f"         {said}", "yellow" if fragile else "dim")
    if names := list(fragile_names(verdicts)):
        _say(console, f"fragile: {'; '.join(names)}", "yellow")
    if not only_failed and any(unrepeated(verdict) for verdict in verdicts):
        _say(console, MORE_SEEDS, "dim")


def verification_as_json(found: Verification) -> dict[str, Any]:
    """A verification for programs."""
    compared = found.comparison
    return {
        "name": found.name,
        "holds": found.holds,
        "claims": [verdict.model_dump(mode="json") for verdict in found.verdicts],
        "turned": list(found.turned),
        "changed": list(found.changed),
        "place": found.place,
        "same_machine": not found.changed,
        "numbers": None
        if compared is None
        else {
            "count": compared.count,
            "identical": compared.identical,
            "with_spread": compared.spread,
            "farthest_spreads": compared.farthest,
            "said": found.line(),
            "differ": [
                {
                    "path": each.path,
                    "kind": each.kind,
                    "before": each.before,
                    "now": each.now,
                    "by": each.by,
                    "spread": None if each.spread is None else each.spread.now,
                    "spreads": each.spreads,
                    "decides": each in found.deciding,
                }
                for each in compared.beyond
            ],
        },
    }


def print_verification(found: Verification) -> None:
    """What running again showed, on stdout."""
    console = _console()
    print_claims(console, found.verdicts)
    for claim in found.turned:
        _say(console, f"was otherwise in the run: {claim}")
    for change in found.changed:
        _say(console, f"not the same here: {change}")
    compared = found.comparison
    if compared is None:
        _say(console, f"{_held(found.verdicts)}  {found.line()}")
        return
    for each in sorted(compared.beyond, key=lambda each: each not in found.deciding)[:LONGEST_TABLE]:
        far = "" if each.spreads is None else f", {notation.number_text(each.spreads, 2)} spreads over seeds"
        by = "" if each.by is None else f"  (by {each.by:+.3g}{far})"
        kind = "" if each.kind == "measured" else f" ({each.kind})"
        _say(console, f"differs: {each.path}{kind}: {each.before!r} then, {each.now!r} now{by}")
    if len(compared.beyond) > LONGEST_TABLE:
        _say(console, f"… and {len(compared.beyond) - LONGEST_TABLE:,} more")
    _say(console, f"{_held(found.verdicts)}  {found.line()}")


def _results(finished: Run, compiled: Compiled) -> Iterator[tuple[str, str, list[Row]]]:
    """A title, the unit of its first column, and the rows, for the trains together and for each analysis."""
    experiment = compiled.experiment
    if experiment.trains:
        names = list(TRAIN_RESULTS.members)
        yield "train", "nats", [Row(name, {key: finished.results[name].get(key) for key in names}) for name in experiment.trains]
    around = Surroundings(compiled.processes, experiment.models, experiment.trains, experiment.analyses)
    for name, analysis in experiment.analyses.items():
        schema = analysis.results(around)
        rows = [row for row in main_rows(schema, finished.results[name]) if row.numbers]
        if rows:
            yield name, analysis.word, rows


def _print_rows(console: Console, title: str, subtitle: str, rows: Sequence[Row]) -> None:
    """One table for each set of rows that have columns in common."""
    from rich.table import Table

    shown = rows[:LONGEST_TABLE]
    for alike in _alike(shown):
        columns = list(dict.fromkeys(column for row in alike for column in row.numbers))
        table = Table(box=None, pad_edge=False, header_style="dim", title_justify="left")
        table.add_column(f"{title} ({subtitle})", style="bold", no_wrap=True)
        for column in columns:
            table.add_column(column, justify="right", overflow="fold")
        for row in alike:
            table.add_row(row.path, *(number_text(row.numbers[c]) if c in row.numbers else "" for c in columns))
        console.print(table)
    if len(rows) > LONGEST_TABLE:
        _say(console, f"… {len(rows) - LONGEST_TABLE} more")
    console.print()


def _alike(rows: Sequence[Row]) -> list[list[Row]]:
    """The rows by the number that leads them, in the order in which it first does."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(next(iter(row.numbers)), []).append(row)
    return list(found.values())


def _held(verdicts: Sequence[Verdict]) -> str:
    if not verdicts:
        return "no claims"
    held, fragile = (sum(map(which, verdicts)) for which in (lambda verdict: verdict.holds, is_fragile))
    return f"{held} of {len(verdicts)} claims hold" + (f", {fragile} fragile" if fragile else "")


def _failed(sweeps: Mapping[str, SweepOutcome]) -> str:
    """`, 2 of 10 points failed`; nothing if none did."""
    failed = sum(len(sweep.failed) for sweep in sweeps.values())
    points = sum(len(sweep.outcomes) for sweep in sweeps.values())
    return f", {failed:,} of {points:,} points failed" if failed else ""


def _say(console: Console, line: str, style: str = "") -> None:
    """One line, of whatever length. Labels, paths and reasons may be a stranger's: no character of theirs is obeyed."""
    from rich.text import Text

    console.print(Text(visible(line), style), soft_wrap=True)


def _console() -> Console:
    """stdout: as wide as the terminal, and wide enough for a table elsewhere."""
    return door_console(piped=180)
