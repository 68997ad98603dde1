"""`hmmdsl.load_run(path)`: a finished run in Python, from its folder: spec, networks at every checkpoint, histories, activations,
results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hmmdsl.exchange.loaded_sweep import LoadedSeeds, LoadedSweep, loaded_seeds
from hmmdsl.exchange.reading import read
from hmmdsl.runtime.curves import read_curve
from hmmdsl.runtime.failures import OutputError
from hmmdsl.runtime.replication import REPLICATION
from hmmdsl.runtime.results_file import read_claims, read_json, read_object, read_text
from hmmdsl.spec.checkpoints import checkpoint_steps
from hmmdsl.spec.experiment import Experiment, Verdict
from hmmdsl.training.trained import TrainingResult, trained_of

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float32

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
