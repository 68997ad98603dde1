"""`model NAME: lstm { … }`."""

from __future__ import annotations

from typing import ClassVar, Literal

from hmmdsl.schema.models.recurrent import Recurrent


class LSTM(Recurrent):
    """Long short-term memory (Hochreiter & Schmidhuber 1997) with forget gates: a cell that gates write, keep and show. After the
    history `block[i]` is the hidden state of layer i and `cell[i]` its cell."""

    gates: ClassVar[int] = 4
    name: ClassVar[str] = "LSTM"

    kind: Literal["lstm"] = "lstm"

    def further_points(self) -> list[str]:
        return [f"cell[{i}]" for i in range(self.layers)]
