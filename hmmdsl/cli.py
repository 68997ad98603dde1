"""The commands. Each parses its options, calls the house, prints; heavy imports stand inside, so that `check` stays quick."""

from __future__ import annotations

import gc
import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from hmmdsl.files.streams import fill_standard_streams
from hmmdsl.language.sweeps.limits import MAX_POINTS
from hmmdsl.runtime.asked_seeds import SeedsOption, asked_seeds
from hmmdsl.runtime.command_group import Commands, end_of, report
from hmmdsl.runtime.comparing.command import compare
from hmmdsl.runtime.engines.options import AddressOption, EngineOption, EngineOptions, WorkersOption, engine_choice
from hmmdsl.runtime.failures import ExitCode, OutputError
from hmmdsl.runtime.packing.commands import pack_commands
from hmmdsl.runtime.store.commands import store_commands
from hmmdsl.version import __version__

app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    help="A declarative language for experiments on what sequence models learn.",
    epilog="Exit codes: 0 good, 1 an expectation failed, 2 the spec is wrong, 3 the run failed, 130 interrupted.",
)

app.add_typer(store_commands, name="store")
app.add_typer(pack_commands)

SpecArgument = Annotated[Path, typer.Argument(metavar="FILE", help="a .hmm spec, a run's experiment.yaml, or a pack")]
ProcessArgument = Annotated[
    str, typer.Argument(metavar="FILE|std.processes.NAME", help="a spec, a process of the library, or a call")
]
NameArgument = Annotated[str | None, typer.Argument(metavar="NAME", help="one process of the file")]
SpecsArgument = Annotated[list[Path], typer.Argument(metavar="FILE...", help="specs")]
JsonOption = Annotated[bool, typer.Option("--json", help="print JSON, for programs")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="no progress; only the summary")]
OutOption = Annotated[Path, typer.Option("--out", metavar="DIR", help="folder of runs")]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="override a field or a param; repeatable")
]
ArgumentOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="an argument of the process, or a param; repeatable")
]
StoreOption = Annotated[
    str | None, typer.Option("--store", metavar="DIR|URL", help="where results are kept; else $HMMDSL_STORE or the cache folder")
]
NoStoreOption = Annotated[bool, typer.Option("--no-store", help="compute everything, keep nothing but the run folder")]
ForceOption = Annotated[bool, typer.Option("--force", "--recompute", help="compute everything again, and store that")]
TrackOption = Annotated[
    list[str] | None,
    typer.Option("--track", metavar="TOOL[:PLACE]", help="also to tensorboard[:DIR] or mlflow[:DIR|URI]; repeatable"),
]
ProfileOption = Annotated[str | None, typer.Option("--profile", metavar="P", help="apply a `profile` of the spec")]
PointsOption = Annotated[int, typer.Option("--max-points", metavar="N", min=1, help="points that one sweep may have")]
FuseOption = Annotated[
    bool | None,
    typer.Option("--fuse/--no-fuse", help="train a sweep's runs that are alike as one batch, or never; else where it pays"),
]
LargeOption = Annotated[bool, typer.Option("--allow-large", help="run what seems to need more memory or disk than there is")]
DeviceOption = Annotated[Literal["auto", "cpu", "cuda", "mps"] | None, typer.Option("--device", help="train on this device")]


def main() -> None:
    """The console script."""
    # A compiler makes many small objects and hardly a cycle: with the usual threshold a fifth of `check` goes into looking.
    gc.set_threshold(100_000, 20, 20)
    # Plugins of pydantic are for services that log every validation; looking for some among all installed packages takes .05 s.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    _build_only(sys.argv[1] if len(sys.argv) > 1 else "")
    fill_standard_streams()
    end_of(app)


def _build_only(name: str) -> None:
    """Leave the other commands away if one is asked for: Typer builds all of them before it runs one, which takes .03 s."""
    asked = [each for each in app.registered_commands if name in (each.name, getattr(each.callback, "__name__", "")) and name]
    if asked:
        app.registered_commands, app.registered_groups = asked, []


@app.callback(invoke_without_command=True)
def hmmdsl(version: Annotated[bool, typer.Option("--version", help="print the version")] = False) -> None:
    if version:
        print(f"hmmdsl {__version__}")
        raise typer.Exit


@app.command(epilog="Example: hmmdsl new golden && hmmdsl run golden.hmm")
def new(name: Annotated[str, typer.Argument(metavar="NAME", help="the file to write is NAME.hmm")]) -> None:
    """Write a commented starter spec that runs in seconds."""
    from hmmdsl.runtime.starter import write_starter

    path = write_starter(Path(name))
    print(f"wrote {path}; next: hmmdsl run {path}")


@app.command(epilog="Example: hmmdsl check specs/*.hmm")
def check(
    files: SpecsArgument, as_json: JsonOption = False, max_points: PointsOption = MAX_POINTS, seeds: SeedsOption = None
) -> None:
    """Report every mistake in specs, at its place, with a cure, before anything runs."""
    from hmmdsl.runtime.checking import check_file

    asked = asked_seeds(seeds)
    checked = [check_file(path, max_points, asked) for path in files]
    if as_json:
        _print_json([each.as_json() for each in checked])
    for each in checked if not as_json else ():
        report(each.diagnostics)
        if each.ok:
            print(each.line())
    raise typer.Exit(ExitCode.GOOD if all(each.ok for each in checked) else ExitCode.SPEC_WRONG)


@app.command(epilog="Examples: hmmdsl lock rrxor.hmm; hmmdsl lock rrxor.hmm --check")
def lock(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="a .hmm spec")],
    renew: Annotated[bool, typer.Option("--renew", help="lock the claims of today; the date of the lock before is kept")] = False,
    check_only: Annotated[bool, typer.Option("--check", help="write nothing; exit with 1 if the claims are others")] = False,
    as_json: JsonOption = False,
) -> None:
    """Lock the claims of a spec and their bounds before it is run: the day and the claims go into FILE.lock, and runs and reports
    say whether they still stand as they were."""
    from hmmdsl.runtime.lock import compare_lock, lock_place, write_lock
    from hmmdsl.runtime.reading import read

    if file.suffix != ".hmm":
        raise OutputError(f"{file} is no spec: lock the claims of a .hmm file")
    compiled = read(file)
    report(compiled.diagnostics)
    if not check_only:
        write_lock(file, compiled, renew)
    compared = compare_lock(file, compiled)
    if compared is None:
        raise OutputError(f"{file} has no lock: `hmmdsl lock {file}` writes one")
    if as_json:
        _print_json(compared.as_json())
    elif check_only:
        print("\n".join([f"{file}: {compared.line()}", *compared.told()]))
    else:
        print(f"{lock_place(file)}: {len(compiled.claims)} claims {compared.since()}; put it under version control")
    raise typer.Exit(ExitCode.GOOD if compared.same else ExitCode.CLAIM_FAILED)


@app.command(epilog="Example: hmmdsl fmt specs/*.hmm --check")
def fmt(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="specs; - reads stdin and writes stdout", allow_dash=True)
    ],
    check_only: Annotated[bool, typer.Option("--check", help="change nothing; exit with 1 if a file would change")] = False,
    diff: Annotated[bool, typer.Option("--diff", help="change nothing; print what would change")] = False,
) -> None:
    """Put specs into the one layout; comments and meaning stay."""
    from hmmdsl.runtime.formatting import format_path, format_stdin

    if files == [Path("-")]:
        if sys.stdin is None:
            raise OutputError("nothing can be read from stdin, which is closed: name a file, or give it one with `<`")
        sys.stdout.write(format_stdin(sys.stdin.buffer.read()))
        return
    formatted = [format_path(path) for path in files]  # all are read before any is written
    for each in formatted:
        report(each.diagnostics)
        if each.changed:
            if diff:
                sys.stdout.write(each.diff())
            if check_only or diff:
                print(f"{each.path} would change", file=sys.stderr)
            else:
                each.write()
                print(f"{each.path} changed", file=sys.stderr)
    if any(each.text is None for each in formatted):
        raise typer.Exit(ExitCode.SPEC_WRONG)
    raise typer.Exit(ExitCode.CLAIM_FAILED if check_only and any(each.changed for each in formatted) else ExitCode.GOOD)


@app.command(epilog="Examples: hmmdsl show std.processes rrxor even; hmmdsl show 'std.processes.mess3(x = 0.1)'")
def show(
    targets: Annotated[
        list[str],
        typer.Argument(metavar="FILE|std.processes[.NAME] [NAME]...", help="specs or the library, and processes of each"),
    ],
    phase: Annotated[Literal["tree", "experiment", "plan"] | None, typer.Option("--phase", help="print a phase instead")] = None,
    settings: ArgumentOption = None,
    profile: ProfileOption = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="draw the process into this folder")] = None,
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="write a page with everything")] = None,
    dot: Annotated[bool, typer.Option("--dot", help="print the plan as a Graphviz graph")] = False,
    effort: Annotated[float, typer.Option("--effort", metavar="N", min=0, help="take N times as long over a large process")] = 1,
    store: StoreOption = None,
    no_store: NoStoreOption = False,
    as_json: JsonOption = False,
    fuse: FuseOption = None,
    seeds: SeedsOption = None,
) -> None:
    """Tell what processes are, side by side if several are named, and draw them; or print a phase of the compiler."""
    if phase is not None:
        from hmmdsl.runtime.asked import fusion_of
        from hmmdsl.runtime.phases import phase_text

        form: Literal["text", "json", "dot"] = "json" if as_json else "dot" if dot else "text"
        fusion = fusion_of(fuse)
        given = _settings(settings), profile
        print(phase_text(Path(targets[0]), phase, *given, form, store, no_store, fusion, asked_seeds(seeds)))
        return
    from hmmdsl.runtime.portrait import draw, portraits, print_portraits, write_page

    found = portraits(targets, _settings(settings), profile, effort)
    if as_json:
        named = len(found) == 1 or len(targets) > 1  # the numbers of a whole library are enough
        _print_json(found[0].as_json(named) if len(found) == 1 else {each.name: each.as_json(named) for each in found})
    else:
        print_portraits(found, beside=len(targets) > 1)
    for path in draw(found, out) if out is not None else ():
        print(path, file=sys.stderr if as_json else sys.stdout)
    if html is not None:
        write_page(found, html)
        print(html, file=sys.stderr if as_json else sys.stdout)


@app.command(epilog="Examples: hmmdsl sample std.processes.rrxor --words 5; hmmdsl sample specs/mess3.hmm mess3 --out words.npz")
def sample(
    target: ProcessArgument,
    name: NameArgument = None,
    words: Annotated[int, typer.Option("--words", "-n", min=1, help="how many words")] = 10,
    length: Annotated[int, typer.Option("--length", "-l", min=1, help="tokens of each word")] = 20,
    seed: Annotated[int, typer.Option("--seed", min=0, help="the same seed gives the same words")] = 0,
    form: Annotated[
        Literal["txt", "npz", "parquet", "json"] | None, typer.Option("--format", help="as the file's name ends, else txt")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="write here, not to stdout")] = None,
    states: Annotated[bool, typer.Option("--states", help="the hidden states too, before each token and after the last")] = False,
    settings: ArgumentOption = None,
) -> None:
    """Draw words from a process, any number of them, in constant memory."""
    from hmmdsl.runtime.finding import find_process
    from hmmdsl.runtime.sample import Sample, sample_format, write_sample

    _, process = find_process(target, name, _settings(settings))
    write_sample(Sample(process, words, length, seed, states), sample_format(form, out), out)


@app.command(
    epilog="Examples: hmmdsl export std.processes.rrxor --format hmmlearn --out rrxor.npz; hmmdsl export runs/rrxor-… --to onnx"
)
def export(
    target: Annotated[
        str, typer.Argument(metavar="FILE|std.processes.NAME|RUN", help="a spec, a process of the library, or a run folder")
    ],
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="one process of the file, or one train of the run")] = None,
    form: Annotated[
        Literal["json", "npz", "dot", "hmmlearn"] | None, typer.Option("--format", help="as the file's name ends, else json")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="write here, not to stdout")] = None,
    settings: ArgumentOption = None,
    to: Annotated[
        Literal["transformer_lens", "safetensors", "onnx"] | None, typer.Option("--to", help="a run's network, for these")
    ] = None,
    step: Annotated[int | None, typer.Option("--step", min=0, help="with --to: which checkpoint; the last if not given")] = None,
) -> None:
    """Write a process for other programs (labelled matrices, Graphviz dot, hmmlearn's parameters), or a run's network."""
    if to is not None:
        from hmmdsl.runtime.network_export.writing import export_network

        print(export_network(Path(target), name, to, step, out), end="")
        return
    from hmmdsl.runtime.exporting import export as export_process
    from hmmdsl.runtime.finding import find_process

    print(export_process(find_process(target, name, _settings(settings))[1], form, out) or "", end="")


@app.command(name="import", epilog="Example: hmmdsl import fitted.npz --out fitted.hmm")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="JSON or npz: labelled matrices, or hmmlearn's parameters")],
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="write here, not to stdout")] = None,
) -> None:
    """Make a spec of a process from another program."""
    from hmmdsl.runtime.importing import imported, write_spec

    text = imported(file)
    if out is None:
        print(text, end="")
    else:
        write_spec(text, out)


@app.command(epilog="Examples: hmmdsl run specs/rrxor.hmm --set fit.seed=1; hmmdsl run specs/rrxor.hmm --seeds 8")
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
    from hmmdsl.runtime.asked import Asked, fusion_of
    from hmmdsl.runtime.lock import compare_lock
    from hmmdsl.runtime.progress import progress_on
    from hmmdsl.runtime.reading import read
    from hmmdsl.runtime.run import on_device
    from hmmdsl.runtime.run import run as run_compiled
    from hmmdsl.runtime.store.opening import open_store
    from hmmdsl.runtime.summary import print_run, run_as_json
    from hmmdsl.runtime.tracking.targets import targets, track

    tracked = targets(tracks or ())
    chosen = _settings(settings)
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
        _print_json(run_as_json(finished))
    else:
        print_run(finished, compiled, quiet)
    if tracked:
        from hmmdsl.runtime.tracking.record import record_of

        record = record_of(finished, compiled.experiment)
        for target in tracked:
            print(f"tracked: {track(record, target)}", file=sys.stderr)
    raise typer.Exit(ExitCode.GOOD if finished.holds else ExitCode.CLAIM_FAILED)


@app.command(epilog="Examples: hmmdsl verify runs/rrxor-…; hmmdsl verify rrxor.hmmz --tolerance 0.01")
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
        from hmmdsl.runtime.packing.integrity import check_pack, integrity_as_json

        whole = check_pack(target)
        if as_json:
            _print_json(integrity_as_json(whole))
        else:
            print(f"{target} is whole: {len(whole.files)} files agree with their checksums")
        return
    from hmmdsl.runtime.progress import progress_on
    from hmmdsl.runtime.summary import print_verification, verification_as_json
    from hmmdsl.runtime.verify import compiled_for
    from hmmdsl.runtime.verify import verify as verify_compiled

    with compiled_for(target, out, asked_seeds(seeds)) as (compiled, earlier):
        report(compiled.diagnostics)
        found = verify_compiled(compiled, earlier, progress_on(sys.stderr, quiet), tolerance, absolute, large)
    if as_json:
        _print_json(verification_as_json(found))
    else:
        print_verification(found)
    raise typer.Exit(ExitCode.GOOD if found.holds else ExitCode.CLAIM_FAILED)


@app.command(epilog="Example: hmmdsl explain E0301")
def explain(
    code: Annotated[str | None, typer.Argument(metavar="CODE", help="a message's code; all are listed without one")] = None,
) -> None:
    """Explain a message, with a wrong and a right example."""
    from hmmdsl.runtime.manual import explanation_text

    print(explanation_text(code))


@app.command(name="help", epilog="Example: hmmdsl help transformer")
def help_(
    kind: Annotated[str | None, typer.Argument(metavar="KIND", help="a kind of record; all are listed without one")] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="print the whole reference as a page of Markdown")] = False,
) -> None:
    """Tell the fields of a record: types, defaults, meaning."""
    from hmmdsl.runtime.manual import kind_text, records_page

    print(records_page() if markdown else kind_text(kind), end="" if markdown else "\n")


app.command(epilog="Examples: hmmdsl compare runs/a-… runs/b-…; hmmdsl compare runs/a-…:capacity:0 runs/a-…:capacity:3")(compare)


def _settings(given: list[str] | None) -> dict[str, str]:
    settings: dict[str, str] = {}
    for text in given or []:
        name, equals, value = text.partition("=")
        if not equals or not name.strip() or not value.strip():
            raise OutputError(f"`--set {text}` is not NAME=VALUE: write it like `--set fit.steps=50`")
        settings[name.strip()] = value.strip()
    return settings


def _print_json(content: Any) -> None:
    print(json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False))
