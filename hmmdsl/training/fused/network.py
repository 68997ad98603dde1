"""Networks of one shape side by side: each weight stands once for every run, the run as its first index."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from hmmdsl.models.network import Network
from hmmdsl.models.transformer import Affine, Scores

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

# Operations that vmap takes apart, mapped over runs so that a run in a batch has the bits of the run alone.
#
# A norm whose weights differ from run to run, and products that add a bias or a mask, become several steps that round otherwise
# than the one operation does, and training makes such a difference of 1e-7 one of 1e-3 in a hundred steps. All else that the
# networks do gives the same bits for each run.

SMALL = 10_000
"""Networks of fewer weights are left as they are: going through the runs one by one would take what a batch of them saves."""


def with_same_bits(network: Network) -> Network:
    """A copy of the network for `torch.vmap`: with the same parameters under the same names, it computes for each run what the
    network itself does on the CPU. A small network is returned itself."""
    if sum(parameter.numel() for parameter in network.parameters()) < SMALL:
        return network
    copy = deepcopy(network)
    for parent in list(copy.modules()):
        for name, child in parent.named_children():
            if isinstance(child, nn.LayerNorm):
                shape, epsilon = list(child.normalized_shape), child.eps
                setattr(parent, name, _RunByRun(child, partial(_normalized, shape=shape, epsilon=epsilon)))
            elif isinstance(child, Affine):
                setattr(parent, name, _RunByRun(child, _affine))
            elif isinstance(child, Scores):
                setattr(parent, name, _ScoresOfRuns(child))
    return copy


def _normalized(x: Tensor, weight: Tensor, bias: Tensor, shape: list[int], epsilon: float) -> Tensor:
    return nn.functional.layer_norm(x, shape, weight, bias, epsilon)


def _affine(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return torch.addmm(bias, x, weight)


class _RunByRun(nn.Module):
    """What a module with a weight and a bias does to its input, for one run after another."""

    def __init__(self, module: nn.LayerNorm | Affine, operation: Callable[[Tensor, Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.weight, self.bias = module.weight, module.bias
        self._operation = operation

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = _Mapped.apply(self._of_runs, x, self.weight, self.bias)  # type: ignore[no-untyped-call]
        return found

    def _of_runs(self, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        of_runs = zip(x.unbind(), weight.unbind(), bias.unbind(), strict=True)
        return torch.stack([self._operation(*run) for run in of_runs])


class _ScoresOfRuns(nn.Module):
    """Scores of the blocks of all runs in one product."""

    def __init__(self, scores: Scores) -> None:
        super().__init__()
        self._scores = scores

    def forward(self, mask: Tensor, q: Tensor, k: Tensor) -> Tensor:
        found: Tensor = _Mapped.apply(self._of_runs, mask, q, k)  # type: ignore[no-untyped-call]
        return found

    def _of_runs(self, mask: Tensor, q: Tensor, k: Tensor) -> Tensor:
        masks = mask[0] if mask.shape[1] == 1 else mask.flatten(0, 1)  # one for all blocks, or one for each
        together: Tensor = self._scores(masks, q.flatten(0, 1), k.flatten(0, 1))
        return together.view(*q.shape[:2], *together.shape[1:])


class _Mapped(torch.autograd.Function):
    """An operation on arrays that have the run as their first index, as vmap calls it. Gradients are those of what it does."""

    @staticmethod
    def forward(operation: Any, *given: Any) -> Any:
        raise NotImplementedError("only under vmap")

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        """Nothing is kept."""

    @staticmethod
    def vmap(info: Any, in_dims: Any, operation: Any, *given: Any) -> Any:
        placed = [
            value.expand(info.batch_size, *value.shape) if dim is None else value.movedim(dim, 0)
            for value, dim in zip(given, in_dims[1:], strict=True)
        ]
        return operation(*placed), 0


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
