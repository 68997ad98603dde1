"""`portrait`: what theory says of a process, as numbers that claims may name and sweeps may count."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field

from hmmdsl.analysis.kind import Kind
from hmmdsl.analysis.work import (
    Reads,
)
from hmmdsl.schema.analysis import Surroundings
from hmmdsl.schema.base import ProcessName
from hmmdsl.schema.results import Group, Quantity, Series, theory

CARDINALITIES = {
    "finite": "1 if the causal states met in the long run are known to be finite in number, else 0",
    "countable": "1 if they are known to be infinite in number, yet countable, else 0",
    "uncountable": "1 if they are known to be uncountable, else 0",
    "undecided": "1 if none of these was shown, else 0",
}
"""Exactly one of the four is 1; all are undefined where there is no one ergodic component to ask."""


class PortraitOf(Kind):
    """What theory says of a process, without any training: the numbers of `hmmdsl show`, under the paths of its `--json`. So a
    claim can name them, and a sweep can count how many processes of a family are such or such. What is yes or no is 1 or 0;
    what theory leaves open, or what was too much work, is undefined."""

    word: ClassVar[str] = "portrait"
    kind: Literal["portrait"] = "portrait"
    process: ProcessName = Field(description="the process that is described")
    depth: int = Field(10, ge=1, le=64, description="how many myopic entropies are computed, as far as words are not too many")

    def needs(self) -> Sequence[str]:
        return ()

    def results(self, around: Surroundings) -> Group:
        return theory(schema(self.depth))

    def seconds(self, reads: Reads, around: Surroundings) -> float:
        """What the process' own stage has found is read; that of another process is found here."""
        return 0.1


def schema(depth: int) -> Group:
    """The numbers that there are, under the paths of `hmmdsl show --json`, with `depth` myopic entropies."""
    return Group(
        {
            "ergodic": Quantity("1", "1 if there is one closed class of states, else 0"),
            "irreducible": Quantity("1", "1 if every state leads to every other, else 0"),
            "period": Quantity("1", "the period of the chain of states"),
            "unifilar": Quantity("1", "1 if a state and a token leave no doubt of the next state, else 0"),
            "beliefs": Group(
                {
                    "closed": Quantity("1", "1 if the mixed states were found to be finite in number, else 0"),
                    "count": Quantity("1", "the number of mixed states, the start included; undefined if they do not close"),
                    "closed_at": Quantity("1", "the depth at which the last of them is found"),
                    "found": Quantity("1", "how many were found before the search ended"),
                    "recurrent": Quantity("1", "how many of them are met for ever; undefined if they do not close"),
                },
                "mixed states: the beliefs of an optimal observer",
            ),
            "numerical": Quantity("1", "1 if the process has floats, so that no number of states is proven, else 0"),
            "causal_states": Quantity("1", "the number of causal states; undefined if infinite or unknown"),
            "causal_cardinality": Group(
                {
                    **{name: Quantity("1", text) for name, text in CARDINALITIES.items()},
                    "proven": Quantity("1", "1 if that is shown by an exact argument, else 0"),
                },
                "how many causal states an observer meets in the long run",
            ),
            "canonical_dimension": Group(
                {"rank": Quantity("1", "the Hankel rank"), "proven": Quantity("1", "1 if exact, else 0")}
            ),
            "entropy_rate": Group(
                {
                    "bits": Quantity("bits", "entropy rate, per token"),
                    "nats": Quantity("nats", "entropy rate, per token"),
                    "error_bits": Quantity("bits", "how far the entropy rate may be off"),
                }
            ),
            "statistical_complexity": _measure("bits", "C_mu, the entropy of the causal states"),
            "excess_entropy": _measure("bits", "E, what the past tells of the future"),
            "crypticity": _measure("bits", "C_mu - E"),
            "transient_information": _measure("bits × tokens", "T, how hard it is to synchronize"),
            "myopic_entropies": Group(
                {
                    "bits": Series(Quantity("bits", "entropy of a token, given those before it"), depth),
                    "nats": Series(Quantity("nats", "entropy of a token, given those before it"), depth),
                },
                "by how many tokens are known, from 0; undefined where words are too many",
            ),
            "cloud": Group(
                {
                    "box_counting": _dimension("box-counting dimension of the set of beliefs"),
                    "information": _dimension("information dimension of the beliefs' distribution"),
                },
                "the beliefs in the long run; a dimension of 0 where they are finite in number",
            ),
            "lyapunov": _dimension("Lyapunov dimension, at least the information dimension"),
        },
        "what theory says of the process",
    )


def _measure(unit: str, description: str) -> Group:
    return Group(
        {
            "bits": Quantity(unit, f"{description}; undefined if infinite or unknown"),
            "error_bits": Quantity(unit, "how far that may be off"),
        }
    )


def _dimension(description: str) -> Group:
    return Group({"dimension": Quantity("1", description), "error": Quantity("1", "its error")})
