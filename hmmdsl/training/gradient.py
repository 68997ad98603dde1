"""One step's gradient, whatever the objective and the data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from hmmdsl.models.network import Network
from hmmdsl.process.ahead import Ahead
from hmmdsl.process.history_tree import HistoryTree, build_history_tree
from hmmdsl.process.process import Process
from hmmdsl.schema.models.base import Model
from hmmdsl.schema.objectives import Adversarial, tokens_ahead
from hmmdsl.schema.train import ExactData, SampledData, Train
from hmmdsl.training.adversarial import AdversarialGradient
from hmmdsl.training.histories import withheld
from hmmdsl.training.objective import drawn_loss, expected_loss
from hmmdsl.training.streams import stream
from hmmdsl.training.words import Batches, WordSource

if TYPE_CHECKING:
    from torch import Tensor


class Gradient(Protocol):
    """`add` adds one step's gradient to the network's and returns that step's loss in nats. `optimum` is the least that the loss
    can be, None where that depends on what is drawn."""

    @property
    def optimum(self) -> float | None: ...

    def add(self) -> float: ...

    def state(self) -> dict[str, Tensor]:
        """What it needs to go on, by name."""
        ...

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on from what `state` gave."""
        ...


@dataclass(frozen=True)
class LikelihoodGradient:
    """The gradient of a cross-entropy; `batches` are the words that it is taken on, None where nothing is drawn."""

    add: Callable[[], float]
    optimum: float | None = None
    batches: Batches | None = None

    def state(self) -> dict[str, Tensor]:
        return {} if self.batches is None else self.batches.state()

    def restore(self, state: Mapping[str, Tensor]) -> None:
        if self.batches is not None:
            self.batches.restore(state)


def gradient_of(
    network: Network, train: Train, process: Process, tree: HistoryTree, discriminator: Model | None = None
) -> Gradient:
    """The gradient that the objective and the data of `train` ask for. `discriminator` is the record that an adversarial
    objective names, None for one like the network."""
    if isinstance(train.objective, Adversarial):
        return AdversarialGradient(network, train, train.objective, process, discriminator)
    model, device, k = network.spec, network.device, tokens_ahead(train.objective)
    match train.data:
        case ExactData(withhold=share):
            whole = tree if tree.source == "exact" else build_history_tree(process, model.context, model.bos)
            left_out = withheld(whole, share, train.seed)
            objective = expected_loss(whole, left_out, device, Ahead(whole, k, process))
            return LikelihoodGradient(lambda: objective.backward(network), objective.optimum)
        case SampledData(batch=batch):
            batches = Batches(WordSource(process, model.context + k, device, stream(train.seed, "data")), batch)

            def on_next_batch() -> float:
                loss = drawn_loss(network, batches.next(), k)
                loss.backward()  # type: ignore[no-untyped-call]
                return loss.item()

            return LikelihoodGradient(on_next_batch, batches=batches)
