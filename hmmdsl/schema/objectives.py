"""What a training run minimizes, as `objective = …` says it."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from hmmdsl.schema.base import ModelName, Record

MOST_FUTURE_WORDS = 4096
"""Most words of k tokens that a network may predict at once: it has one logit for each."""

MOST_GENERATED_WORDS = 20_000
"""Most words of context + 1 tokens over which an adversarial loss is summed exactly."""


class NextToken(Record):
    """Cross-entropy of the next token, in nats, the same weight for every position."""

    kind: Literal["next_token"] = "next_token"


class Future(Record):
    """Cross-entropy of the next `k` tokens jointly, in nats, the same weight for every position: the network has one logit for
    each of the V^k words of k tokens. `future { k = 1 }` is `next_token`."""

    called: ClassVar[str | None] = "k"
    kind: Literal["future"] = "future"
    k: int = Field(ge=1, le=64, description="how many tokens")


class Adversarial(Record):
    """A generative adversarial network: the network writes words token by token, a discriminator learns to tell them from the
    process' words, and the network is trained on what the discriminator says alone. Next-token loss and gap are reported, and
    play no part in training."""

    kind: Literal["adversarial"] = "adversarial"
    discriminator: ModelName | None = Field(
        None, description="the discriminator's network, with a single output; one like the generator if not given"
    )
    d_steps: int = Field(1, ge=1, le=1000, description="the discriminator's steps before each of the generator's")
    lr: float = Field(1e-3, gt=0, le=100, description="the discriminator's learning rate (Adam, betas 0.5 and 0.999)")


Objective = Annotated[NextToken | Future | Adversarial, Field(discriminator="kind")]


def tokens_ahead(objective: NextToken | Future | Adversarial) -> int:
    """How many of the next tokens the network predicts jointly."""
    return objective.k if isinstance(objective, Future) else 1
