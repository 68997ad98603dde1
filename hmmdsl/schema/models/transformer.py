"""`model NAME: transformer { … }`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from hmmdsl.schema.memory import block_size
from hmmdsl.schema.models.base import Model, affine, layered, norm_parameters


class Transformer(Model):
    """A decoder-only transformer: token and position embeddings, pre-normalized blocks of causal attention and an MLP, a final
    norm, and an unembedding to next-token logits."""

    kind: Literal["transformer"] = "transformer"
    layers: int = Field(4, ge=1, le=128, description="number of blocks")
    heads: int = Field(1, ge=1, le=1024, description="attention heads in each block")
    d_model: int = Field(64, ge=1, le=16_384, description="width of the residual stream")
    d_head: int | None = Field(None, ge=1, le=16_384, description="width of one head; d_model / heads if not given")
    d_mlp: int | None = Field(None, ge=1, le=65_536, description="width of the MLP's hidden layer; 4 d_model if not given")
    activation: Literal["relu", "gelu"] = Field("relu", description="non-linearity of the MLP")
    norm: Literal["layer_norm", "rms_norm", "none"] = Field(
        "layer_norm", description="normalization before each sublayer and at the end"
    )
    positions: Literal["learned", "sinusoidal", "rotary", "none"] = Field(
        "learned", description="how the network learns where a token stands"
    )
    attention_only: bool = Field(False, description="leave the MLPs out")
    initial_sd: float | None = Field(
        None,
        gt=0,
        le=10,
        description="standard deviation of the initial weights; default 0.02, and 0.02/sqrt(2 layers) where a sublayer writes",
    )

    @model_validator(mode="after")
    def _heads_fit(self) -> Transformer:
        if self.d_head is None and self.d_model % self.heads:
            raise PydanticCustomError(
                "heads",
                "{heads} heads do not divide d_model = {d_model}",
                {"heads": self.heads, "d_model": self.d_model, "field": "heads", "help": "give `d_head`, or choose a divisor"},
            )
        if self.positions == "rotary" and self.head_width % 2:
            raise PydanticCustomError(
                "rotary",
                "rotary positions turn pairs of coordinates, and d_head = {d_head} is odd",
                {"d_head": self.head_width, "field": "positions", "help": "choose an even d_head, or `positions = learned`"},
            )
        return self

    @property
    def head_width(self) -> int:
        """d_head, with its default filled in."""
        return self.d_head if self.d_head is not None else self.d_model // self.heads

    @property
    def mlp_width(self) -> int:
        """d_mlp, with its default filled in."""
        return self.d_mlp if self.d_mlp is not None else 4 * self.d_model

    @property
    def width(self) -> int:
        return self.d_model

    @property
    def summary(self) -> str:
        return layered(self.layers, "transformer")

    def points(self) -> dict[str, int]:
        names = ["embedding", *(f"block[{i}]" for i in range(self.layers)), "final_norm"]
        return dict.fromkeys(names, self.d_model)

    def parameters(self, vocabulary: int) -> int:
        d, heads, norm = self.d_model, self.heads * self.head_width, norm_parameters(self.norm, self.d_model)
        mlp = 0 if self.attention_only else norm + affine(d, self.mlp_width) + affine(self.mlp_width, d)
        block = norm + affine(d, 3 * heads) + affine(heads, d) + mlp
        learned = self.positions_read * d if self.positions == "learned" else 0
        return (vocabulary + self.bos) * d + learned + self.layers * block + norm + affine(d, vocabulary)

    def activation_floats(self) -> int:
        """Per block: two normalized inputs and two residuals (d_model each), queries, keys and values with their gathered copies,
        the attention's weights over a block of histories and its ancestors, and the MLP's hidden layer with its gradient."""
        heads = self.heads * self.head_width
        attention = 8 * heads + 3 * self.heads * (self.positions_read + block_size(self.positions_read))
        mlp = 0 if self.attention_only else 2 * self.mlp_width + 2 * self.d_model
        return self.layers * (4 * self.d_model + attention + mlp) + 6 * self.d_model
