"""`hmmdsl run`: train, analyse, judge, report."""

from __future__ import annotations

import sys
from pathlib import Path

import typer

from hmmdsl.cli.group import report
from hmmdsl.cli.options import (
    AddressOption,
    DeviceOption,
    EngineOption,
    EngineOptions,
    ForceOption,
    FuseOption,
    JsonOption,
    LargeOption,
    NoStoreOption,
    OutOption,
    PointsOption,
    ProfileOption,
    QuietOption,
    SeedsOption,
    SetOption,
    SpecArgument,
    StoreOption,
    TrackOption,
    WorkersOption,
    asked_seeds,
    engine_choice,
    print_json,
    settings_of,
)
from hmmdsl.cli.progress import progress_on
from hmmdsl.cli.summary import print_run, run_as_json
from hmmdsl.exchange.tracking.record import record_of
from hmmdsl.exchange.tracking.targets import targets, track
from hmmdsl.files.door import say
from hmmdsl.language.sweeps.limits import MAX_POINTS
from hmmdsl.runtime.asked import Asked, fusion_of
from hmmdsl.runtime.failures import ExitCode

command = typer.Typer(rich_markup_mode=None, add_completion=False)


@command.command(epilog="Examples: hmmdsl run specs/rrxor.hmm --set fit.seed=1; hmmdsl run specs/rrxor.hmm --seeds 8")
def run(
    file: SpecArgument,
    settings: SetOption = None,
    profile: ProfileOption = None,
    seeds: SeedsOption = None,
    out: OutOption = Path("runs"),
    device: DeviceOption = None,
    store: StoreOption = None,
    no_store: NoStoreOption = False,
    force: ForceOption = False,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
    max_points: PointsOption = MAX_POINTS,
    tracks: TrackOption = None,
    engine: EngineOption = "local",
    workers: WorkersOption = None,
    address: AddressOption = None,
    engine_options: EngineOptions = None,
    fuse: FuseOption = None,
    large: LargeOption = False,
) -> None:
    """Train, analyse, judge the claims, and write the report into a folder of its own; what is in the store is not computed
    again.

    Ctrl-C while it trains finishes the step and says where it stopped. The same command goes on from there, also after a crash,
    and ends with the same numbers to the bit.
    """
    from hmmdsl.exchange.reading import read
    from hmmdsl.runtime.lock import compare_lock
    from hmmdsl.runtime.run import on_device
    from hmmdsl.runtime.run import run as run_compiled
    from hmmdsl.runtime.store.opening import open_store

    tracked = targets(tracks or ())
    chosen = settings_of(settings)
    compiled = read(file, chosen, profile, max_points, asked_seeds(seeds))
    report(compiled.diagnostics)
    locked = compare_lock(file, compiled)
    if device is not None:
        compiled = on_device(compiled, device)
    where = engine_choice(engine, workers, address, engine_options)
    kept = None if no_store else open_store(store)
    said = {**chosen, **({"profile": profile} if profile else {})}
    asked = Asked(kept, force, where, fusion_of(fuse), large, said)
    finished = run_compiled(compiled, out, progress_on(sys.stderr, quiet), asked, locked)
    if as_json:
        print_json(run_as_json(finished))
    else:
        print_run(finished, compiled, quiet)
    if tracked:
        record = record_of(finished, compiled.experiment)
        for target in tracked:
            say(f"tracked: {track(record, target)}", file=sys.stderr)
    raise typer.Exit(ExitCode.GOOD if finished.holds else ExitCode.CLAIM_FAILED)
