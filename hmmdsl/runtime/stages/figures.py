"""The figures stage: the pictures of one analysis, train or process, with their captions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from hmmdsl.files.writing import copy_file
from hmmdsl.report.finished import Finished
from hmmdsl.runtime.stage import Drawing, Estimate, RunContext, StageId, StageKind, Task

if TYPE_CHECKING:
    from hmmdsl.report.figures import Drawing as Picture
    from hmmdsl.runtime.store.entry import Entry

PLACES = ("png", "svg")
"""Files of a picture."""


class FiguresStage(StageKind):
    """The pictures of each stage that has some. They show names, so names are in their hashes."""

    name = "figures"
    label = "figures of"
    makes = "pictures"
    order = 4
    packages = ("matplotlib", "networkx", "numpy", "pillow", "scipy")

    def plan(self, drawing: Drawing) -> None:
        for stage in sorted(drawing.stages.values(), key=lambda stage: -stage.kind.order):
            pictured = stage.kind.pictured(drawing.experiment, stage.name)
            if pictured is not None:
                content, roots = pictured
                stage_id = StageId(self, stage.name)
                stage_id = stage_id if stage_id not in drawing.stages else StageId(self, stage.id)
                drawing.add(stage_id, (stage.id,), {"of": stage.id, **content}, ("hmmdsl.report.figures", *roots))

    def estimate(self, task: Task) -> Estimate:
        (of,) = task.stage.needs
        return of.kind.pictures_estimate(task, of.name)

    def make(self, task: Task, folder: Path, context: RunContext) -> list[dict[str, Any]]:
        """Draw them into `folder/figures`."""
        from hmmdsl.report.figures import draw_figures

        (of,) = task.stage.needs
        nothing: dict[str, Any] = {
            "experiment": task.experiment.model_copy(update={"analyses": {}}),
            "spec": None,
            "verdicts": (),
            **{name: {} for name in ("results", "trained", "outcomes", "processes", "environment", "seconds")},
        }
        finished = Finished(**nothing | of.kind.shown(task, of.name, context.cache))
        inputs = {name: context.cache.inputs(task, name) for name in finished.experiment.analyses}
        return [
            {
                **vars(each),
                "inches": list(each.inches),
                **{place: getattr(each, place).relative_to(folder).as_posix() for place in PLACES},
            }
            for each in draw_figures(finished, inputs, folder)
        ]

    def load(self, task: Task, name: str, entry: Entry) -> tuple[Picture, ...]:
        """The pictures, their files in the entry's folder."""
        from hmmdsl.report.figures import Drawing as Picture

        return tuple(
            Picture(**plain | {place: entry.folder / plain[place] for place in PLACES} | {"inches": tuple(plain["inches"])})
            for plain in entry.result
        )

    def publish(self, name: str, made: Path, folder: Path) -> None:
        for path in sorted((made / "figures").glob("*")):
            copy_file(path, folder / "figures" / path.name)


KIND = FiguresStage()
