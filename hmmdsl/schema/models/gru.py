"""`model NAME: gru { … }`."""

from __future__ import annotations

from typing import ClassVar, Literal

from hmmdsl.schema.models.recurrent import Recurrent


class GRU(Recurrent):
    """Gated recurrent units (Cho et al. 2014): gates say how much of the hidden state is kept and how much of it the new state
    reads. `block[i]` is the hidden state of layer i after the history."""

    gates: ClassVar[int] = 3
    name: ClassVar[str] = "GRU"

    kind: Literal["gru"] = "gru"
