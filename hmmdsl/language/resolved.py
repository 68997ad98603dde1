"""An experiment that is resolved already, as it is read from `experiment.yaml`: what its schemas cannot know is checked here."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from hmmdsl.language.claims.judging import ResolvedClaim
from hmmdsl.language.claims.resolution import resolve_claim
from hmmdsl.language.claims.result_paths import Results
from hmmdsl.language.compiled import Compiled, param_value
from hmmdsl.language.diagnostics import Diagnostics
from hmmdsl.language.messages.hints import suggestion
from hmmdsl.language.parser import parse_expression
from hmmdsl.language.records.checks import check_analysis, check_records, nowhere
from hmmdsl.language.records.starts import check_chains
from hmmdsl.language.replication import check_often, check_replicate, replicate_of
from hmmdsl.language.source import Source, Span
from hmmdsl.language.sweeps.limits import MAX_POINTS
from hmmdsl.language.sweeps.resolved import compile_sweeps
from hmmdsl.language.values.budget import count_records, within_theory
from hmmdsl.process.process import Process
from hmmdsl.schema.analysis import Analysis, AnalysisKinds, Surroundings
from hmmdsl.schema.experiment import Experiment
from hmmdsl.schema.fields import Either, FieldType, Refers, article, fields_of
from hmmdsl.schema.results import TRAIN_RESULTS, Group, ResultSchema
from hmmdsl.schema.train import Train


@within_theory
def compile_experiment(
    experiment: Experiment, kinds: AnalysisKinds, max_points: int = MAX_POINTS, seeds: tuple[int, ...] | None = None
) -> Compiled:
    """Compile an experiment, with other `seeds` if some are given. Raises SpecError with every mistake: references, what does not
    fit, claims."""
    if seeds is not None:
        experiment = experiment.model_copy(update={"replicate": replicate_of(seeds)})
    diagnostics = Diagnostics()
    records = len(experiment.models) + len(experiment.trains) + len(experiment.analyses) + len(experiment.sweeps)
    if count_records([None] * records, diagnostics):
        check_chains(experiment.trains, nowhere, diagnostics)
    diagnostics.raise_if_errors()
    names = _names(experiment, diagnostics)
    processes = _processes(experiment, diagnostics)
    trains: dict[str, Train] = {}
    analyses: dict[str, Analysis] = {}
    schemas: dict[str, ResultSchema] = {}
    for name, train in experiment.trains.items():
        right = _references(name, {"process": train.process}, names, diagnostics)
        right = all(_references(name, {"model": model}, names, diagnostics) for model in train.models()) and right
        if train.start_from is not None:
            right = _references(name, {"train": train.start_from}, names, diagnostics) and right
        if right and train.process in processes:
            trains[name] = train
    for name, analysis in experiment.analyses.items():
        around = Surroundings(processes, experiment.models, trains, analyses)
        if not _sound(name, analysis, around, names, diagnostics):
            continue
        found = check_analysis(name, analysis, around, nowhere, diagnostics)
        if found is not None:
            analyses[name], schemas[name] = analysis, found
    around = Surroundings(processes, experiment.models, trains, analyses)
    check_records(around, nowhere, diagnostics)
    sweeps = compile_sweeps(experiment, processes, diagnostics, max_points) if not diagnostics.errors else {}
    schema = Group({**dict.fromkeys(trains, TRAIN_RESULTS), **schemas, **{each: s.schema for each, s in sweeps.items()}})
    declared = (*experiment.trains, *experiment.analyses, *experiment.sweeps)
    unknown = [name for name in declared if name not in schema.members]
    axes = {name: sweep.axes for name, sweep in sweeps.items()}
    behind = {name: around.trains_behind(name) for name in (*trains, *analyses)}
    claims = _claims(experiment, Results(schema, unknown, names, axes, behind, around.draws), diagnostics)
    if experiment.replicate is not None and not diagnostics.errors:
        check_replicate(experiment.replicate, experiment, sweeps, max_points, None, diagnostics)
    diagnostics.raise_if_errors()
    return Compiled(experiment, processes, claims, diagnostics.warnings, (), processes, sweeps)


def _names(experiment: Experiment, diagnostics: Diagnostics) -> dict[str, str]:
    """All names of an experiment with their sorts; models, trains, analyses and params share one space."""
    names: dict[str, str] = dict.fromkeys(experiment.processes, "process")
    for sort, declared in (
        ("param", experiment.params),
        ("model", experiment.models),
        ("train", experiment.trains),
        ("analysis", experiment.analyses),
        ("sweep", experiment.sweeps),
    ):
        for name in declared:
            if names.get(name, "process") != "process":
                diagnostics.add(
                    "E0202", f"`{name}` is declared twice: as {names[name]} and as {sort}", None, help="choose another name"
                )
            names[name] = sort
    return names


def _processes(experiment: Experiment, diagnostics: Diagnostics) -> dict[str, Process]:
    found: dict[str, Process] = {}
    for name, table in experiment.processes.items():
        try:
            found[name] = table.process()
        except ValueError as error:
            diagnostics.add(
                "E0543", f"the process `{name}` is none: {error}", None, help="mend its table, or run the spec itself"
            )
    return found


def _references(name: str, wanted: Mapping[str, str], names: Mapping[str, str], diagnostics: Diagnostics) -> bool:
    """Whether a record's references lead to declarations of their sorts (E0510, E0511)."""
    right = True
    for sort, target in wanted.items():
        if target not in names:
            known: Collection[str] = [each for each, other in names.items() if other == sort]
            cure = suggestion(target, list(known), "there is")
            diagnostics.add(
                "E0510", f"{name}: there is no {sort} `{target}`", None, help=cure or f"declare {article(sort)} {sort}"
            )
            right = False
        elif names[target] != sort:
            message = f"{name}: `{target}` is {article(names[target])} {names[target]}, and here {article(sort)} {sort} is wanted"
            diagnostics.add("E0511", message, None, help=f"name {article(sort)} {sort}")
            right = False
    return right


def _sound(name: str, analysis: Analysis, around: Surroundings, names: Mapping[str, str], diagnostics: Diagnostics) -> bool:
    wanted: dict[str, str] = {}
    for field in fields_of(type(analysis)).values():
        sort, value = _refers(field.type), getattr(analysis, field.name)
        if sort is not None and isinstance(value, str):
            wanted["analysis" if sort == "result" else sort] = (
                value.partition(".")[0].partition("[")[0] if sort == "result" else value
            )
    if not _references(name, wanted, names, diagnostics):
        return False
    if wanted.get("process") is not None and wanted["process"] not in around.processes:
        return False  # its table is wrong, as was said
    late = [need for need in analysis.needs() if names.get(need) == "analysis" and need not in around.analyses]
    return not late and all(need in around.trains or need in around.analyses for need in analysis.needs())


def _refers(kind: FieldType) -> str | None:
    if isinstance(kind, Refers):
        return kind.to
    if isinstance(kind, Either):
        return next((choice.to for choice in kind.choices if isinstance(choice, Refers)), None)
    return None


def _claims(experiment: Experiment, results: Results, diagnostics: Diagnostics) -> tuple[ResolvedClaim, ...]:
    params = {name: param_value(value) for name, value in experiment.params.items()}
    claims = []
    for at, claim in enumerate(experiment.expect):
        expression = parse_expression(Source(f"expect[{at}]", claim.claim), diagnostics)
        if expression is None:
            continue
        resolved = resolve_claim(expression, results, params, diagnostics, claim.label)
        if resolved is not None:
            claims.append(replace(resolved, often=claim.often))
            place = Span(Source(f"expect[{at}]", claim.claim), 0, len(claim.claim))
            check_often(claims[-1], experiment.replicate, place, diagnostics)
    return tuple(claims)
