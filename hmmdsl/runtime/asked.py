"""What a run is asked for: where it is to be made, of what, and how much of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from hmmdsl.runtime.engines.cores import available_cores

if TYPE_CHECKING:
    from hmmdsl.runtime.store.store import Store

EngineName = Literal["local", "ray", "slurm"]
Fuse = Literal["auto", "always", "never"]


@dataclass(frozen=True)
class EngineChoice:
    """Where stages are made. `workers` None leaves their number to the planner; `options` are an engine's own, by name."""

    name: EngineName = "local"
    workers: int | None = None
    address: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)


IN_PROCESS = EngineChoice(workers=1)
"""One stage after another, in this process."""


@dataclass(frozen=True)
class Fusion:
    """Whether training runs that are alike are trained as one, and the cores that the decision counts with."""

    fuse: Fuse = "auto"
    cores: int = field(default_factory=available_cores)

    @staticmethod
    def read(plain: object) -> Fusion:
        """What environment.json says of a run; the usual, where that says nothing or something else."""
        match plain:
            case {"fuse": "auto" | "always" | "never" as fuse, "cores": int(cores)} if cores > 0:
                return Fusion(fuse, cores)
        return Fusion()


def fusion_of(asked: bool | None) -> Fusion:
    """What `--fuse`, `--no-fuse` or neither asks for, on this machine."""
    return Fusion("auto" if asked is None else "always" if asked else "never")


@dataclass(frozen=True)
class Asked:
    """`store` holds what stages left before and takes what they make now: without one everything is computed, and nothing is
    kept. `force` computes everything though the store has it, `large` runs what seems to fit neither memory nor disk, and
    `settings` are the fields that were set, which are only written down."""

    store: Store | None = None
    force: bool = False
    choice: EngineChoice = IN_PROCESS
    fusion: Fusion = field(default_factory=Fusion)
    large: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)
