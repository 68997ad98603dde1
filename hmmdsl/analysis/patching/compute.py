"""The computation behind `patching`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from hmmdsl.analysis.fitting.scores import spread
from hmmdsl.analysis.outcome import Inputs, Outcome
from hmmdsl.analysis.patching.record import RandomSource
from hmmdsl.analysis.reading.by_place import gathered
from hmmdsl.analysis.reading.continuation import divergence, normalized
from hmmdsl.analysis.reading.controls import Untrained
from hmmdsl.analysis.reading.transformers import transformer
from hmmdsl.models.layout import word_layout
from hmmdsl.process.sampling import sample_words
from hmmdsl.process.words import read_word
from hmmdsl.training.objective import next_token_of
from hmmdsl.training.streams import stream

if TYPE_CHECKING:
    from jaxtyping import Float, Float64, Int64
    from torch import Tensor

    from hmmdsl.analysis.patching.record import Patching
    from hmmdsl.models.transformer import TransformerNetwork

DISTINCT = 1e-12
"""Predictions that diverge by less, in nats, are the same but for rounding: there is nothing to restore."""


def compute(analysis: Patching, inputs: Inputs) -> Outcome:
    """All results of a patching: by point and position, with the controls."""
    trained = inputs.trained[analysis.of]
    source, base = (_word(text, inputs, analysis) for text in (analysis.source, analysis.base))
    network = transformer(trained)
    divergence_before, restored = restored_shares(network, base, source[None])
    own = restored[0]
    random: Float64[np.ndarray, "repeat point position"] | None = None
    untrained: Float64[np.ndarray, "point position"] | None = None
    top: dict[str, Any] = {"divergence": divergence_before}
    for control in analysis.controls:
        match control:
            case RandomSource(repeats=repeats):
                seed = stream(trained.train.seed, "random source")
                drawn = sample_words(trained.process, repeats, len(base), seed)
                _, random = restored_shares(network, base, drawn, source)
            case Untrained():
                before, shares = restored_shares(transformer(trained, 0), base, source[None])
                untrained = shares[0]
                top["untrained"] = {"divergence": before}

    def one_patch(point: int, position: int) -> dict[str, Any]:
        found: dict[str, Any] = {"restored": _defined(own[point, position])}
        if random is not None:
            shares = [_defined(share) for share in random[:, point, position]]
            found["random"] = {"restored": shares[0] if len(shares) == 1 else spread(shares).results()}
        if untrained is not None:
            found["untrained"] = {"restored": _defined(untrained[point, position])}
        return found

    names, positions = list(trained.model.points()), own.shape[1] - 1
    by_name = {
        name: {"position": [one_patch(i, p) for p in range(positions)], "whole": one_patch(i, positions)}
        for i, name in enumerate(names)
    }
    arrays = {"restored": own.astype(np.float32), "source": source, "base": base}
    if random is not None:
        arrays["random"] = random.astype(np.float32)
    return Outcome(top | gathered(by_name), arrays, {"histories": "two words", "points": len(names)})


@torch.no_grad()
def restored_shares(
    network: TransformerNetwork,
    base: Int64[np.ndarray, " token"],
    donors: Int64[np.ndarray, "donor token"],
    source: Int64[np.ndarray, " token"] | None = None,
) -> tuple[float, Float64[np.ndarray, "donor point position"]]:
    """KL(source || base) at the last position, in nats; and for each donor, point and position (after the last: all positions at
    once) the share of it that a patch from the donor takes away, `1 - KL(source || patched) / KL(source || base)`. The donor is
    the source where no other is given. NaN where the two predictions are the same."""
    device = network.device

    def tokens(words: Int64[np.ndarray, "word token"]) -> Int64[Tensor, "word position"]:
        read = torch.from_numpy(np.asarray(words, dtype=np.int64)).to(device)
        bos = read.new_full((len(read), 1 if network.spec.bos else 0), network.vocabulary)
        return torch.cat([bos, read], dim=1)

    def points(words: Int64[np.ndarray, "word token"]) -> dict[str, Float[Tensor, "word position d_model"]]:
        read = tokens(words)
        return {name: x.view(*read.shape, -1) for name, x in network.stream(word_layout(read))}

    def last(name: str, x: Float[Tensor, "word position d_model"]) -> Float64[np.ndarray, "word token"]:
        layout = word_layout(tokens(np.repeat(base[None], len(x), axis=0)))
        logits = network.logits_from(name, layout, x.reshape(-1, x.shape[-1])).view(*x.shape[:2], -1)
        return next_token_of(normalized(logits[:, -1].double().cpu().numpy()), network.vocabulary)

    here, there = points(base[None]), points(donors)
    # Predictions without a patch are read off the last point by the same way as patched ones.
    final = list(here)[-1]
    wanted = source[None] if source is not None else donors[:1]
    aimed = np.exp(last(final, points(wanted)[final]))
    before = float(divergence(aimed, last(final, here[final]))[0])
    shares = np.full((len(donors), len(here), here[final].shape[1] + 1), np.nan)
    if before <= DISTINCT:
        return before, shares
    for i, name in enumerate(here):
        for k in range(len(donors)):
            positions = here[name].shape[1]
            # A batch of patches: row p has the donor's activation at position p, the last row at all of them.
            x = here[name].repeat(positions + 1, 1, 1)
            for p in range(positions):
                x[p, p] = there[name][k, p]
            x[positions] = there[name][k]
            shares[k, i] = 1 - divergence(aimed, last(name, x)) / before
    return before, shares


def _word(text: str, inputs: Inputs, analysis: Patching) -> Int64[np.ndarray, " token"]:
    return np.array(read_word(inputs.trained[analysis.of].process.tokens, text), dtype=np.int64)


def _defined(share: float) -> float | None:
    return None if np.isnan(share) else float(share)
