"""Networks of one shape side by side: each weight stands once for every run, the run as its first index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch

from hmmdsl.models.network import Network
from hmmdsl.training.fused.same_bits import with_same_bits

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor


class FusedNetwork:
    """`networks` with all their weights on one device. `template` computes with the weights of all runs, mapped over them; on the
    CPU it gives the bits of each run alone.

    The trained weights of a run are one row of `rows`, of which `trained` are views by name; `frozen` are the others. A row is
    laid out as a `WeightOptimizer` lays out the weights of a run alone.
    """

    def __init__(self, networks: Sequence[Network], device: torch.device) -> None:
        self._lent = networks[0].to(device)
        # On a GPU a norm for each run would cost what the batch saves.
        self.template = with_same_bits(self._lent) if device.type == "cpu" else self._lent
        parameters = [dict(network.named_parameters()) for network in networks]
        names = [name for name, parameter in parameters[0].items() if parameter.requires_grad]
        self.rows: Float[Tensor, "run weight"] = torch.stack(
            [torch.cat([each[name].detach().reshape(-1) for name in names]) for each in parameters]
        ).to(device)
        sizes = [parameters[0][name].numel() for name in names]
        pieces = self.rows.split_with_sizes(sizes, dim=1)
        self.trained: Mapping[str, Float[Tensor, "run ..."]] = {
            name: piece.view(len(networks), *parameters[0][name].shape).detach().requires_grad_()
            for name, piece in zip(names, pieces, strict=True)
        }
        self.frozen: Mapping[str, Float[Tensor, "run ..."]] = {
            name: torch.stack([each[name].detach() for each in parameters]).to(device)
            for name in parameters[0]
            if name not in self.trained
        }

    @property
    def runs(self) -> int:
        """How many there are."""
        return len(self.rows)

    def weights(self) -> dict[str, Float[Tensor, "run ..."]]:
        """All weights by name, as a network's own `named_parameters` orders them; they are not copies."""
        held = {**self.trained, **self.frozen}
        return {name: held[name].detach() for name, _ in self.template.named_parameters()}

    @torch.no_grad()
    def lend(self, run: int) -> Network:
        """A network with the weights of one run, until it is lent again."""
        self._lent.load_state_dict({name: weight[run] for name, weight in self.weights().items()})
        return self._lent

    @torch.no_grad()
    def restore(self, weights: Mapping[str, Float[Tensor, "run ..."]]) -> None:
        """Take over what `weights` gave, into the same memory."""
        for name, weight in self.weights().items():
            weight.copy_(weights[name])
