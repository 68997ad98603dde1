"""`model NAME: ssm { … }`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from hmmdsl.schema.models.base import Model, affine, layered, norm_parameters


class SSM(Model):
    """A state-space model with a diagonal linear recurrence (the LRU of Orvieto et al. 2023): in each block the normalized
    residual stream drives complex states that turn and decay, x_t = a x_(t-1) + B u_t with |a| < 1, and what is read off them
    goes through a gated linear unit and is added to the stream. After the history `block[i]` is the residual stream after block
    i, and `cell[i]` the states of block i, real parts before imaginary ones."""

    kind: Literal["ssm"] = "ssm"
    layers: int = Field(2, ge=1, le=128, description="number of blocks")
    d_model: int = Field(64, ge=1, le=16_384, description="width of the residual stream")
    d_state: int = Field(32, ge=1, le=16_384, description="complex states in each block")
    norm: Literal["layer_norm", "rms_norm", "none"] = Field(
        "layer_norm", description="normalization before each recurrence and at the end"
    )
    r_min: float = Field(0.0, ge=0, lt=1, description="least initial |a|: the states that forget soonest")
    r_max: float = Field(0.99, gt=0, lt=1, description="greatest initial |a|: the states that remember longest")
    initial_sd: float | None = Field(
        None,
        gt=0,
        le=10,
        description="standard deviation of the initial weights; default 1 for the embedding and 1/sqrt(inputs) elsewhere",
    )

    @model_validator(mode="after")
    def _ring(self) -> SSM:
        if self.r_min >= self.r_max:
            raise PydanticCustomError(
                "ring",
                "r_min = {r_min} is not below r_max = {r_max}",
                {"r_min": self.r_min, "r_max": self.r_max, "field": "r_min", "help": "initial |a| are drawn between the two"},
            )
        return self

    @property
    def width(self) -> int:
        return self.d_model

    @property
    def summary(self) -> str:
        return layered(self.layers, "state-space model")

    def points(self) -> dict[str, int]:
        found = {"embedding": self.d_model}
        found |= {f"block[{i}]": self.d_model for i in range(self.layers)}
        found |= {f"cell[{i}]": 2 * self.d_state for i in range(self.layers)}
        return found | ({"final_norm": self.d_model} if self.norm != "none" else {})

    def parameters(self, vocabulary: int) -> int:
        norm = norm_parameters(self.norm, self.d_model)
        recurrence = 2 * self.d_state + 4 * self.d_state * self.d_model + self.d_model
        ends = (vocabulary + self.bos) * self.d_model + affine(self.d_model, vocabulary)
        return ends + norm + self.layers * (norm + recurrence + affine(self.d_model, 2 * self.d_model))

    def activation_floats(self) -> int:
        return 4 * self.d_model + self.layers * (9 * self.d_model + 12 * self.d_state)
