"""Geometries that activations might have in place of the beliefs'."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hmmdsl.analysis.options.targets import FutureTarget, target_values

if TYPE_CHECKING:
    from jaxtyping import Float64

    from hmmdsl.process.history_tree import HistoryTree
    from hmmdsl.process.process import Process


def rival_geometries(process: Process, tree: HistoryTree, future: int) -> dict[str, Float64[np.ndarray, "history coordinate"]]:
    """By name: `belief`; `log_belief`, its logarithm, NaN where some history rules a state out (and for a generalized HMM, whose
    beliefs may be negative); `unnormalized`, eta T_w, which shrinks with each token; `next_token`; `future`, the joint
    distribution of the next `future` tokens in its own coordinates."""
    positive = not process.generalized and bool((tree.belief > 0).all())
    return {
        "belief": tree.belief,
        "log_belief": np.log(tree.belief) if positive else np.full_like(tree.belief, np.nan),
        "unnormalized": tree.belief * word_probabilities(process, tree)[:, None],
        "next_token": tree.next_token,
        "future": target_values(process, tree, FutureTarget(k=future)),
    }


def word_probabilities(process: Process, tree: HistoryTree) -> Float64[np.ndarray, " history"]:
    """Pr(word) of every history from the process itself, where a drawn tree has its share of the drawn words."""
    found = np.ones(len(tree))
    first = process.eta @ process.emission
    for k, (start, end) in enumerate(zip(tree.levels, tree.levels[1:], strict=False)):
        token = tree.token[start:end]
        if k:
            parent = tree.parent[start:end]
            found[start:end] = found[parent] * tree.next_token[parent, token]
        elif not tree.bos:
            found[start:end] = first[token]
    return found
