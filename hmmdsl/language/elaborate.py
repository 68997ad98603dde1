"""The language's entry: from a spec's text to a validated experiment, with every mistake reported in one pass."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import chain
from pathlib import Path

from hmmdsl.language import syntax
from hmmdsl.language.claims.judging import ResolvedClaim
from hmmdsl.language.claims.resolution import resolve_claim
from hmmdsl.language.claims.result_paths import Results
from hmmdsl.language.compiled import Compiled, plain_param
from hmmdsl.language.diagnostics import Diagnostics, SpecError
from hmmdsl.language.modules.declarations import check_all, declare
from hmmdsl.language.modules.imports import Modules
from hmmdsl.language.modules.names import Names, collect
from hmmdsl.language.parser import parse
from hmmdsl.language.reading import read_source
from hmmdsl.language.records.checks import check_records
from hmmdsl.language.records.compilation import Compilation
from hmmdsl.language.records.profiles import Profile, read_profiles
from hmmdsl.language.records.settings import Overrides, read_settings, sort_out
from hmmdsl.language.replication import check_often, check_replicate, replicate_of
from hmmdsl.language.resolved import compile_experiment
from hmmdsl.language.source import Source
from hmmdsl.language.sweeps.compiled import CompiledSweep
from hmmdsl.language.sweeps.elaboration import Sweeps, sweep_of
from hmmdsl.language.sweeps.limits import MAX_POINTS
from hmmdsl.language.values.budget import Budget, within_theory
from hmmdsl.language.values.evaluation import evaluate
from hmmdsl.language.values.failure import ConstantError
from hmmdsl.language.values.scope import Scope, Template
from hmmdsl.language.values.value import Value
from hmmdsl.process.process import Process
from hmmdsl.schema.analysis import AnalysisKinds
from hmmdsl.schema.declarations import RecordSort, record_sorts
from hmmdsl.schema.experiment import LONGEST_NAME, Claim, Experiment
from hmmdsl.schema.process import ProcessTable
from hmmdsl.schema.results import TRAIN_RESULTS, Group

__all__ = ["Compiled", "compile_experiment", "compile_file", "compile_text"]


def compile_file(
    path: Path,
    kinds: AnalysisKinds,
    *,
    settings: Mapping[str, str] | None = None,
    profile: str | None = None,
    max_points: int = MAX_POINTS,
    seeds: tuple[int, ...] | None = None,
) -> Compiled:
    """Compile a spec's file. `settings` are `--set` pairs, `profile` a profile's name, `seeds` those of `--seeds`, in the
    place of the file's own. Raises SpecError with every message."""
    diagnostics = Diagnostics()
    source = read_source(path, str(path), diagnostics)
    if source is None:
        raise SpecError(diagnostics.found)
    return _compile(source, path.stem, kinds, path, path.parent, settings or {}, profile, diagnostics, max_points, seeds)


def compile_text(
    text: str,
    name: str,
    kinds: AnalysisKinds,
    *,
    folder: Path | None = None,
    settings: Mapping[str, str] | None = None,
    profile: str | None = None,
    max_points: int = MAX_POINTS,
    seeds: tuple[int, ...] | None = None,
) -> Compiled:
    """Compile a spec's text, which messages call `name`; its imports are relative to `folder`. Raises SpecError."""
    source = Source(name, text)
    return _compile(source, Path(name).stem, kinds, None, folder, settings or {}, profile, Diagnostics(), max_points, seeds)


@within_theory
def _compile(
    source: Source,
    name: str,
    kinds: AnalysisKinds,
    path: Path | None,
    folder: Path | None,
    settings: Mapping[str, str],
    profile: str | None,
    diagnostics: Diagnostics,
    max_points: int,
    seeds: tuple[int, ...] | None,
) -> Compiled:
    file = parse(source, diagnostics)
    sorts = record_sorts(kinds)
    names = collect(file, sorts, diagnostics)
    budget = Budget()
    modules = Modules(folder, diagnostics, budget, main=path)
    profiles = read_profiles(file, diagnostics)
    given = [*profiles.chosen(profile, diagnostics), *read_settings(settings, diagnostics)]
    overrides = sort_out(given, names, (*sorts, "sweep"), diagnostics)
    params = _param_overrides(overrides, budget, diagnostics)
    scope = declare(file, modules.load, budget, diagnostics, params, path=path)
    check_all(scope, budget)
    compilation = Compilation(file, sorts, names, scope, budget, overrides, diagnostics)
    compilation.read_all()
    check_records(compilation.surroundings(), compilation.place_of, diagnostics)
    for other in profiles.others(profile):
        _check_profile(other, compilation, names, sorts, diagnostics)
    used = dict(compilation.meanings.used)
    sweeps = Sweeps(file, compilation, scope, params, diagnostics, max_points)
    if seeds is not None:
        compilation.records.replicate = replicate_of(seeds)
    experiment = _experiment(name, compilation) if not diagnostics.errors else None
    swept = sweeps.compiled(experiment) if experiment is not None else {}
    if not diagnostics.errors:
        _check_models(compilation, swept.values(), diagnostics)
    claims = _claims(file, compilation, names, swept, diagnostics)
    if experiment is not None and experiment.replicate is not None:
        place = compilation.places.get("replicate") if seeds is None else None
        check_replicate(experiment.replicate, experiment, swept, max_points, place, diagnostics)
    diagnostics.raise_if_errors()
    assert experiment is not None, "what could not be made was reported"
    experiment = experiment.model_copy(
        update={
            "sweeps": {each: sweep_of(sweep, experiment) for each, sweep in swept.items()},
            "expect": tuple(Claim(label=claim.label, claim=claim.text, often=claim.often) for claim in claims),
        }
    )
    declared = _declared(names, scope, budget)
    return Compiled(experiment, used, tuple(claims), diagnostics.warnings, (source, *modules.sources), declared, swept)


def _experiment(name: str, compilation: Compilation) -> Experiment:
    """The experiment without its sweeps and claims."""
    records = compilation.records
    return Experiment(
        name=_file_stem(name),
        about=records.about,
        params={each: plain_param(value) for each, value in compilation.meanings.params().items()},
        processes={each: ProcessTable.of(process) for each, process in compilation.meanings.used.items()},
        models=records.models,
        trains=records.trains,
        analyses=records.analyses,
        replicate=records.replicate,
    )


def _file_stem(name: str) -> str:
    """A name that a run's folder can have: that of the spec, without what no file name can hold."""
    return "".join(c for c in name if c.isprintable() and c not in "/\\").lstrip(".")[: 2 * LONGEST_NAME] or "spec"


def _param_overrides(overrides: Overrides, budget: Budget, diagnostics: Diagnostics) -> dict[str, Value]:
    """The values that profile and settings give to params: constants without names."""
    values: dict[str, Value] = {}
    for name, assignment in overrides.params.items():
        try:
            values[name] = evaluate(assignment.value, Scope(), budget)
        except ConstantError as error:
            error.report(diagnostics)
    return values


def _check_profile(
    profile: Profile, compilation: Compilation, names: Names, sorts: Mapping[str, RecordSort], diagnostics: Diagnostics
) -> None:
    """Report the mistakes of a profile that this run does not use."""
    found = Diagnostics(limit=None)
    overrides = sort_out(profile.given, names, (*sorts, "sweep"), found)
    _param_overrides(overrides, Budget(), found)
    compilation.try_overrides(overrides, found)
    places = [(assignment.span.start, assignment.value.span.end) for assignment in profile.given]
    for diagnostic in found.errors:
        span = diagnostic.span
        inside = span is not None and any(start <= span.start and span.end <= end for start, end in places)
        if inside:
            diagnostics.take(diagnostic)


def _check_models(compilation: Compilation, sweeps: Iterable[CompiledSweep], diagnostics: Diagnostics) -> None:
    """Networks that neither the file's own trains nor those of a sweep's points use are worth a warning."""
    swept = (train for sweep in sweeps for point in sweep.points for train in point.experiment.trains.values())
    trained = {name for train in chain(compilation.records.trains.values(), swept) for name in train.models()}
    for name in compilation.records.models:
        if name not in trained:
            diagnostics.add(
                "W0954",
                f"no train uses the model `{name}`",
                compilation.places.get(name),
                label="never trained",
                help=f"write `model = {name}` in a `train`, or leave it out",
            )


def _claims(
    file: syntax.File,
    compilation: Compilation,
    names: Names,
    sweeps: Mapping[str, CompiledSweep],
    diagnostics: Diagnostics,
) -> list[ResolvedClaim]:
    """The file's claims, resolved against the results that its trains and analyses will have."""
    records = compilation.records
    sound = {name: TRAIN_RESULTS for name in records.trains if name not in records.unsound}
    schema = Group({**sound, **records.schemas, **{name: sweep.schema for name, sweep in sweeps.items()}})
    unknown = [name for name in (*names.of_sort("train", "analysis", "sweep"), *names.lost) if name not in schema.members]
    around = compilation.surroundings()
    behind = {name: around.trains_behind(name) for name in (*around.trains, *around.analyses)}
    axes = {name: sweep.axes for name, sweep in sweeps.items()}
    results = Results(schema, unknown, names.sorts(), axes, behind, around.draws)
    params, failed = compilation.meanings.params(), compilation.meanings.failed_params()
    claims = []
    for statement in file.statements:
        if not isinstance(statement, syntax.Expect):
            continue
        if statement.record is not None:
            diagnostics.add(
                "E0714", "a claim has no fields", statement.record.span, help='write the label before it: `expect "label": …`'
            )
        label = statement.label.value if statement.label is not None else ""
        claim = resolve_claim(statement.claim, results, params, diagnostics, label, failed)
        if claim is not None and statement.often:
            holds, of = statement.often
            claim = replace(claim, often=(int(holds.value), int(of.value)))
            check_often(claim, records.replicate, holds.span.to(of.span), diagnostics)
        if claim is not None:
            claims.append(claim)
    return claims


def _declared(names: Names, scope: Scope, budget: Budget) -> dict[str, Process]:
    """The file's own processes by name, those with parameters at their defaults."""
    found: dict[str, Process] = {}
    for name in names.of_sort("process", "import"):
        bound = scope.lookup(name)
        if isinstance(bound, Template) and all(p.default is not None for p in bound.parameters or ()):
            try:
                bound = bound.instantiate({}, names.declared[name].span, budget)
            except ConstantError:
                continue
        if isinstance(bound, Process):
            found[name] = bound
    return found
