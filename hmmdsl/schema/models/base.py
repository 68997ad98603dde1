"""What every kind of network has in common, as far as a spec says it and as far as it is known before anything runs."""

from __future__ import annotations

from abc import abstractmethod

from pydantic import Field

from hmmdsl.schema.base import Record


class Model(Record):
    """Base of all kinds of networks. A subclass gives `kind` as a literal field."""

    context: int = Field(10, ge=1, le=4096, description="longest history the network reads, in tokens (the bos token apart)")
    bos: bool = Field(False, description="begin each word with a token of its own, so that the empty history is a position")

    @classmethod
    def home(cls) -> str:
        """The module of its network: that of the same name, if a kind says no other."""
        return f"hmmdsl.models.{cls.__module__.rpartition('.')[2]}"

    @property
    def positions_read(self) -> int:
        """Number of positions that the network predicts at."""
        return self.context + self.bos

    @property
    @abstractmethod
    def width(self) -> int | None:
        """Numbers in which the network can hold what it knows of a history at one point; None where it has no such vector."""

    @property
    @abstractmethod
    def summary(self) -> str:
        """What it is, in a few words: `a 4-layer transformer`."""

    @abstractmethod
    def points(self) -> dict[str, int]:
        """The named points where activations are read and their widths, in the order of the computation. A list of points, such
        as the blocks, appears as `block[0]`, `block[1]`, …"""

    @abstractmethod
    def parameters(self, vocabulary: int) -> int:
        """Number of trained parameters for so many tokens."""

    @abstractmethod
    def activation_floats(self) -> int:
        """Numbers that one training step keeps for each history, about: what each layer saves for its gradient."""

    def count(self, point: str) -> int:
        """How many points there are of a list: `count("block")` is the number of blocks."""
        return sum(name.startswith(f"{point}[") for name in self.points())


def affine(inputs: int, outputs: int) -> int:
    """Parameters of an affine map."""
    return (inputs + 1) * outputs


def norm_parameters(norm: str, width: int) -> int:
    """Parameters of a normalization: a scale, and for layer_norm a shift."""
    return {"layer_norm": 2 * width, "rms_norm": width, "none": 0}[norm]


def layered(count: int, what: str) -> str:
    """`a 4-layer transformer`, with the right article."""
    article = "an" if str(count)[0] == "8" or count in (11, 18) else "a"
    return f"{article} {count}-layer {what}"
