"""`model NAME: mlp { … }`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from hmmdsl.schema.models.base import Model, affine, layered


class MLP(Model):
    """A multi-layer perceptron on the last tokens, which knows nothing of what came before its window. `block[i]` is hidden layer
    i; there is an `embedding` only if `d_embed` is given."""

    kind: Literal["mlp"] = "mlp"
    layers: int = Field(2, ge=1, le=128, description="number of hidden layers")
    d_model: int = Field(64, ge=1, le=16_384, description="width of each hidden layer")
    window: int | None = Field(None, ge=1, le=4096, description="how many of the last tokens it reads; the context if not given")
    d_embed: int | None = Field(
        None, ge=1, le=16_384, description="width of each token's learned vector; if not given, tokens are read one-hot"
    )
    activation: Literal["relu", "gelu", "tanh"] = Field("relu", description="non-linearity of the hidden layers")
    initial_sd: float | None = Field(
        None,
        gt=0,
        le=10,
        description="standard deviation of the initial weights; default 1 for the embedding and sqrt(2/inputs) elsewhere",
    )

    @model_validator(mode="after")
    def _window_fits(self) -> MLP:
        if self.window is not None and self.window > self.context:
            raise PydanticCustomError(
                "window",
                "a window of {window} tokens is longer than the context of {context}",
                {"window": self.window, "context": self.context, "field": "window", "help": "leave `window` out for all of it"},
            )
        return self

    @property
    def seen(self) -> int:
        """`window`, with its default filled in."""
        return self.window if self.window is not None else self.context

    @property
    def width(self) -> int:
        return self.d_model

    @property
    def summary(self) -> str:
        return f"{layered(self.layers, 'perceptron')} on the last {self.seen} tokens"

    def points(self) -> dict[str, int]:
        embedding = {"embedding": self.seen * self.d_embed} if self.d_embed is not None else {}
        return embedding | {f"block[{i}]": self.d_model for i in range(self.layers)}

    def parameters(self, vocabulary: int) -> int:
        alphabet = vocabulary + 1
        first = (
            self.seen * alphabet * self.d_model + self.d_model
            if self.d_embed is None
            else alphabet * self.d_embed + affine(self.seen * self.d_embed, self.d_model)
        )
        return first + (self.layers - 1) * affine(self.d_model, self.d_model) + affine(self.d_model, vocabulary)

    def activation_floats(self) -> int:
        """Each layer's input and output, and what the window looks up, which for one-hot tokens is there for a moment only."""
        read = self.seen * (self.d_embed if self.d_embed is not None else self.d_model)
        return 2 * read + self.layers * 2 * self.d_model
