"""A network trained by a discriminator on words (Goodfellow et al. 2014, for discrete words as in Yu et al. 2017).

The generator G writes a word of L = context + 1 tokens one by one, each from its own next-token distribution; without `bos` it
is given the first. The discriminator D has one logit after each prefix, and every prefix that G finished counts the same:

    D minimizes   mean over lengths l of  E_p softplus(-D(x_1..x_l)) + E_q softplus(D(x_1..x_l))
    G minimizes   mean over lengths l of  -E_q D(x_1..x_l)

where p are the process' words and q the generator's. The best D is log p/q, and there G's loss is the mean Kullback-Leibler
divergence of q from p over prefixes: it is zero for q = p alone.

Words are discrete, so nothing can be propagated through them. `exact` data sum both expectations over all V^L words, and the
gradient is exact. `sampled` data draw words of both and take the score-function estimate (Williams 1992), each token answering
for the prefixes that it is in, against the mean of the other words of the batch: it is unbiased.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from hmmdsl.models.build import build_network
from hmmdsl.models.network import Network
from hmmdsl.process.process import Process
from hmmdsl.schema.models.base import Model
from hmmdsl.schema.objectives import Adversarial
from hmmdsl.schema.train import Adam, ExactData, Train
from hmmdsl.training.generated import AllWords, DrawnWords, Judged
from hmmdsl.training.objective import add_gradient, trained_parameters
from hmmdsl.training.optimizer import WeightOptimizer
from hmmdsl.training.streams import stream

if TYPE_CHECKING:
    from torch import Tensor

BETAS = (0.5, 0.999)
"""Adam's decay rates for the discriminator (Radford et al. 2016, §3)."""

_PREFIX = "discriminator."


class AdversarialGradient:
    """Steps of the discriminator, then the generator's gradient. The loss that `add` returns is the generator's next-token
    cross-entropy on the process' words of that step, in nats, which is watched and not minimized."""

    def __init__(
        self, network: Network, train: Train, objective: Adversarial, process: Process, discriminator: Model | None
    ) -> None:
        self.network, self.steps = network, objective.d_steps
        spec = (network.spec if discriminator is None else discriminator).model_copy(
            update={"context": network.spec.context + 1, "bos": False}  # it reads the generator's whole words
        )
        seed = stream(train.seed, "discriminator")
        self.discriminator = build_network(spec, network.vocabulary, seed, outputs=1).to(network.device)
        self.optimizer = WeightOptimizer(Adam(lr=objective.lr, betas=BETAS), self.discriminator)
        self.words: Judged = (
            AllWords(network, process) if isinstance(train.data, ExactData) else DrawnWords(network, process, train)
        )
        self.optimum = self.words.optimum

    def add(self) -> float:
        """One step of both; NaN if the discriminator's loss is not finite."""
        parameters = trained_parameters(self.discriminator)
        for _ in range(self.steps):
            loss = self.words.discriminator_loss(self.network, self.discriminator)
            if not math.isfinite(loss.item()):
                return math.nan
            add_gradient(loss, parameters)
            self.optimizer.step(1.0)
        surrogate, watched = self.words.generator_loss(self.network, self.discriminator)
        if not math.isfinite(surrogate.item()):
            return math.nan
        add_gradient(surrogate, trained_parameters(self.network))
        return watched

    def state(self) -> dict[str, Tensor]:
        """The discriminator's weights and moments, and what is drawn."""
        ours = {f"{_PREFIX}{name}": value for name, value in self.optimizer.state().items()}
        return ours | self.words.state()

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on from what `state` gave."""
        self.optimizer.restore({k.removeprefix(_PREFIX): value for k, value in state.items() if k.startswith(_PREFIX)})
        self.words.restore(state)
