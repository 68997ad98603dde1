"""`hmmdsl.load_run(path)`: a finished run in Python, from its folder: spec, networks at every checkpoint, histories, activations,
results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hmmdsl.exchange.columns import taken_point
from hmmdsl.exchange.reading import read
from hmmdsl.runtime.curves import read_curve
from hmmdsl.runtime.failures import OutputError
from hmmdsl.runtime.replication import REPLICATION
from hmmdsl.runtime.results_file import numbers, read_claims, read_json, read_object, read_text
from hmmdsl.schema.checkpoints import checkpoint_steps
from hmmdsl.schema.confidence import Interval, interval
from hmmdsl.schema.experiment import Experiment, Verdict
from hmmdsl.schema.replication import SEED
from hmmdsl.schema.sweep import AxisValue, SweepAxis, cell, places
from hmmdsl.training.trained import TrainingResult, trained_of

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float32, Float64

    from hmmdsl.language.compiled import Compiled
    from hmmdsl.models.network import Network
    from hmmdsl.process.history_tree import HistoryTree
    from hmmdsl.process.process import Process
    from hmmdsl.training.trained import Trained


@dataclass(frozen=True)
class LoadedRun:
    """A finished run. Where there is one training run only, its name may be left out.

    spec        the spec's text as run, None if the run began from an experiment file
    experiment  the same with every default filled in
    processes   the processes that it trained on or read, by name
    results     what results.json holds, nested under the names that claims use
    claims      each claim, whether it held, and the numbers it read
    """

    folder: Path
    spec: str | None
    experiment: Experiment
    processes: Mapping[str, Process]
    results: Mapping[str, Any]
    claims: tuple[Verdict, ...]
    device: str = "cpu"
    _sweeps: Mapping[str, LoadedSweep] = field(default_factory=dict, repr=False)
    _seeds: LoadedSeeds | None = field(default=None, repr=False)
    _trained: dict[str, Trained] = field(default_factory=dict, repr=False, compare=False)

    def __repr__(self) -> str:
        held = sum(claim.holds for claim in self.claims)
        trains = ", ".join(self.experiment.trains) or "none"
        return f"<run {self.folder.name}: trained {trains}; {held} of {len(self.claims)} claims hold>"

    def train(self, name: str | None = None) -> Trained:
        """A training run as the analyses read it, with its checkpoints' steps, its loss, optimum and gap in nats, and the
        histories that it was evaluated on. `curve` is the learning curve: the training loss in nats at steps on the way.

        Raises KeyError if there is no such training run.
        """
        name = self._name(name)
        if name not in self._trained:
            self._trained[name] = self._load(name)
        return self._trained[name]

    def network(self, name: str | None = None, step: int | None = None) -> Network:
        """The network, a torch module, with the weights of checkpoint `step` (the last if None). Called with words, an integer
        tensor of shape (word, position), it gives next-token logits (word, position, token).

        Raises KeyError if there is no such training run or checkpoint.
        """
        return self.train(name).network(step)

    def tree(self, name: str | None = None) -> HistoryTree:
        """The histories that the training run was evaluated on, with belief, next-token distribution and probability of each."""
        return self.train(name).tree

    def activations(
        self, name: str | None = None, step: int | None = None, tree: HistoryTree | None = None
    ) -> Mapping[str, Float32[np.ndarray, "history width"]]:
        """The activations after every history of `tree` (the run's own if None) at checkpoint `step` (the last if None), by
        point: `embedding`, `block[0]`, …"""
        return self.train(name).activations(step, tree)

    def arrays(self, analysis: str) -> Mapping[str, np.ndarray]:
        """The arrays that an analysis left, such as each history's prediction; none if it left none. Raises KeyError if there is
        no such analysis."""
        from safetensors.numpy import load_file

        if analysis not in self.experiment.analyses:
            raise KeyError(f"the run has no analysis {analysis!r}; there are {', '.join(self.experiment.analyses) or 'none'}")
        path = self.folder / "arrays" / f"{analysis}.safetensors"
        return dict(load_file(path)) if path.is_file() else {}

    @property
    def sweeps(self) -> Mapping[str, LoadedSweep]:
        """The sweeps of the run by name."""
        return self._sweeps

    @property
    def seeds(self) -> LoadedSeeds | None:
        """The results with each seed that the run was replicated with; None if it was run with its own alone."""
        return self._seeds

    def hooked_transformer(self, name: str | None = None, step: int | None = None) -> Any:
        """The network as TransformerLens' HookedTransformer, with the same logits: `pip install "hmmdsl[transformer_lens]"`.

        Raises OutputError if TransformerLens cannot hold such a network or is not installed.
        """
        from hmmdsl.exchange.network_export.transformer_lens import hooked_transformer

        return hooked_transformer(self.network(name, step))

    def _name(self, name: str | None) -> str:
        trains = self.experiment.trains
        if name is None and len(trains) == 1:
            return next(iter(trains))
        if name not in trains:
            there = ", ".join(trains) or "none"
            asked = f"the run has no train {name!r}" if name is not None else f"the run has {len(trains)} trains: name one"
            raise KeyError(f"{asked}; there are {there}")
        return name

    def _load(self, name: str) -> Trained:
        from hmmdsl.training.weights import checkpoint_path

        train, found = self.experiment.trains[name], self.results[name]
        model, process = self.experiment.models[train.model], self.processes[train.process]
        checkpoints = self.folder / "checkpoints" / name
        result = TrainingResult.from_json({**found, "device": self.device, "curve": ()})
        result = replace(result, parameters=int(result.parameters), curve=read_curve(self.folder, name))
        steps = (step for step in checkpoint_steps(train) if checkpoint_path(checkpoints, step).is_file())
        return trained_of(name, train, model, process, checkpoints, steps, result)


def load_run(path: str | Path, device: str = "cpu") -> LoadedRun:
    """A finished run from the folder that `hmmdsl run` left. Networks are put on `device`.

    Raises OutputError if it is no finished run's folder, and SpecError if its experiment is not valid in this version.
    """
    folder = Path(path)
    inside = {name: folder / name for name in ("experiment.yaml", "results.json", "claims.json")}
    missing = [name for name, file in inside.items() if not file.is_file()]
    if missing:
        raise OutputError(f"{folder} is not a finished run (it has no {missing[0]}): give a folder that `hmmdsl run` left")
    compiled = read(inside["experiment.yaml"], max_points=10**9)
    spec, results = folder / "spec.hmm", read_object(inside["results.json"])
    return LoadedRun(
        folder=folder,
        spec=read_text(spec) if spec.is_file() else None,
        experiment=compiled.experiment,
        processes=dict(compiled.processes),
        results=results,
        claims=read_claims(inside["claims.json"]),
        device=device,
        _sweeps={name: LoadedSweep(name, sweep.axes, results[name]) for name, sweep in compiled.sweeps.items()},
        _seeds=_loaded_seeds(folder, compiled),
    )


def _loaded_seeds(folder: Path, compiled: Compiled) -> LoadedSeeds | None:
    if compiled.experiment.replicate is None:
        return None
    found = read_json(folder / REPLICATION)
    sweeps = {name: sweep.axes for name, sweep in compiled.sweeps.items()}
    return loaded_seeds(compiled.experiment.replicate.seeds, found, sweeps)


# A sweep of a finished run in Python: its axes, each point's results, and any result as an array over the axes.


@dataclass(frozen=True)
class LoadedSweep:
    """One sweep. `results` is what results.json holds of it: nested like one point's results, an array over the axes in the place
    of each number."""

    name: str
    axes: tuple[SweepAxis, ...]
    results: Mapping[str, Any]

    def __repr__(self) -> str:
        lengths = " x ".join(f"{len(axis.values)} of {axis.name}" for axis in self.axes)
        return f"<sweep {self.name}: {lengths}>"

    def __len__(self) -> int:
        return len(self.places)

    @property
    def places(self) -> list[tuple[int, ...]]:
        """The place of each point along the axes, in order, the last axis fastest."""
        return list(places([len(axis.values) for axis in self.axes]))

    def settings(self, point: int) -> dict[str, AxisValue]:
        """What a point, told by its number, changes: its value of each path."""
        at = self.places[point]
        return {
            path: cell(value)
            for axis, place in zip(self.axes, at, strict=True)
            for path, value in zip(axis.paths, axis.values[place], strict=True)
        }

    def point(self, number: int) -> Mapping[str, Any]:
        """The results of one point, nested as those of a run; None in the place of what it lacks."""
        found: Mapping[str, Any] = taken_point(self.results, self.places[number])
        return found

    def array(self, path: str) -> Float64[np.ndarray, ...]:
        """One result, such as `fit.loss` or `beliefs.block[1].r2`, over the axes; NaN where a point has none.

        Raises KeyError if no point has such a result.
        """
        import numpy as np

        by_point = [dict(numbers(self.point(k))) for k in range(len(self))]
        if not any(path in one for one in by_point):
            there = dict.fromkeys(name for one in by_point for name in one)
            raise KeyError(f"the sweep {self.name} has no result {path!r}; there are {', '.join(there) or 'none'}")
        values = [np.nan if one.get(path) is None else one[path] for one in by_point]
        return np.array(values, dtype=np.float64).reshape([len(axis.values) for axis in self.axes])

    def over(self, path: str, axis: str, minus: str | None = None) -> dict[tuple[AxisValue, ...], Interval]:
        """The mean of a result over an axis of seeds with its confidence interval, by the values of the other axes; of the
        difference from the result `minus`, paired by seed, if one is named. Points without the result are left out.

        Raises KeyError if there is no such axis or result.
        """
        import numpy as np

        along = next((k for k, one in enumerate(self.axes) if axis in one.paths), None)
        if along is None:
            raise KeyError(f"the sweep {self.name} has no axis {axis!r}; there are {', '.join(one.name for one in self.axes)}")
        values = self.array(path) - (self.array(minus) if minus is not None else 0.0)
        rest = [one for k, one in enumerate(self.axes) if k != along]
        rows = np.moveaxis(values, along, -1).reshape(-1, values.shape[along])
        found = {}
        for at, row in zip(places([len(one.values) for one in rest]), rows, strict=True):
            known = [float(value) for value in row if np.isfinite(value)]
            if known:
                key = tuple(cell(value) for one, place in zip(rest, at, strict=True) for value in one.values[place])
                found[key] = interval(known)
        return found


@dataclass(frozen=True)
class LoadedSeeds(LoadedSweep):
    """The experiment with each seed that it was replicated with, as a sweep over `seed`; `sweeps` are those of its sweeps that
    the seeds repeat, with `seed` as their first axis."""

    sweeps: Mapping[str, LoadedSweep] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"<{len(self)} seeds>"

    def spread(self, path: str) -> Interval:
        """The mean of a result over the seeds, its standard deviation, and its confidence interval.

        Raises KeyError if there is no such result.
        """
        return self.over(path, SEED)[()]


def loaded_seeds(seeds: Sequence[int], found: Mapping[str, Any], sweeps: Mapping[str, tuple[SweepAxis, ...]]) -> LoadedSeeds:
    """What replication.json holds, for these seeds; `sweeps` are the axes of the experiment's own."""
    axis = SweepAxis(paths=(SEED,), values=tuple((seed,) for seed in seeds))
    repeated = {name: LoadedSweep(name, (axis, *sweeps[name]), arrays) for name, arrays in found["sweeps"].items()}
    return LoadedSeeds("replicate", (axis,), found["results"], repeated)
