"""What the recurrent networks of one step after another (rnn, gru, lstm) have in common."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from hmmdsl.schema.models.base import Model, affine, layered, norm_parameters


class Recurrent(Model):
    """Layers of recurrent units, each of which reads the one below: a token embedding, the layers, perhaps a final norm, and an
    unembedding to next-token logits."""

    gates: ClassVar[int]
    """Affine maps of input and state in each layer, counted by their outputs' width in units of d_model."""
    name: ClassVar[str]
    """What people call it."""

    layers: int = Field(1, ge=1, le=128, description="number of recurrent layers")
    d_model: int = Field(64, ge=1, le=16_384, description="width of the token embedding and of every hidden state")
    norm: Literal["layer_norm", "rms_norm", "none"] = Field("none", description="normalization before the unembedding")
    initial_sd: float | None = Field(
        None,
        gt=0,
        le=10,
        description="standard deviation of the initial weights; default 1 for the embedding and 1/sqrt(3 d_model) elsewhere, "
        "as in PyTorch",
    )

    @classmethod
    def home(cls) -> str:
        return "hmmdsl.models.recurrent"

    @property
    def width(self) -> int:
        return self.d_model

    @property
    def summary(self) -> str:
        return layered(self.layers, self.name)

    def points(self) -> dict[str, int]:
        names = ["embedding", *(f"block[{i}]" for i in range(self.layers))]
        return dict.fromkeys([*names, *self.further_points(), *(["final_norm"] if self.norm != "none" else [])], self.d_model)

    def further_points(self) -> list[str]:
        """Points that only this kind has."""
        return []

    def parameters(self, vocabulary: int) -> int:
        maps = self.layers * 2 * self.gates * affine(self.d_model, self.d_model)
        ends = (vocabulary + self.bos) * self.d_model + affine(self.d_model, vocabulary)
        return ends + maps + norm_parameters(self.norm, self.d_model)

    def activation_floats(self) -> int:
        """Per layer: the input, the states before and after, and what each gate saves."""
        return self.d_model * (2 + self.layers * (2 + 2 * self.gates))
