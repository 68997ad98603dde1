"""A finished training run, as the analyses read it."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from hmmdsl.schema.base import Exact
from hmmdsl.schema.objectives import tokens_ahead
from hmmdsl.schema.results import TRAIN_RESULTS

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float64

    from hmmdsl.models.network import Network
    from hmmdsl.process.history_tree import HistoryTree
    from hmmdsl.process.process import Process
    from hmmdsl.schema.base import Histories
    from hmmdsl.schema.models.base import Model
    from hmmdsl.schema.train import Train

# The latest results of costly computations, kept in bounded memory so that several analyses of one run make them once.

T = TypeVar("T")

SHARE = 16
"""One part in so many of the machine's memory may be kept."""

MOST_BYTES = 2**31
"""No more than this is kept, however large the machine."""


def kept_bytes() -> int:
    """How many bytes one training run may keep: a sixteenth of the machine's memory, 2 GiB at most."""
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # a system that does not say
        return 2**28
    return min(memory // SHARE, MOST_BYTES)


@dataclass(frozen=True)
class _Kept:
    """`owners` are held so that their identities, which the key has, are not given to others."""

    value: Any
    owners: tuple[object, ...]
    size: int


class Recent:
    """Values by key, in at most `limit` bytes; what was not asked for longest is dropped first."""

    def __init__(self, limit: int | None = None) -> None:
        self.limit = kept_bytes() if limit is None else limit
        self.size = 0
        self._kept: OrderedDict[Hashable, _Kept] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], T], size: Callable[[T], int], owners: tuple[object, ...] = ()) -> T:
        """The value of `key`, made if it is not there. `key` names objects without a value of their own by their `id`; these are
        `owners`. A value of more than the limit is handed out and not kept."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
            value: T = found.value
            return value
        value = make()
        needed = size(value)
        if needed <= self.limit:
            while self.size + needed > self.limit:
                _, dropped = self._kept.popitem(last=False)
                self.size -= dropped.size
            self._kept[key] = _Kept(value, owners, needed)
            self.size += needed
        return value


@dataclass(frozen=True)
class CurvePoint:
    """The learning curve at one step: the training loss of that step's data, and the learning rate (losses in nats)."""

    step: int
    loss: float
    lr: float


@dataclass(frozen=True)
class TrainingResult:
    """What became of a training run: loss, optimum and gap in nats per position after the last step, how many numbers were
    trained, on which device, and the learning curve."""

    loss: float
    optimum: float
    gap: float
    parameters: int
    device: str
    curve: tuple[CurvePoint, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain data, float for float."""
        plain = {each.name: getattr(self, each.name) for each in fields(TrainingResult)}
        return {**plain, "curve": [[point.step, point.loss, point.lr] for point in self.curve]}

    def results(self) -> dict[str, Any]:
        """What results.json holds."""
        return {name: getattr(self, name) for name in TRAIN_RESULTS.members}

    @staticmethod
    def from_json(plain: Mapping[str, Any]) -> TrainingResult:
        """What `as_json` wrote, among other things."""
        curve = tuple(CurvePoint(*point) for point in plain["curve"])
        return TrainingResult(**{each.name: plain[each.name] for each in fields(TrainingResult)} | {"curve": curve})


@dataclass(frozen=True, kw_only=True)
class Trained(TrainingResult):
    """A run with its networks. Checkpoints lie in `folder` as `step_<step>.safetensors`; `steps` lists them, the first 0 and the
    last the final one.

    `tree` holds the histories that loss and gap were evaluated on. `recent` keeps activations and trees that analyses asked for
    last, in bounded memory.
    """

    name: str
    train: Train
    model: Model
    process: Process
    tree: HistoryTree
    folder: Path
    steps: tuple[int, ...]
    recent: Recent = field(default_factory=Recent, compare=False, repr=False)

    def network(self, step: int | None = None) -> Network:
        """The network with the weights of checkpoint `step` (the last if None), in evaluation mode, on `device`.

        Raises KeyError if there is no such checkpoint.
        """
        import torch

        from hmmdsl.models.build import build_network
        from hmmdsl.training.weights import load_checkpoint

        step = self.steps[-1] if step is None else step
        if step not in self.steps:
            raise KeyError(f"{self.name} has no checkpoint at step {step}; there are {', '.join(map(str, self.steps))}")
        network = build_network(
            self.model, len(self.process.tokens), outputs=len(self.process.tokens) ** tokens_ahead(self.train.objective)
        )
        load_checkpoint(network, self.folder, step)
        return network.to(torch.device(self.device)).eval().requires_grad_(False)

    def until(self, step: int) -> Trained:
        """The same run as it was at checkpoint `step`: its network is that one's. Loss, optimum and gap stay those of the last
        step. Raises KeyError if there is no such checkpoint."""
        if step not in self.steps:
            raise KeyError(f"{self.name} has no checkpoint at step {step}; there are {', '.join(map(str, self.steps))}")
        return replace(self, steps=self.steps[: self.steps.index(step) + 1])

    def activations(self, step: int | None = None, tree: HistoryTree | None = None) -> Mapping[str, np.ndarray]:
        """The residual stream after every history of `tree` (its own if None), by point (`embedding`, `block[0]`, …,
        `final_norm`): float32 arrays of shape (history, d_model), read-only, since other analyses may be given the same."""
        from hmmdsl.training.objective import activations_on_tree

        step = self.steps[-1] if step is None else step
        histories = self.tree if tree is None else tree

        def make() -> Mapping[str, np.ndarray]:
            found = activations_on_tree(self.network(step), histories)
            for array in found.values():
                array.setflags(write=False)
            return found

        def size(found: Mapping[str, np.ndarray]) -> int:
            return sum(array.nbytes for array in found.values())

        return self.recent.get(("activations", step, id(histories)), make, size, (histories,))

    def histories(self, process: Process, histories: Histories, seed: int) -> HistoryTree:
        """The tree of `process` that `histories` asks for, to this network's context; drawn words are those of `seed`. The same
        tree, while it is kept, each time that the same is asked for."""
        from hmmdsl.training.histories import histories_of

        def make() -> HistoryTree:
            return histories_of(process, self.model.context, self.model.bos, histories, seed)

        key = ("tree", id(process), histories, None if isinstance(histories, Exact) else seed)
        return self.recent.get(key, make, lambda tree: tree.nbytes, (process,))

    def log_probabilities(self, step: int | None = None, tree: HistoryTree | None = None) -> Float64[np.ndarray, "history token"]:
        """The network's log Pr(next token | history) after every history of `tree` (its own if None), in nats; the marginal
        where it predicts more tokens than one."""
        from hmmdsl.training.objective import predictions

        return predictions(self.network(step), self.tree if tree is None else tree)


def trained_of(
    name: str,
    train: Train,
    model: Model,
    process: Process,
    folder: Path,
    steps: Iterable[int],
    result: TrainingResult,
    tree: HistoryTree | None = None,
) -> Trained:
    """A run whose checkpoints lie in a folder. Its history tree is built again where it is not at hand, which takes less room
    than keeping it."""
    from hmmdsl.training.histories import histories_of

    return Trained(
        **vars(result),
        name=name,
        train=train,
        model=model,
        process=process,
        tree=histories_of(process, model.context, model.bos, train.histories, train.seed) if tree is None else tree,
        folder=folder,
        steps=tuple(steps),
    )
