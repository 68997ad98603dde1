"""The schedules' formulas beside torch's own."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hmmdsl.schema.train import Constant, Cosine, OneCycle
from hmmdsl.training.optimizer import rate


def torch_rates(scheduler: type, steps: int, **options: object) -> list[float]:
    """The learning rates that a torch scheduler gives, for a highest rate of 1."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    made = scheduler(optimizer, **options)
    rates = []
    for step in range(steps):
        rates.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        if step < steps - 1:
            made.step()
    return rates


@pytest.mark.parametrize(("steps", "warmup"), [(100, 0.05), (100, 0.3), (37, 0.21), (1200, 0.05)])
def test_one_cycle_is_torchs(steps: int, warmup: float) -> None:
    schedule = OneCycle(warmup=warmup)
    ours = [rate(schedule, step, steps) for step in range(steps)]
    theirs = torch_rates(
        torch.optim.lr_scheduler.OneCycleLR, steps, max_lr=1.0, total_steps=steps, pct_start=warmup, cycle_momentum=False
    )
    assert ours == pytest.approx(theirs, rel=1e-9, abs=1e-12)
    assert max(ours) == pytest.approx(1, rel=1e-2)
    assert ours[-1] == pytest.approx(1 / 250_000)


@pytest.mark.parametrize("floor", [0.0, 0.1])
def test_cosine_without_warmup_is_torchs(floor: float) -> None:
    ours = [rate(Cosine(floor=floor), step, 50) for step in range(50)]
    theirs = torch_rates(torch.optim.lr_scheduler.CosineAnnealingLR, 50, T_max=49, eta_min=floor)
    assert ours == pytest.approx(theirs, rel=1e-9, abs=1e-12)


def test_a_warmup_rises_evenly_to_the_highest_rate() -> None:
    ours = [rate(Constant(warmup=0.1), step, 100) for step in range(100)]
    assert ours[:10] == pytest.approx([k / 10 for k in range(1, 11)])
    assert ours[10:] == [1.0] * 90
    cosine = [rate(Cosine(warmup=0.1), step, 100) for step in range(100)]
    assert cosine[:10] == ours[:10]
    assert cosine[10] == 1.0


@given(
    st.sampled_from([Constant(), Constant(warmup=0.4), Cosine(warmup=0.5, floor=0.2), OneCycle(), OneCycle(warmup=0.999)]),
    st.integers(1, 60),
)
def test_rates_lie_between_zero_and_one_however_few_the_steps(schedule: Constant | Cosine | OneCycle, steps: int) -> None:
    rates = [rate(schedule, step, steps) for step in range(steps)]
    assert all(0 <= each <= 1 for each in rates)
    assert max(rates) > 0.03 or steps == 1  # the only step of one cycle is its last, and its last rate is the lowest
