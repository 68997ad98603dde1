"""Training runs, as declared by `train NAME { … }`: data, optimizer, schedule, checkpoints."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from hmmdsl.schema.base import AutoHistories, Histories, ModelName, ProcessName, Record, TrainName
from hmmdsl.schema.objectives import Adversarial, NextToken, Objective
from hmmdsl.schema.parts import Part
from hmmdsl.schema.replication import SEEDS

# ---------------------------------------------------------------- data


class ExactData(Record):
    """The gradient of the expectation itself, over the whole history tree: no sampling noise."""

    kind: Literal["exact"] = "exact"
    withhold: float = Field(0.0, ge=0, lt=1, description="share of the subtrees, by probability, that training never sees")


class SampledData(Record):
    """Batches of words drawn from the process, context + 1 tokens each (context + k for `future { k = … }`), against the drawn
    next tokens."""

    kind: Literal["sampled"] = "sampled"
    batch: int = Field(64, ge=1, le=1_000_000, description="words in a batch")


Data = Annotated[ExactData | SampledData, Field(discriminator="kind")]

# ---------------------------------------------------------------- optimizer


class Adam(Record):
    """Adam (Kingma & Ba 2015)."""

    kind: Literal["adam"] = "adam"
    lr: float = Field(1e-3, gt=0, le=100, description="learning rate; a schedule's highest")
    betas: tuple[float, float] = Field((0.9, 0.98), description="decay of the two running means")
    eps: float = Field(1e-8, gt=0, description="added to the denominator")


class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019)."""

    kind: Literal["adamw"] = "adamw"  # type: ignore[assignment]
    weight_decay: float = Field(0.0, ge=0, description="decoupled weight decay")


class SGD(Record):
    """Stochastic gradient descent."""

    kind: Literal["sgd"] = "sgd"
    lr: float = Field(1e-2, gt=0, le=100, description="learning rate; a schedule's highest")
    momentum: float = Field(0.0, ge=0, lt=1, description="momentum")
    weight_decay: float = Field(0.0, ge=0, description="L2 penalty")


Optimizer = Annotated[Adam | AdamW | SGD, Field(discriminator="kind")]

# ---------------------------------------------------------------- schedule


class Constant(Record):
    """The learning rate stays, after an optional linear warm-up."""

    kind: Literal["constant"] = "constant"
    warmup: float = Field(0.0, ge=0, lt=1, description="share of the steps in which the rate rises from zero")


class Cosine(Record):
    """Linear warm-up, then half a cosine down to `floor` times the rate."""

    kind: Literal["cosine"] = "cosine"
    warmup: float = Field(0.0, ge=0, lt=1, description="share of the steps in which the rate rises from zero")
    floor: float = Field(0.0, ge=0, le=1, description="the last rate, as a share of the highest")


class OneCycle(Record):
    """One cycle (Smith & Topin 2018): half a cosine up from lr/25 in the warm-up, then half a cosine down to lr/250,000."""

    kind: Literal["one_cycle"] = "one_cycle"
    warmup: float = Field(0.3, gt=0, lt=1, description="share of the steps in which the rate rises")


Schedule = Annotated[Constant | Cosine | OneCycle, Field(discriminator="kind")]

# ---------------------------------------------------------------- checkpoints


MOST_CHECKPOINTS = 100_000
"""Of one training run: each is a file, and what is repeated at each has a result for each."""


class LogSpaced(Record):
    """Checkpoints at logarithmically spaced steps, the first at step 0 and the last after the last step."""

    kind: Literal["log_spaced"] = "log_spaced"
    count: int = Field(12, ge=2, le=1000, description="how many; fewer where steps coincide")


class Every(Record):
    """A checkpoint every so many steps, at step 0, and after the last step."""

    kind: Literal["every"] = "every"
    steps: int = Field(ge=1, description="steps between checkpoints")


class Ends(Record):
    """Step 0 and the last step only."""

    kind: Literal["ends"] = "ends"


Checkpoints = (
    Annotated[LogSpaced | Every | Ends, Field(discriminator="kind")]
    | Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1, max_length=1000)]
)

# ---------------------------------------------------------------- the run


class Train(Record):
    """One network trained on one process."""

    process: ProcessName = Field(description="the process whose words it is trained on")
    model: ModelName = Field(description="the network; each train has weights of its own")
    objective: Objective = Field(NextToken(), description="what is minimized")
    data: Data = Field(ExactData(), description="the whole history tree, or batches of drawn words")
    optimizer: Optimizer = Field(AdamW(), description="the optimizer")
    schedule: Schedule = Field(Constant(), description="how the learning rate changes over the steps")
    start_from: TrainName | None = Field(
        None,
        description="another train whose last weights this one begins with; those of tokens only if it has the same tokens, and "
        "weights of another shape never: they are drawn from the seed",
    )
    freeze: tuple[Part, ...] = Field(
        (), description="parts that stay as they begin: `body` is all but the embedding and the unembedding"
    )
    steps: int = Field(1000, ge=1, le=100_000_000, description="optimizer steps")
    seed: int = Field(0, ge=0, lt=SEEDS, description="feeds independent streams for initialization, data and each control")
    clip: float | None = Field(None, gt=0, description="largest norm of the gradient; no limit if not given")
    checkpoints: Checkpoints = Field(
        Ends(), description="when weights are kept; a list says after which steps, besides step 0 and the last step"
    )
    histories: Histories = Field(AutoHistories(), description="the histories that loss and gap are evaluated on")
    threads: int = Field(1, ge=1, le=256, description="CPU threads; part of the run's identity, since sums depend on it")
    device: Literal["auto", "cpu", "cuda", "mps"] = Field("auto", description="auto takes CUDA, then MPS, then the CPU")

    def models(self) -> tuple[str, ...]:
        """The names of the networks that it trains: its own, and a discriminator's if it names one."""
        judge = self.objective.discriminator if isinstance(self.objective, Adversarial) else None
        return (self.model,) if judge is None else (self.model, judge)

    @model_validator(mode="after")
    def _checkpoints(self) -> Train:
        late = [step for step in self.checkpoints if step > self.steps] if isinstance(self.checkpoints, tuple) else []
        if late:
            raise PydanticCustomError(
                "checkpoints",
                "there is no step {late}: training ends after step {steps}",
                {"late": late[0], "steps": self.steps, "field": "checkpoints", "help": "leave it out, or train for more steps"},
            )
        return self

    @model_validator(mode="after")
    def _few_checkpoints(self) -> Train:
        interval = self.checkpoints.steps if isinstance(self.checkpoints, Every) else self.steps
        if self.steps // interval > MOST_CHECKPOINTS:
            enough = -(-self.steps // MOST_CHECKPOINTS)
            raise PydanticCustomError(
                "checkpoints",
                "{steps} steps with a checkpoint every {interval} are more than {most} checkpoints",
                {
                    "steps": f"{self.steps:,}",
                    "interval": interval,
                    "most": f"{MOST_CHECKPOINTS:,}",
                    "field": "checkpoints",
                    "help": f"write `log_spaced {{ count = 100 }}`, or `every {{ steps = {enough} }}`",
                },
            )
        return self

    @model_validator(mode="after")
    def _betas(self) -> Train:
        if isinstance(self.optimizer, Adam) and not all(0 <= b < 1 for b in self.optimizer.betas):
            raise PydanticCustomError(
                "betas",
                "betas must lie in [0, 1)",
                {"field": "optimizer.betas", "help": "write `betas = [0.9, 0.98]`"},
            )
        return self
