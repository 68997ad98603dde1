"""When a training run keeps its weights."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmmdsl.schema.checkpoints import checkpoint_count, checkpoint_steps
from hmmdsl.schema.train import Ends, Every, LogSpaced, Train


def _train(steps: int, checkpoints: LogSpaced | Every | Ends | tuple[int, ...]) -> Train:
    return Train(process="p", model="m", steps=steps, checkpoints=checkpoints)


@given(st.integers(1, 10**7), st.one_of(st.builds(LogSpaced, count=st.integers(2, 50)), st.just(Ends())))
def test_the_first_is_the_initialization_and_the_last_the_last_step(steps: int, checkpoints: LogSpaced | Ends) -> None:
    found = checkpoint_steps(_train(steps, checkpoints))
    assert found[0] == 0
    assert found[-1] == steps
    assert list(found) == sorted(set(found))


@given(st.integers(1, 10**6), st.integers(2, 50))
def test_log_spaced_keeps_at_most_count(steps: int, count: int) -> None:
    assert len(checkpoint_steps(_train(steps, LogSpaced(count=count)))) <= count


def test_log_spaced_are_powers() -> None:
    assert checkpoint_steps(_train(1000, LogSpaced(count=5))) == (0, 1, 10, 100, 1000)
    assert checkpoint_steps(_train(1200, LogSpaced(count=2))) == (0, 1200)


def test_every_keeps_the_last_step_too() -> None:
    assert checkpoint_steps(_train(250, Every(steps=100))) == (0, 100, 200, 250)
    assert checkpoint_steps(_train(50, Every(steps=100))) == (0, 50)


def test_a_list_says_which_besides_the_ends() -> None:
    assert checkpoint_steps(_train(250, (100, 7, 100))) == (0, 7, 100, 250)
    with pytest.raises(ValueError, match="training ends after step 50"):
        _train(50, (51,))


@pytest.mark.parametrize("steps", [1, 7, 12, 100_000])
@pytest.mark.parametrize("checkpoints", [Every(steps=1), Every(steps=5), Every(steps=12), LogSpaced(count=9), Ends(), (1,)])
def test_they_are_counted_without_a_list(steps: int, checkpoints: LogSpaced | Every | Ends | tuple[int, ...]) -> None:
    train = _train(steps, checkpoints)
    assert checkpoint_count(train) == len(checkpoint_steps(train))
