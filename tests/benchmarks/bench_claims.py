"""Does every spec stand? Each is run with several seeds under each instruction set that this processor has.

    python -m tests.benchmarks.bench_claims [SPEC ...] [--seeds 8] [--capabilities default avx2 avx512] [--keep FOLDER] [--write]

Another instruction set rounds in another order, as another processor would: one machine is several. For each spec (all of
`specs/` if none is named) and each of them it is `hmmdsl run SPEC --seeds N`, with a store of its own, which `--keep` keeps, so
that what was stopped goes on. Prints a row for each spec: the claims that hold as often as stated, and the least margin in
spreads, with its claim. `--write` puts the rows into the table of docs/specs.md, where the rows of other specs stay. Exits with
1 where a claim fails or is fragile.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hmmdsl.process.notation import number_text

HOUSE = Path(__file__).parents[2]
PAGE = HOUSE / "docs" / "specs.md"

BEGIN, END = "<!-- stand -->", "<!-- /stand -->"
"""What the table in docs/specs.md stands between."""

CAPABILITIES = ("default", "avx2", "avx512")
"""What PyTorch calls the instruction sets of a PC's processor, the least first."""

HEAD = """| spec | seeds | instruction sets | claims that hold as stated | least margin, in spreads over seeds |
|---|---|---|---|---|"""


@dataclass(frozen=True)
class Stand:
    """How one spec's claims stand under one instruction set: its verdicts as plain data."""

    spec: str
    capability: str
    seeds: int
    verdicts: tuple[dict[str, Any], ...]

    def failing(self) -> Iterator[str]:
        """The claims that do not hold as often as stated, and those that another seed may turn."""
        for verdict in self.verdicts:
            margin = verdict["margin"] or {}
            states = [*(["fails"] if not verdict["holds"] else []), *(["fragile"] if margin.get("fragile") else [])]
            if states:
                yield f"{' and '.join(states)}: {verdict['label'] or verdict['claim']}"

    @property
    def held(self) -> int:
        return sum(verdict["holds"] for verdict in self.verdicts)


def used(environment: dict[str, str]) -> str:
    """The instruction set that PyTorch uses in this environment."""
    return subprocess.run(
        [sys.executable, "-c", "import torch; print(torch.backends.cpu.get_cpu_capability())"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()


def capabilities(asked: list[str] | None) -> list[str]:
    """The instruction sets to run under: those asked for, else all that the processor has. Exits if it lacks one.

    What it has is what PyTorch takes by itself, and less: asked for more, PyTorch says that it uses it and dies of it.
    """
    best = used({name: value for name, value in os.environ.items() if name != "ATEN_CPU_CAPABILITY"}).lower()
    there = CAPABILITIES[: CAPABILITIES.index(best) + 1] if best in CAPABILITIES else ("default",)
    if lacking := set(asked or ()).difference(there):
        sys.exit(f"this processor has no {', '.join(sorted(lacking))}: PyTorch uses {best}")
    return [name for name in there if name in (asked or there)]


def stand(spec: Path, capability: str, seeds: int, keep: Path) -> Stand:
    """Run one spec with several seeds; one that trains nothing is run once."""
    trains = re.search(r"^train \w", spec.read_text(encoding="utf-8"), re.MULTILINE) is not None
    out = keep / capability
    done = subprocess.run(
        [sys.executable, "-m", "hmmdsl", "run", str(spec), "--json", "--quiet", "--out", str(out / "runs")]
        + (["--seeds", str(seeds)] if trains else []),
        env={**os.environ, "ATEN_CPU_CAPABILITY": capability, "HMMDSL_STORE": str(out / "store")},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode not in (0, 1):
        sys.exit(f"{spec}: exit code {done.returncode}")
    return Stand(spec.stem, capability, seeds if trains else 1, tuple(json.loads(done.stdout)["claims"]))


def row(spec: Path, stands: list[Stand]) -> str:
    """A row of the table."""
    margins = []
    for each in stands:
        for verdict in each.verdicts:
            margin = verdict["margin"] or {}
            if margin.get("value") is not None and margin.get("spread"):
                margins.append((abs(margin["value"]) / margin["spread"], verdict["label"] or f"`{verdict['claim']}`"))
    least = min(margins, default=None)
    held = {f"{each.held} of {len(each.verdicts)}" for each in stands}
    told = " / ".join(f"{each.held} of {len(each.verdicts)}" for each in stands) if len(held) > 1 else held.pop()
    return "| {} | {} | {} | {} | {} |".format(
        f"[`{spec.stem}`](../{spec.relative_to(HOUSE).as_posix()})",
        stands[0].seeds if stands[0].seeds > 1 else "–",
        ", ".join(each.capability for each in stands),
        told,
        "no number that a seed changes" if least is None else f"{number_text(least[0], 2)} ({least[1]})",
    )


def write(rows: dict[str, str]) -> None:
    """Put rows, told by their first cell, into the page's table; others stay."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    table, _, after = rest.partition(END)
    old = {line.split("|")[1].strip(): line for line in table.splitlines() if line.startswith("| [")}
    new = {**old, **{line.split("|")[1].strip(): line for line in rows.values()}}
    order = {f"`{spec.stem}`": place for place, spec in enumerate(specs())}
    lines = sorted(new.items(), key=lambda item: order[item[0].partition("]")[0].strip("[")])
    PAGE.write_text(f"{before}{BEGIN}\n{HEAD}\n" + "\n".join(line for _, line in lines) + f"\n{END}{after}", encoding="utf-8")


def specs() -> list[Path]:
    """Every published spec."""
    return sorted((HOUSE / "specs").glob("*.hmm")) + sorted((HOUSE / "specs" / "papers").glob("*.hmm"))


def main(arguments: argparse.Namespace) -> int:
    """Run every spec under every instruction set; tell each row as it is known."""
    named = {Path(name).stem for name in arguments.spec}
    chosen = [spec for spec in specs() if not named or spec.stem in named]
    if named - {spec.stem for spec in chosen}:
        sys.exit(f"no such spec: {', '.join(sorted(named - {spec.stem for spec in chosen}))}")
    failing = 0
    rows: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as temporary:
        keep = Path(arguments.keep or temporary)
        sets = capabilities(arguments.capabilities)
        for spec in chosen:
            stands = [stand(spec, capability, arguments.seeds, keep) for capability in sets]
            rows[spec.stem] = row(spec, stands)
            print(rows[spec.stem], flush=True)
            for each in stands:
                for line in each.failing():
                    failing += 1
                    print(f"    {each.capability}: {line}", flush=True)
            if arguments.write:
                write(rows)
    return 1 if failing else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("spec", nargs="*", help="names of specs; all if none is given")
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--capabilities", nargs="+", choices=CAPABILITIES, help="all that the processor has if not given")
    parser.add_argument("--keep", help="a folder for stores and runs")
    parser.add_argument("--write", action="store_true", help="put the rows into docs/specs.md")
    sys.exit(main(parser.parse_args()))
