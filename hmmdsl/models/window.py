"""The last tokens before each row of a layout."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from jaxtyping import Int64
    from torch import Tensor

    from hmmdsl.models.layout import Layout


def last_tokens(layout: Layout, window: int, nothing: int) -> Int64[Tensor, "row window"]:
    """The row's own token, the one before it, and so on; `nothing` where the history has no more."""
    padded = torch.cat([layout.token, layout.token.new_full((1,), nothing)])  # row -1 is the padding
    parent = torch.cat([layout.parents, layout.parents.new_full((1,), -1)])
    at = torch.arange(layout.token.shape[0], device=layout.token.device)
    found = []
    for _ in range(window):
        found.append(padded[at])
        at = parent[at]
    return torch.stack(found, dim=1)
