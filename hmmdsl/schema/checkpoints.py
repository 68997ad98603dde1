"""At which steps a training run keeps its weights: known before it runs, so that result schemas know their lengths."""

from __future__ import annotations

from hmmdsl.schema.train import Every, LogSpaced, Train


def checkpoint_count(train: Train) -> int:
    """How many there are; those of `every` are counted, not listed."""
    if isinstance(train.checkpoints, Every):
        return 1 + -(-train.steps // train.checkpoints.steps)
    return len(checkpoint_steps(train))


def checkpoint_steps(train: Train) -> tuple[int, ...]:
    """The steps after which the weights are kept, ascending: always 0 (the initialization) and the last step.

    `log_spaced { count }` stands at 0 and at the rounded powers `steps^(i / (count - 2))`, i = 0 … count - 2; steps that
    coincide count once.
    """
    last, chosen = train.steps, {0, train.steps}
    match train.checkpoints:
        case LogSpaced(count=count) if count > 2:
            chosen.update(min(last, max(1, round(last ** (i / (count - 2))))) for i in range(count - 1))
        case Every(steps=interval):
            chosen.update(range(interval, last, interval))
        case tuple() as steps:
            chosen.update(steps)
    return tuple(sorted(chosen))
