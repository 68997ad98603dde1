"""How results change along training: curves over the steps, and a strip of belief geometry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure

from hmmdsl.analysis.distances.record import Distances
from hmmdsl.analysis.drawing.geometry import Panel, draw_geometry
from hmmdsl.analysis.drawing.wording import note, number, read_histories, target_label, targets_label
from hmmdsl.analysis.kind import AlongCheckpoints
from hmmdsl.analysis.loss.record import Loss
from hmmdsl.analysis.reading.points import place_label, places
from hmmdsl.analysis.regression.record import Regression
from hmmdsl.schema.results import Group, Quantity, ResultSchema, Series

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from hmmdsl.analysis.emergence.record import Emergence
    from hmmdsl.analysis.outcome import Inputs, Outcome

Checkpoints = Sequence[Mapping[str, Any]]

LEAST_GAP = 1e-12

MOST_LINES = 12
"""Lines of one figure."""


def figures(analysis: Emergence, outcome: Outcome, inputs: Inputs) -> dict[str, Figure]:
    """By name: `curve`, and `strip` where beliefs are read."""
    inner = inputs.analyses[analysis.of]
    assert isinstance(inner, AlongCheckpoints)
    drawn = {"curve": _curve(analysis, inner, outcome, inputs)}
    if isinstance(inner, Regression) and "belief" in inner.target_names:
        drawn["strip"] = _strip(inner, outcome, inputs)
    return drawn


def caption(analysis: Emergence, figure: str, outcome: Outcome) -> str:
    """What one of the figures shows."""
    histories = f"Histories: {read_histories(outcome)}."
    if figure == "strip":
        return (
            f"Belief geometry at checkpoints of training, as {analysis.of} reads it off the activations, with a fit of its own "
            f"at each checkpoint, in sample. Colour: the true belief. {histories}"
        )
    count = outcome.facts["checkpoints"]
    return f"The results of {analysis.of} at {count} checkpoints, from the initialization on, in sample. {histories}"


def _curve(analysis: Emergence, inner: AlongCheckpoints, outcome: Outcome, inputs: Inputs) -> Figure:
    steps = outcome.arrays["step"]
    figure = Figure(figsize=(7.2, 3.6), layout="constrained")
    axes = figure.subplots()
    lines = list(_lines(inner, outcome.results["checkpoint"], inputs))
    shades = iter(colormaps["viridis"](np.linspace(0.05, 0.85, max(1, sum(not wide for _, _, wide in lines)))))
    for label, values, wide in lines:
        y = np.array([np.nan if value is None else value for value in values])
        style = {"color": "0.15", "linewidth": 2.4, "zorder": 3} if wide else {"color": next(shades), "linewidth": 1.4}
        axes.plot(steps, y, "o-", label=label, markersize=4.5, **style)
    _log_steps(axes, steps)
    if isinstance(inner, Loss):
        axes.set_yscale("log")
        axes.set_ylabel("gap (nats per token)")
        axes.set_title("gap along training")
    elif not isinstance(inner, (Regression, Distances)):
        axes.set_ylabel(inner.headline)
        axes.set_title(f"{inner.headline} of {analysis.of} along training")
    else:
        axes.set_ylabel("R²")
        low, high = axes.get_ylim()
        axes.set_ylim(low, min(high, 1 + 0.03 * (1 - low)))
        axes.set_title("R² of distances along training" if isinstance(inner, Distances) else "R² along training, in sample")
    axes.set_xlabel("optimizer steps")
    axes.grid(axis="y")
    if len(lines) > 1:
        figure.legend(loc="outside right upper")
    note(figure, read_histories(outcome))
    return figure


def _lines(inner: AlongCheckpoints, checkpoints: Checkpoints, inputs: Inputs) -> Iterator[tuple[str, list[float | None], bool]]:
    """Label, values by checkpoint, and whether the line is the main one."""
    match inner:
        case Regression():
            for target in inner.target_names:
                for place in places(inner.at, inputs.trained[inner.of].model):
                    label = (
                        place_label(place.name)
                        if len(inner.target_names) == 1
                        else f"{target_label(target)}, {place_label(place.name)}"
                    )
                    values = [inner.map_results(one, target, place.name)["r2"] for one in checkpoints]
                    yield label, values, len(place.parts) > 1
        case Distances():
            for name in inner.against_names:
                yield f"to {targets_label(name)}", [inner.of_name(one, name)["r2"] for one in checkpoints], name == "belief"
        case Loss():
            yield "gap", [max(one["gap"], LEAST_GAP) for one in checkpoints], True
        case _:
            schema = inner.results_at_checkpoint(inputs.surroundings())
            found = list(_headlines(schema, checkpoints, "", inner.headline))
            yield from ((label, values, len(found) == 1) for label, values in found[:MOST_LINES])


def _headlines(
    schema: ResultSchema, results: Sequence[Any], path: str, headline: str
) -> Iterator[tuple[str, list[float | None]]]:
    """The numbers whose path ends in the headline, by checkpoint, with what stands before it: point, target or head. Series along
    positions, strengths and the like are left out."""
    match schema:
        case Quantity():
            if f".{path}".endswith(f".{headline}"):
                yield path.removesuffix(headline).rstrip(".") or headline, list(results)
        case Series(element=Group() as element, length=int() as length) if not schema.is_curve:
            for i in range(length):
                yield from _headlines(element, [one[i] for one in results], f"{path}[{i}]", headline)
        case Group(members):
            for name, member in members.items():
                below = [one.get(name) for one in results]
                yield from _headlines(member, below, f"{path}.{name}" if path else name, headline)


def _log_steps(axes: Axes, steps: np.ndarray) -> None:
    """A logarithmic axis on which step 0 has a place."""
    axes.set_xscale("symlog", linthresh=1, linscale=0.4)
    last = int(steps[-1])
    ticks = [0, *(10**k for k in range(len(str(last))))]
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    axes.minorticks_off()
    axes.set_xlim(-0.25, last * 1.25)


def _strip(inner: Regression, outcome: Outcome, inputs: Inputs) -> Figure:
    """Represented geometry at some checkpoints, at the point that is best in the end, and the true one last."""
    place = next(name.split(".", 2)[2].removesuffix(".predicted") for name in outcome.arrays if name.endswith(".predicted"))
    panels = []
    for one in outcome.results["checkpoint"]:
        key = f"{int(one['step'])}.belief.{place}.predicted"
        if key in outcome.arrays:
            r2 = number(inner.map_results(one, "belief", place)["r2"])
            panels.append(Panel(f"step {int(one['step']):,}\nR² = {r2}", outcome.arrays[key], represented=True))
    panels.append(Panel("true beliefs\n", outcome.arrays["belief"], represented=False))
    process = inputs.processes[inner.on] if inner.on is not None else inputs.trained[inner.of].process
    figure = draw_geometry(panels, outcome.arrays, process, width=1.75)
    note(figure, f"{place_label(place)}, in sample; {read_histories(outcome)}")
    return figure
