"""Words of the process and of a generator, for a discriminator to judge: all of them with their probabilities, or drawn ones."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Protocol

import torch
import torch.nn.functional as F  # noqa: N812

from hmmdsl.models.layout import TreeLayout, tree_layout
from hmmdsl.models.network import Network
from hmmdsl.process.history_tree import build_history_tree
from hmmdsl.process.process import Process
from hmmdsl.schema.train import SampledData, Train
from hmmdsl.training.streams import stream
from hmmdsl.training.words import Batches, WordSource

if TYPE_CHECKING:
    from jaxtyping import Float, Int64
    from torch import Tensor


class Judged(Protocol):
    """Where the expectations over both kinds of words come from. `optimum` is the least next-token cross-entropy, if known."""

    optimum: float | None

    def discriminator_loss(self, generator: Network, discriminator: Network) -> Float[Tensor, ""]:
        """What the discriminator minimizes."""
        ...

    def generator_loss(self, generator: Network, discriminator: Network) -> tuple[Float[Tensor, ""], float]:
        """A number whose gradient is that of what the generator minimizes; and its next-token cross-entropy in nats."""
        ...

    def state(self) -> dict[str, Tensor]:
        """What is needed to go on, by name."""
        ...

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on from what `state` gave."""
        ...


class AllWords:
    """Every word of V tokens up to length context + 1, also those that the process never makes, for the generator may.

    `prefixes` are those that the generator finished a token of, in order of length and then of their tokens; `p` their
    probabilities, and every length counts the same.
    """

    def __init__(self, generator: Network, process: Process) -> None:
        spec, device = generator.spec, generator.device
        self.bos, length = spec.bos, spec.context + 1
        V = len(process.tokens)
        anything = Process("anything", process.tokens, ("s",), ({(0, 0): Fraction(1, V)},) * V, (Fraction(1),))
        self.read: TreeLayout = tree_layout(build_history_tree(anything, spec.context, spec.bos), device)
        self.judged: TreeLayout = tree_layout(build_history_tree(anything, length), device)
        self.sizes = [V**k for k in range(0 if spec.bos else 1, length)]
        vector = torch.from_numpy(process.eta.copy())[None, :]
        T, right = torch.from_numpy(process.T.copy()), torch.from_numpy(process.r.copy())
        levels = [vector @ right]
        for _ in range(length):
            vector = torch.einsum("ws,xst->wxt", vector, T).reshape(-1, vector.shape[1])
            levels.append((vector @ right).clamp(min=0.0))
        whole = levels[0].sum()
        self.given = (levels[0 if spec.bos else 1] / whole).float().to(device)
        self.p = torch.cat([level / whole for level in levels[1 if spec.bos else 2 :]]).float().to(device)
        self.optimum: float | None = self._entropy(levels)

    def _entropy(self, levels: list[Tensor]) -> float:
        """The mean conditional entropy of the tokens that the generator predicts, in nats."""
        total = 0.0
        for above, below in zip(levels[0 if self.bos else 1 :], levels[1 if self.bos else 2 :], strict=False):
            joint = below.view(len(above), -1)
            ratio = torch.where(joint > 0, joint / above[:, None], 1.0)
            total -= float((joint * ratio.log()).sum())
        return total / len(self.sizes)

    def probabilities(self, generator: Network) -> tuple[Float[Tensor, " prefix"], Float[Tensor, ""]]:
        """The generator's probability of each prefix, and its next-token cross-entropy on the process' words."""
        logarithms = F.log_softmax(generator.on_tree(self.read), dim=1)
        found, above = [], self.given
        for step in logarithms.split_with_sizes(self.sizes):
            above = (above[:, None] * step.exp()).reshape(-1)
            found.append(above)
        return torch.cat(found), -(self.p @ logarithms.detach().reshape(-1)) / len(self.sizes)

    def _logits(self, discriminator: Network) -> Float[Tensor, " prefix"]:
        found = discriminator.on_tree(self.judged)[:, 0]
        return found if self.bos else found[len(self.given) :]

    def discriminator_loss(self, generator: Network, discriminator: Network) -> Float[Tensor, ""]:
        with torch.no_grad():
            q, _ = self.probabilities(generator)
        logits = self._logits(discriminator)
        return (self.p @ F.softplus(-logits) + q @ F.softplus(logits)) / len(self.sizes)

    def generator_loss(self, generator: Network, discriminator: Network) -> tuple[Float[Tensor, ""], float]:
        q, watched = self.probabilities(generator)
        with torch.no_grad():
            logits = self._logits(discriminator)
        return -(q @ logits) / len(self.sizes), watched.item()

    def state(self) -> dict[str, Tensor]:
        return {}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Nothing is drawn."""


class DrawnWords:
    """Batches of the process' words and as many of the generator's, which begin, without `bos`, with tokens of the process."""

    optimum: float | None = None

    def __init__(self, generator: Network, process: Process, train: Train) -> None:
        assert isinstance(train.data, SampledData)
        device = generator.device
        length = generator.spec.context + 1
        self.given = 0 if generator.spec.bos else 1
        self.batches = Batches(WordSource(process, length, device, stream(train.seed, "data")), train.data.batch)
        self.length = length
        self.random = torch.Generator().manual_seed(stream(train.seed, "generated words"))

    def draw(self, generator: Network, words: int) -> Int64[Tensor, "word length"]:
        """Words of the generator."""
        drawn = torch.empty((words, self.length), dtype=torch.int64, device=generator.device)
        drawn[:, : self.given] = self.batches.next()[:, : self.given]
        with torch.no_grad():
            for position in range(self.given, self.length):
                cumulative = generator(drawn[:, :position])[:, -1].double().softmax(dim=1).cumsum(dim=1)
                u = torch.rand(words, 1, generator=self.random, dtype=torch.float64).to(drawn.device)
                drawn[:, position] = (cumulative[:, :-1] <= u).sum(dim=1)
        return drawn

    def _logits(self, discriminator: Network, words: Int64[Tensor, "word length"]) -> Float[Tensor, "word position"]:
        return discriminator(words)[:, self.given :, 0]  # type: ignore[no-any-return]

    def discriminator_loss(self, generator: Network, discriminator: Network) -> Float[Tensor, ""]:
        real = self.batches.next()
        made = self.draw(generator, len(real))
        return F.softplus(-self._logits(discriminator, real)).mean() + F.softplus(self._logits(discriminator, made)).mean()

    def generator_loss(self, generator: Network, discriminator: Network) -> tuple[Float[Tensor, ""], float]:
        real = self.batches.next()
        made = self.draw(generator, len(real))
        with torch.no_grad():
            rewards = self._logits(discriminator, made)
            to_come = rewards.flip(1).cumsum(dim=1).flip(1) / rewards.shape[1]
            others = (to_come.sum(dim=0) - to_come) / max(len(made) - 1, 1)
            watched = F.cross_entropy(generator(real[:, :-1]).flatten(0, 1), real[:, self.given :].reshape(-1)).item()
        logits = generator(made[:, :-1])
        chosen = F.log_softmax(logits, dim=2).gather(2, made[:, self.given :, None])[:, :, 0]
        return -((to_come - others) * chosen).sum(dim=1).mean(), watched

    def state(self) -> dict[str, Tensor]:
        return {**self.batches.state(), "generated.generator": self.random.get_state()}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        self.batches.restore(state)
        self.random.set_state(state["generated.generator"])
