"""`hmmdsl store …`: what the store holds, how much, whether it is whole, and how to make it smaller."""

from __future__ import annotations

import re
from dataclasses import asdict
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from hmmdsl.files.door import json_text, say
from hmmdsl.runtime.failures import ExitCode, OutputError

if TYPE_CHECKING:
    from hmmdsl.runtime.store.store import Store

command = typer.Typer(
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=True,
    help="What has been computed: list it, measure it, verify it, prune it.",
)

Kind = Literal["process", "train", "batch", "analysis", "figures", "report"]
StoreOption = Annotated[str | None, typer.Option("--store", metavar="DIR|URL", help="else $HMMDSL_STORE or the cache folder")]
KindOption = Annotated[Kind | None, typer.Option("--kind", help="only stages of this kind")]
JsonOption = Annotated[bool, typer.Option("--json", help="print JSON, for programs")]

_AGES = {"m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
_SIZES = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "KI": 2**10, "MI": 2**20, "GI": 2**30, "TI": 2**40}


@command.command(name="list", epilog="Example: hmmdsl store list rrxor --kind train")
def list_(
    text: Annotated[str | None, typer.Argument(metavar="TEXT", help="in the spec's name, the stage's, or the hash")] = None,
    kind: KindOption = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=0, help="the newest so many; 0 for all")] = 50,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print what has been computed, the newest first."""
    from hmmdsl.runtime.store.upkeep import complete

    opened = _opened(store)
    complete(opened)
    index = opened.index
    wanted = limit + 1 if limit else None
    if as_json:
        rows = index.rows(kind, text, wanted)
        say(json_text([row._asdict() for row in (rows[:limit] if limit else rows)], indent=None))
        return
    found = index.lines(kind, text, wanted)
    lines = [f"{_date(made // 60)}  {middle}  {_size(size):>9}  {digest}" for made, middle, size, digest in found]
    if limit and len(lines) > limit:
        lines[limit:] = ["… and more: `--limit 0` lists all"]
    say("\n".join(lines or ["nothing"]))


@command.command(epilog="Example: hmmdsl store size")
def size(store: StoreOption = None, as_json: JsonOption = False) -> None:
    """Print how much there is of each kind, and the computing time in it."""
    from hmmdsl.runtime.store.upkeep import area_sizes, complete

    opened = _opened(store)
    complete(opened)
    totals, areas = opened.index.totals(), area_sizes(opened)
    if as_json:
        _print({"folder": str(opened.folder), "kinds": [asdict(total) for total in totals], "areas": areas})
        return
    say(opened.folder)
    for total in totals:
        say(f"{total.kind:8}  {total.count:>9,} entries  {_size(total.bytes):>9}  {total.seconds:,.0f} s of computing")
    for area, size_ in areas.items():
        say(f"{area:8}  {'':17}  {_size(size_):>9}")


@command.command(epilog="Example: hmmdsl store verify")
def verify(store: StoreOption = None, as_json: JsonOption = False) -> None:
    """Compare every file with its checksum; move what is damaged away. Exits with 1 if anything was."""
    from hmmdsl.runtime.store.upkeep import verify as verify_all

    found = verify_all(_opened(store))
    if as_json:
        _print(asdict(found))
    else:
        later = f", {found.later:,} of a later format are left alone" if found.later else ""
        say(f"{found.whole:,} entries are whole, {len(found.damaged):,} damaged{later}")
    raise typer.Exit(ExitCode.CLAIM_FAILED if found.damaged else ExitCode.GOOD)


@command.command(epilog="Examples: hmmdsl store prune --unused 30d --dry-run; hmmdsl store prune --to 20GB")
def prune(
    unused: Annotated[str | None, typer.Option("--unused", metavar="AGE", help="not read for 30m, 12h, 30d, 4w")] = None,
    larger: Annotated[str | None, typer.Option("--larger", metavar="SIZE", help="entries of at least 500MB, 2GB, …")] = None,
    to: Annotated[str | None, typer.Option("--to", metavar="SIZE", help="the least recently read, until so much is left")] = None,
    kind: KindOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only say what would be removed")] = False,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove entries, but for those that a run uses now. What is removed is computed again when it is next asked for."""
    from hmmdsl.runtime.store.upkeep import Wanted
    from hmmdsl.runtime.store.upkeep import prune as prune_store

    wanted = Wanted(
        kind,
        None if unused is None else _quantity(unused, _AGES, "--unused", "30d"),
        None if larger is None else int(_quantity(larger, _SIZES, "--larger", "500MB")),
        None if to is None else int(_quantity(to, _SIZES, "--to", "20GB")),
    )
    if wanted == Wanted():
        raise OutputError("say what to remove: `--unused 30d`, `--larger 500MB`, `--to 20GB`, or `--kind figures`")
    done = prune_store(_opened(store), wanted, dry_run)
    if as_json:
        _print(
            {
                "entries": [row.hash for row in done.rows],
                "leftovers": len(done.leftovers),
                "bytes": done.bytes,
                "in_use": done.in_use,
                "dry": dry_run,
            }
        )
        return
    verb = "would remove" if dry_run else "removed"
    spared = f"; {done.in_use:,} more are in use by a run" if done.in_use else ""
    say(f"{verb} {len(done.rows):,} entries and {len(done.leftovers):,} leftovers, {_size(done.bytes)}{spared}")


def _opened(given: str | None) -> Store:
    """The store to look into. Raises OutputError if one is named that is not there: a slip of the pen makes no store."""
    from hmmdsl.runtime.store.opening import open_store

    if given is not None and "://" not in given and not Path(given).expanduser().exists():
        raise OutputError(f"there is no store {given}: `hmmdsl run FILE --store {given}` makes one")
    return open_store(given)


def _quantity(text: str, units: dict[str, int], option: str, example: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)", text.strip())
    unit = "" if match is None else match[2] if units is _AGES else match[2].upper().removesuffix("B")
    if match is None or unit not in units:
        raise OutputError(f"`{option} {text}` is not understood: write it like `{option} {example}`")
    return float(match[1]) * units[unit]


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


@cache
def _date(minutes: float) -> str:
    return datetime.fromtimestamp(60 * minutes).isoformat(" ", "minutes")


def _print(content: Any) -> None:
    say(json_text(content))
