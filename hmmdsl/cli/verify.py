"""`hmmdsl verify`: a run again, compared."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from hmmdsl.cli.group import report
from hmmdsl.cli.options import JsonOption, LargeOption, OutOption, QuietOption, SeedsOption, asked_seeds, print_json
from hmmdsl.cli.progress import progress_on
from hmmdsl.cli.summary import print_verification, verification_as_json
from hmmdsl.exchange.packing.limits import PackError
from hmmdsl.exchange.packing.manifest import Manifest
from hmmdsl.exchange.packing.reading import opened
from hmmdsl.files.door import say
from hmmdsl.runtime.failures import ExitCode

command = typer.Typer(rich_markup_mode=None, add_completion=False)


@command.command(epilog="Examples: hmmdsl verify runs/rrxor-…; hmmdsl verify rrxor.hmmz --tolerance 0.01")
def verify(
    target: Annotated[
        Path, typer.Argument(metavar="RUN|PACK|FILE", help="a run folder, a pack, or a spec (compared with its run, if any)")
    ],
    out: OutOption = Path("runs"),
    seeds: SeedsOption = None,
    tolerance: Annotated[
        float | None, typer.Option("--tolerance", "--relative", min=0, help="relative, of measured numbers, wherever this runs")
    ] = None,
    absolute: Annotated[float | None, typer.Option("--absolute", min=0, help="absolute tolerance of measured numbers")] = None,
    checksums_only: Annotated[bool, typer.Option("--checksums-only", help="of a pack: only whether it is whole")] = False,
    large: LargeOption = False,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Run it again; compare every claim and every number. Writes nothing.

    On the same versions, processor and threads numbers must be the same to the bit, and one that is not exits with 1, as a claim
    that fails does. Elsewhere numbers must be as close as seeds are, where the run tells how far these move them; others are
    compared to 1e-3, and only told, or to --tolerance, which then decides too.
    """
    if checksums_only:
        whole = check_pack(target)
        if as_json:
            print_json(integrity_as_json(whole))
        else:
            say(f"{target} is whole: {len(whole.files)} files agree with their checksums")
        return
    from hmmdsl.exchange.verify import compiled_for
    from hmmdsl.exchange.verify import verify as verify_compiled

    with compiled_for(target, out, asked_seeds(seeds)) as (compiled, earlier):
        report(compiled.diagnostics)
        found = verify_compiled(compiled, earlier, progress_on(sys.stderr, quiet), tolerance, absolute, large)
    if as_json:
        print_json(verification_as_json(found))
    else:
        print_verification(found)
    raise typer.Exit(ExitCode.GOOD if found.holds else ExitCode.CLAIM_FAILED)


def check_pack(path: Path) -> Manifest:
    """The manifest of a pack whose every file is what it says. Raises PackError with what is wrong."""
    if path.is_dir():
        raise PackError(f"{path} is a folder, and only packs have checksums: `hmmdsl pack {path}` makes one")
    with opened(path) as pack:
        pack.check()
        return pack.manifest


def integrity_as_json(manifest: Manifest) -> dict[str, Any]:
    """A whole pack for programs."""
    return {"whole": True, **manifest.model_dump(mode="json")}
