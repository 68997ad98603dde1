"""A finished run of invented numbers, shaped like a real one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from matplotlib.figure import Figure

from hmmdsl.analysis.kind import Kind
from hmmdsl.analysis.outcome import Inputs, Outcome
from hmmdsl.process.history_tree import build_history_tree
from hmmdsl.process.portraying import portrait
from hmmdsl.report.finished import Finished
from hmmdsl.report.portrait_section import portrait_text
from hmmdsl.schema.analysis import Surroundings
from hmmdsl.schema.experiment import About, Experiment, Judged, Margin, Verdict
from hmmdsl.schema.models.transformer import Transformer
from hmmdsl.schema.process import ProcessTable
from hmmdsl.schema.results import Group, Quantity, Series
from hmmdsl.schema.sweep import SweepAxis
from hmmdsl.schema.train import Train
from hmmdsl.training.trained import CurvePoint, Trained
from tests.process.known_processes import rrxor

SPEC = """# Random-Random-XOR
experiment { title = "Belief geometry", cite = "arXiv:2405.15943" }

hmm rrxor(p = 1/2) {
  states S, S0
  tokens 0, 1
  S -[0]-> S0 : p
  S -[1]-> S : rest
  S0 -[0]-> S
}
expect "small gap": fit.gap < 1e-4
"""


WIDTHS = SweepAxis(paths=("net.d_model",), values=((8,), (32,)))


class FakeRegression(Kind):
    """Scores beside controls, as a regression reports them."""

    word: ClassVar[str] = "regression"
    kind: Literal["regression"] = "regression"

    def needs(self) -> tuple[str, ...]:
        return ("fit",)

    def results(self, around: Surroundings) -> Group:
        score = {"r2": Quantity("1", "share of variance explained"), "mse": Quantity("1", "mean squared error")}
        point = Group({**score, "held_out": Group(score), "untrained": Group({**score, "held_out": Group(score)})})
        return Group({"embedding": point, "block": Series(point, 4), "concat": point})

    def compute(self, inputs: Inputs) -> Outcome:
        raise NotImplementedError

    def seconds(self, reads: Reads, around: Surroundings) -> float:
        raise NotImplementedError

    def figures(self, outcome: Outcome, inputs: Inputs) -> dict[str, Figure]:
        figure = Figure(figsize=(10, 4.4), layout="constrained")
        for axes in figure.subplots(1, 2):
            axes.scatter(*outcome.arrays["places"].T, s=6, rasterized=True)
        return {"geometry": figure}

    def caption(self, figure: str, outcome: Outcome) -> str:
        return "True beliefs beside represented ones. All 1,046 histories (exact), weights uniform."


def point(r2: float, held_out: float) -> dict[str, object]:
    """Results of one point with its controls."""
    return {
        "r2": r2,
        "mse": 0.01,
        "position": [{"r2": r2, "mse": 0.01}] * 3,
        "held_out": {"r2": held_out, "mse": 0.02},
        "untrained": {"r2": 0.65, "mse": 0.05, "held_out": {"r2": 0.115, "mse": 0.1}},
        "shuffled": {"r2": {"mean": 0.7, "sd": 0.01, "min": 0.6, "max": 0.8}, "held_out": {"r2": {"mean": -0.02, "sd": 0.01}}},
        "noise": {"r2": 0.56, "mse": 0.05, "held_out": {"r2": None, "mse": None}},
    }


def trained(data: Literal["exact", "sampled"] = "exact") -> Trained:
    """A training run that came within 1e-5 nats."""
    process = rrxor()
    tree = build_history_tree(process, 6)
    steps = np.arange(0, 1201, 4)
    losses = 0.5782 + 0.1 * np.exp(-steps / 90) + 1e-5
    if data == "sampled":
        losses = losses + 0.02 * np.sin(steps * 1.7)
    return Trained(
        name="fit",
        train=Train.model_validate({"process": "rrxor", "model": "net", "steps": 1200, "data": {"kind": data}}),
        model=Transformer(),
        process=process,
        tree=tree,
        folder=Path("checkpoints/fit"),
        steps=(0, 10, 1200),
        loss=0.57821,
        optimum=0.5782,
        gap=1e-5,
        parameters=201_792,
        curve=tuple(CurvePoint(int(step), float(loss), 3e-3) for step, loss in zip(steps, losses, strict=True)),
        device="cpu",
    )


@dataclass(frozen=True)
class FakeRun:
    """A run and what its figures are drawn from."""

    finished: Finished
    inputs: dict[str, Inputs]


def full_run(
    title: str = "Belief geometry spread over layers",
    verdicts: tuple[Verdict, ...] | None = None,
    spec: str | None = SPEC,
) -> FakeRun:
    """A run with a training run, a regression, claims of both outcomes, and a process."""
    run = trained()
    blocks = [point(0.5 + 0.05 * k, 0.3 + 0.02 * k) for k in range(4)]
    beliefs = {"embedding": point(0.4, 0.1), "block": blocks, "concat": point(0.95, 0.54)}
    rng = np.random.default_rng(0)
    outcome = Outcome(beliefs, {"places": rng.normal(size=(400, 2))}, {"histories": "exact", "count": 1046})
    experiment = Experiment(
        name="rrxor",
        about=About(title=title, cite=("Shai et al. 2024, arXiv:2405.15943", "and others"), authors="A. Author"),
        processes={"rrxor": ProcessTable.of(run.process)},
        models={"net": run.model},
        trains={"fit": run.train},
        analyses={"beliefs": FakeRegression()},
    )
    if verdicts is None:
        verdicts = (
            Verdict(
                label="Shai et al., Fig. 7D",
                claim="geometry.r2 ~= 0.95 ± 0.05",
                holds=True,
                measured={"geometry.r2": 0.956},
                judged=(Judged(expression="geometry.r2", numbers=(0.956,)),),
                margin=Margin(value=0.044),
            ),
            Verdict(
                label="wider is better",
                claim="increasing(mean(s.fit.r2 over fit.seed) along net.d_model)",
                holds=True,
                measured={"s.fit.r2": (0.6, 0.62, 0.63, 0.61)},
                judged=(
                    Judged(
                        expression="mean(s.fit.r2 over fit.seed)",
                        axes=(WIDTHS,),
                        numbers=(0.61, 0.62),
                        lower=(0.5, 0.6),
                        upper=(0.7, 0.65),
                    ),
                ),
                margin=Margin(value=0.01, spread=0.1, source="seeds"),
            ),
            Verdict(
                label="",
                claim="fit.gap < 1e-6",
                holds=False,
                measured={"fit.gap": 1e-5},
                judged=(Judged(expression="fit.gap", numbers=(1e-5,)),),
                reason="1e-05 is not below 1e-06",
            ),
            Verdict(
                label="rising",
                claim="increasing(a[..].r2)",
                holds=True,
                measured={"a[..].r2": (0.1, None, 0.3)},
                judged=(
                    Judged(
                        expression="a[..].r2",
                        axes=(SweepAxis(paths=("[..]",), values=((0,), (1,), (2,))),),
                        numbers=(0.1, None, 0.3),
                    ),
                ),
            ),
        )
    finished = Finished(
        experiment=experiment,
        spec=spec,
        results={"fit": {"loss": 0.57821, "optimum": 0.5782, "gap": 1e-5, "parameters": 201_792}, "beliefs": beliefs},
        verdicts=verdicts,
        trained={"fit": run},
        outcomes={"beliefs": outcome},
        processes={"rrxor": run.process},
        environment={"hmmdsl": "0.1.0", "python": "3.11.9", "devices": {"fit": "cpu"}},
        seconds={"train fit": 21.3, "analysis beliefs": 2.5},
        portraits={"rrxor": portrait_text(portrait(run.process))},
    )
    inputs = Inputs("beliefs", {"fit": run}, experiment.analyses, finished.outcomes, finished.processes)
    return FakeRun(finished, {"beliefs": inputs})


def bare_run() -> Finished:
    """A run of a spec with a name and nothing else."""
    return Finished(Experiment(name="empty"), None, {}, (), {}, {}, {}, {}, {})
