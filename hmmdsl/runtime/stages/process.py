"""The process stage: what the theory finds out about a process, as `processes.json` holds it, and as the report says it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hmmdsl.process.counting import count_histories
from hmmdsl.report.depths import SIMPLEX_HISTORIES, deepest
from hmmdsl.report.joint_size import drawn_whole
from hmmdsl.report.portrait_section import PortraitText, portrait_text
from hmmdsl.runtime.identity.contents import process_content
from hmmdsl.runtime.stage import FIGURE_SECONDS, LIBRARIES, Drawing, Estimate, Found, RunContext, StageId, StageKind, Task

if TYPE_CHECKING:
    from hmmdsl.report.portrait_section import PortraitText
    from hmmdsl.runtime.stage import Cache
    from hmmdsl.runtime.store.entry import Entry
    from hmmdsl.schema.experiment import Experiment

SECONDS = 0.6
"""What describing a factor takes."""

SECONDS_A_BELIEF, SECONDS_A_SHARE = 1.5e-5, 1.5e-7
"""What a figure of beliefs takes for each history, and for each of its numbers besides."""


class ProcessStage(StageKind):
    """What each process is."""

    name = "process"
    makes = "theory"
    order = 0
    packages = ("numpy", "scipy")
    room = "processes"

    def plan(self, drawing: Drawing) -> None:
        for name, table in drawing.experiment.processes.items():
            content = drawing.memory.hash_of(table, partial(process_content, table))
            drawing.add(StageId(self, name), (), content, ("hmmdsl.process.portraying", "hmmdsl.report.portrait_section"))

    def pictured(self, experiment: Experiment, name: str) -> tuple[dict[str, Any], tuple[str, ...]]:
        return {"process": experiment.processes[name].name}, ()

    def estimate(self, task: Task) -> Estimate:
        return Estimate(SECONDS * len(task.processes()[task.stage.name].factors), LIBRARIES // 2)

    def pictures_estimate(self, task: Task, name: str) -> Estimate:
        """A few drawings, and the beliefs after as many histories as the simplex shows."""
        process, histories = task.processes()[name], 0
        if drawn_whole(process):
            histories = count_histories(process, deepest(process, SIMPLEX_HISTORIES)).total
        numbers = histories * (len(process.states) + len(process.tokens))
        seconds = 2 * FIGURE_SECONDS + histories * SECONDS_A_BELIEF + numbers * SECONDS_A_SHARE
        return Estimate(seconds, LIBRARIES // 2 + 24 * numbers)

    def make(self, task: Task, folder: Path, context: RunContext) -> dict[str, Any]:
        """The portrait as plain data, and in words."""
        from hmmdsl.process.portraying import portrait

        known = portrait(task.processes()[task.stage.name])
        return {"portrait": known.as_json(), "text": portrait_text(known).as_json()}

    def load(self, task: Task, name: str, entry: Entry) -> dict[str, Any]:
        """The portrait, under the name that the process has in this experiment."""
        return {**entry.result["portrait"], "name": name}

    def shown(self, task: Task, name: str, cache: Cache) -> dict[str, Any]:
        """The process, and its entropy rate in bits per token."""
        found = cache.entry(task.hashes[StageId(self, name)]).result["portrait"]
        return {
            "processes": {name: task.processes()[name]},
            "entropy_rates": {name: float(found["entropy_rate"]["bits"])},
        }

    def collect(self, found: Found, task: Task, entry: Entry) -> None:
        name = task.stage.name
        found.portraits[name] = self.load(task, task.experiment.processes[name].name, entry)


def load_text(entry: Entry) -> PortraitText:
    """The portrait in words."""
    return PortraitText.from_json(entry.result["text"])


KIND = ProcessStage()
