"""What a run tells while it goes."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest

from hmmdsl.cli.progress import LiveProgress, PlainProgress, progress_on, training_words
from hmmdsl.runtime.progress import OfStages, Silence, duration
from hmmdsl.runtime.stage import Plan, Stage, StageId

TRAIN = Stage(StageId.of("train", "fit"), (), "0" * 10)
PLAN = Plan("rrxor", (TRAIN,), "1" * 10)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.84, "0.8 s"), (42.4, "42 s"), (185, "3:05"), (3600 * 2 + 185, "2:03:05"), (99.9, "100 s")]
)
def test_durations_are_short(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_training_says_step_loss_gap_in_nats_and_time_left() -> None:
    assert (
        training_words(400, 1200, 0.578324, 1.4e-4, 9.1)
        == "step 400/1,200   loss 0.57832   gap 1.4\xa0×\xa010⁻⁴ nats   9.1 s left"
    )


def test_plain_lines_come_rarely_but_always_for_the_first_and_the_last_step() -> None:
    stream = io.StringIO()
    progress = PlainProgress(stream, interval=3600)
    progress.begin(PLAN)
    progress.start(TRAIN)
    for step in range(101):
        progress.step(TRAIN, step, 100, 0.6, None)
    progress.step(TRAIN, 100, 100, 0.6, 1e-4)
    progress.finish(TRAIN, 2.0)
    steps = [line for line in stream.getvalue().splitlines() if "step" in line]
    assert [line.split()[1] for line in steps] == ["0/100", "100/100"]


def test_of_points_of_sweeps_single_stages_are_no_news() -> None:
    stream = io.StringIO()
    progress = OfStages(PlainProgress(stream), {TRAIN.hash})
    point = replace(TRAIN, hash="2" * 10)
    for stage in (point, TRAIN):
        progress.start(stage)
        progress.step(stage, 0, 100, 0.6, None)
        progress.finish(stage, 2.0)
    assert stream.getvalue().splitlines() == ["train fit …", "  step 0/100   loss 0.60000   nats", "train fit: 2.0 s"]


def test_quiet_is_silent_and_a_pipe_gets_plain_lines() -> None:
    assert isinstance(progress_on(io.StringIO(), quiet=True), Silence)
    assert isinstance(progress_on(io.StringIO(), quiet=False), PlainProgress)


def test_live_progress_shows_every_stage_with_its_time() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    progress = progress_on(stream, quiet=False)
    assert isinstance(progress, LiveProgress)
    progress.begin(PLAN)
    progress.start(TRAIN)
    progress.step(TRAIN, 50, 100, 0.6, 1e-3)
    progress.finish(TRAIN, 2.0)
    progress.close()
    assert "train fit" in stream.getvalue()
    assert "2.0 s" in stream.getvalue()
