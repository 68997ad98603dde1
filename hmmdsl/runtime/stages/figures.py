"""The figures stage: the pictures of one analysis, train or process, with their captions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hmmdsl.report.figures import Drawing
    from hmmdsl.runtime.stages.shelf import Shelf
    from hmmdsl.runtime.stages.task import Task
    from hmmdsl.runtime.store.entry import Entry


def make(task: Task, folder: Path, shelf: Shelf) -> list[dict[str, Any]]:
    """Draw them into `folder/figures`."""
    from hmmdsl.report.figures import draw_figures
    from hmmdsl.report.finished import Finished
    from hmmdsl.runtime.stages.process import entropy_rate_bits

    kind, _, name = task.stage.needs[0].partition(" ")
    analysis, train, process = ((name,) if kind == each else () for each in ("analysis", "train", "process"))
    experiment = task.experiment
    finished = Finished(
        experiment=experiment.model_copy(update={"analyses": {each: experiment.analyses[each] for each in analysis}}),
        spec=None,
        results={},
        verdicts=(),
        trained={each: shelf.trained(task, each) for each in train},
        outcomes={each: shelf.outcome(task, each) for each in analysis},
        processes={each: task.processes()[each] for each in process},
        environment={},
        seconds={},
        entropy_rates={each: entropy_rate_bits(shelf.entry(task.hashes[f"process {each}"])) for each in process},
    )
    drawings = draw_figures(finished, {each: shelf.inputs(task, each) for each in analysis}, folder)
    return [
        {
            "name": drawing.name,
            "kind": drawing.kind,
            "owner": drawing.owner,
            "figure": drawing.figure,
            "caption": drawing.caption,
            "alt": drawing.alt,
            "png": drawing.png.relative_to(folder).as_posix(),
            "svg": drawing.svg.relative_to(folder).as_posix(),
            "inches": list(drawing.inches),
        }
        for drawing in drawings
    ]


def load(entry: Entry) -> tuple[Drawing, ...]:
    """The drawings, their files in the entry's folder."""
    from hmmdsl.report.figures import Drawing

    return tuple(
        Drawing(
            **(plain | {"png": entry.folder / plain["png"], "svg": entry.folder / plain["svg"], "inches": tuple(plain["inches"])})
        )
        for plain in entry.result
    )
