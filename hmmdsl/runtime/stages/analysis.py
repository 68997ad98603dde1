"""The analysis stage: results and facts as plain data, arrays as a file of the entry."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from hmmdsl.analysis.kind import Kind
from hmmdsl.files.writing import write_whole
from hmmdsl.runtime.results_file import plain

if TYPE_CHECKING:
    from hmmdsl.analysis.outcome import Outcome
    from hmmdsl.runtime.stages.shelf import Shelf
    from hmmdsl.runtime.stages.task import Task
    from hmmdsl.runtime.store.entry import Entry

ARRAYS = "arrays.safetensors"


def make(task: Task, folder: Path, shelf: Shelf) -> dict[str, Any]:
    """Compute the analysis."""
    name = task.stage.name
    analysis = task.experiment.analyses[name]
    assert isinstance(analysis, Kind)
    outcome = analysis.compute(shelf.inputs(task, name))
    if outcome.arrays:
        import numpy as np
        from safetensors.numpy import save

        data = save({key: np.ascontiguousarray(array) for key, array in outcome.arrays.items()})
        write_whole(folder / ARRAYS, data, durable=False)
    return {"results": plain(outcome.results), "facts": plain(outcome.facts), "arrays": list(outcome.arrays)}


def load(entry: Entry) -> Outcome:
    """The outcome of an entry, its arrays in their order."""
    from hmmdsl.analysis.outcome import Outcome

    arrays: dict[str, Any] = {}
    if entry.result["arrays"]:
        from safetensors.numpy import load_file

        found = load_file(entry.folder / ARRAYS)
        arrays = {name: found[name] for name in entry.result["arrays"]}
    return Outcome(entry.result["results"], arrays, entry.result["facts"])
