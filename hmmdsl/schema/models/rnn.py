"""`model NAME: rnn { … }`."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from hmmdsl.schema.models.recurrent import Recurrent


class RNN(Recurrent):
    """A recurrent network in its plainest form (Elman 1990): the hidden state after a token is a non-linear function of an affine
    map of that token and of the state before. `block[i]` is the hidden state of layer i after the history."""

    gates: ClassVar[int] = 1
    name: ClassVar[str] = "recurrent network"

    kind: Literal["rnn"] = "rnn"
    activation: Literal["tanh", "relu"] = Field("tanh", description="non-linearity of the hidden state")
