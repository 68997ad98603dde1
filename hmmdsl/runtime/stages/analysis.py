"""The analysis stage: results and facts as plain data, arrays as a file of the entry."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from hmmdsl.analysis.kind import Kind
from hmmdsl.analysis.outcome import Outcome
from hmmdsl.analysis.work import Reads
from hmmdsl.files.writing import link_file, write_whole
from hmmdsl.runtime.estimate import nodes_read
from hmmdsl.runtime.identity.contents import nameless, references
from hmmdsl.runtime.results_file import plain
from hmmdsl.runtime.stage import (
    LIBRARIES,
    STAGE_SECONDS,
    Drawing,
    Estimate,
    Found,
    RunContext,
    StageId,
    StageKind,
    Task,
    plain_record,
)
from hmmdsl.schema.analysis import Surroundings

if TYPE_CHECKING:
    from hmmdsl.analysis.outcome import Outcome
    from hmmdsl.runtime.stage import Cache
    from hmmdsl.runtime.store.entry import Entry
    from hmmdsl.schema.analysis import Analysis
    from hmmdsl.schema.experiment import Experiment

ARRAYS = "arrays.safetensors"


class AnalysisStage(StageKind):
    """Each analysis."""

    name = "analysis"
    order = 3
    packages = ("numpy", "scipy", "scikit-learn", "torch")
    room = "analyses"

    def plan(self, drawing: Drawing) -> None:
        experiment = drawing.experiment
        for name, analysis in experiment.analyses.items():
            content = {"record": nameless(analysis, drawing.resolve)}
            needs = [
                *(StageId.of("train", to) if to in experiment.trains else StageId(self, to) for to in analysis.needs()),
                *(StageId.of("process", to) for sort, to in references(analysis) if sort == "process"),
            ]
            record = type(analysis).__module__
            roots = (record, f"{record.rpartition('.')[0]}.compute", "hmmdsl.training.trained")
            there = [need for need in needs if need in drawing.stages]
            drawing.add(StageId(self, name), there, content, roots)

    def pictured(self, experiment: Experiment, name: str) -> tuple[dict[str, Any], tuple[str, ...]]:
        analysis = experiment.analyses[name]
        record = type(analysis).__module__
        processes = {name: table.name for name, table in experiment.processes.items()}
        return {"record": plain_record(analysis), "processes": processes}, (record, f"{record.rpartition('.')[0]}.figures")

    def estimate(self, task: Task) -> Estimate:
        experiment, processes = task.experiment, task.processes()
        if not experiment.trains:
            return Estimate(STAGE_SECONDS, LIBRARIES)
        train = next(iter(experiment.trains.values()))
        model = experiment.models[train.model]
        analysis = experiment.analyses[task.stage.name]
        assert isinstance(analysis, Kind)
        around = Surroundings(processes, experiment.models, experiment.trains, experiment.analyses)
        source = _source(analysis, around)
        on = getattr(source, "on", None)
        process = processes[train.process if on is None else on]
        nodes, drawn = nodes_read(process, model, getattr(source, "histories", train.histories))
        memory = LIBRARIES + nodes * sum(model.points().values()) * (4 + 2 * 8)
        return Estimate(STAGE_SECONDS + analysis.seconds(Reads(process, model, train, nodes, drawn), around), memory)

    def make(self, task: Task, folder: Path, context: RunContext) -> dict[str, Any]:
        name = task.stage.name
        analysis = task.experiment.analyses[name]
        assert isinstance(analysis, Kind)
        outcome = analysis.compute(context.cache.inputs(task, name))
        if outcome.arrays:
            import numpy as np
            from safetensors.numpy import save

            data = save({key: np.ascontiguousarray(array) for key, array in outcome.arrays.items()})
            write_whole(folder / ARRAYS, data, durable=False)
        return {"results": plain(outcome.results), "facts": plain(outcome.facts), "arrays": list(outcome.arrays)}

    def load(self, task: Task, name: str, entry: Entry) -> Outcome:
        """The outcome of an entry, its arrays in their order."""
        arrays: dict[str, Any] = {}
        if entry.result["arrays"]:
            from safetensors.numpy import load_file

            found = load_file(entry.folder / ARRAYS)
            arrays = {name: found[name] for name in entry.result["arrays"]}
        return Outcome(entry.result["results"], arrays, entry.result["facts"])

    def shown(self, task: Task, name: str, cache: Cache) -> dict[str, Any]:
        experiment = task.experiment
        alone = experiment.model_copy(update={"analyses": {name: experiment.analyses[name]}})
        return {"experiment": alone, "outcomes": {name: cache.outcome(task, name)}}

    def collect(self, found: Found, task: Task, entry: Entry) -> None:
        found.results[task.stage.name] = entry.result["results"]
        found.facts[task.stage.name] = entry.result["facts"]

    def publish(self, name: str, made: Path, folder: Path) -> None:
        """Arrays are the store's own file, as checkpoints are."""
        if (made / ARRAYS).is_file():
            (folder / "arrays").mkdir(exist_ok=True)
            link_file(made / ARRAYS, folder / "arrays" / f"{name}.safetensors")


def _source(analysis: Analysis, around: Surroundings) -> Analysis:
    """The analysis that says which histories are read: itself, or the one that it reads."""
    while not hasattr(analysis, "histories"):
        behind = [around.analyses[name] for name in analysis.needs() if name in around.analyses]
        if not behind:
            return analysis
        analysis = behind[0]
    return analysis


KIND = AnalysisStage()
