"""Signals during training, and signals outside of it."""

from __future__ import annotations

import pickle
import signal
import threading
from pathlib import Path

import pytest

from hmmdsl.process.process import Process
from hmmdsl.training.interruption import Interrupted, stop_requests
from hmmdsl.training.loop import train_network
from tests.training.resumable_runs import SMALL, settings

pytestmark = pytest.mark.usefixtures("usual_signals")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_only_asks(number: signal.Signals) -> None:
    handler = signal.getsignal(number)

    def training() -> None:
        with stop_requests() as stop:
            assert stop.number is None
            signal.raise_signal(number)
            assert stop.number == number
            raise Interrupted("fit", 1, 2, number)

    with pytest.raises(Interrupted):
        training()
    assert signal.getsignal(number) is handler


def test_a_second_interrupt_stops_at_once() -> None:
    def training() -> None:
        with stop_requests():
            signal.raise_signal(signal.SIGTERM)
            signal.raise_signal(signal.SIGTERM)  # managers of clusters send several
            signal.raise_signal(signal.SIGINT)
            pytest.fail("the second request was not heard")

    with pytest.raises(KeyboardInterrupt) as caught:
        training()
    assert not isinstance(caught.value, Interrupted)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_signal_that_nobody_answered_does_what_it_always_does() -> None:
    with pytest.raises(KeyboardInterrupt), stop_requests():
        signal.raise_signal(signal.SIGINT)


def test_an_ignored_signal_stays_ignored() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with stop_requests() as stop:
        signal.raise_signal(signal.SIGINT)
    assert stop.number is None
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_another_thread_trains_without_touching_signals(golden_mean: Process, tmp_path: Path) -> None:
    losses: list[float] = []

    def train() -> None:
        losses.append(train_network("fit", settings(), SMALL, golden_mean, tmp_path, "cpu").loss)

    thread = threading.Thread(target=train)
    thread.start()
    thread.join()
    assert losses


def test_it_goes_from_one_process_to_another_and_says_where_it_stopped() -> None:
    error = Interrupted("fit", 1_200, 3_000, signal.SIGTERM)
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == str(error) == "training of fit stopped after step 1,200 of 3,000"
    assert (again.name, again.step, again.steps, again.number) == ("fit", 1_200, 3_000, signal.SIGTERM)
