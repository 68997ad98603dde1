"""A run that was stopped or killed goes on, and ends with the very bytes of one that was not."""

from __future__ import annotations

import errno
import json
import os
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from safetensors import safe_open

from hmmdsl.process.process import Process
from hmmdsl.schema.base import SampledHistories
from hmmdsl.schema.models.transformer import Transformer
from hmmdsl.schema.train import SGD, Adam, AdamW, Constant, Cosine, ExactData, OneCycle, SampledData, Train
from hmmdsl.training import identity, resumption, words
from hmmdsl.training.loop import Diverged, train_network
from hmmdsl.training.resumption import ResumePoint, ResumePoints, discard
from tests.training import resumable_runs
from tests.training.resumable_runs import SMALL, STEPS, files, points_in, settings, steps_done, stopped_after, straight

pytestmark = pytest.mark.usefixtures("usual_signals")

OPTIMIZERS = [
    Adam(lr=1e-2),
    AdamW(lr=1e-2, weight_decay=0.1),
    SGD(lr=0.1),
    SGD(lr=0.1, momentum=0.9, weight_decay=0.01),
]
SCHEDULES = [Constant(), Constant(warmup=0.3), Cosine(warmup=0.2, floor=0.1), OneCycle(warmup=0.3)]
DATA = [ExactData(), ExactData(withhold=0.3), SampledData(batch=8), SampledData(batch=3)]


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Words are drawn 24 at a time, so that a few steps use up several blocks."""
    monkeypatch.setattr(words, "DRAWN_AT_ONCE", 24)


@given(
    stops=st.lists(st.integers(2, STEPS), min_size=1, max_size=3, unique=True).map(sorted),
    optimizer=st.sampled_from(OPTIMIZERS),
    schedule=st.sampled_from(SCHEDULES),
    data=st.sampled_from(DATA),
    threads=st.integers(1, 2),
    clip=st.sampled_from([None, 0.1]),
)
@example(stops=[2, 4, 20], optimizer=OPTIMIZERS[3], schedule=SCHEDULES[3], data=DATA[3], threads=1, clip=0.1)
@hypothesis_settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)
def test_stops_change_no_byte(
    rrxor: Process, stops: list[int], optimizer: object, schedule: object, data: object, threads: int, clip: float | None
) -> None:
    train = settings(optimizer=optimizer, schedule=schedule, data=data, threads=threads, clip=clip, seed=7)
    with TemporaryDirectory() as folder:
        one, other = Path(folder) / "one", Path(folder) / "other"
        whole = straight(train, rrxor, one)
        last = 0
        for stop in (stop for i, stop in enumerate(stops) if i == 0 or stop > stops[i - 1] + 1):
            assert stopped_after(stop, train, rrxor, other) == last + 1
            last = stop
        found, done = steps_done(train, rrxor, other)
        assert done == list(range(last + 1, STEPS + 1))
        assert files(one) == files(other)
        assert (found.loss, found.gap, found.curve) == (whole.loss, whole.gap, whole.curve)


@pytest.mark.parametrize("data", [ExactData(), SampledData(batch=32)])
def test_the_papers_network_goes_on_to_the_same_bytes_at_two_threads(data: object, rrxor: Process, tmp_path: Path) -> None:
    model = Transformer(layers=4, heads=1, d_head=8, d_model=64, d_mlp=256, context=10)
    train = settings(steps=8, threads=2, data=data, histories=SampledHistories(words=50))
    whole = train_network("fit", train, model, rrxor, tmp_path / "one", "cpu")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resumable_runs, "SMALL", model)
        stopped_after(5, train, rrxor, tmp_path / "other")
        found, done = steps_done(train, rrxor, tmp_path / "other")
    assert done == [6, 7, 8]
    assert files(tmp_path / "one") == files(tmp_path / "other")
    assert (found.loss, found.curve) == (whole.loss, whole.curve)


def test_a_finished_run_is_not_trained_again(rrxor: Process, tmp_path: Path) -> None:
    train = settings()
    whole = straight(train, rrxor, tmp_path)
    before = files(tmp_path)
    found, done = steps_done(train, rrxor, tmp_path)
    assert not done
    assert files(tmp_path) == before
    assert (found.loss, found.gap, found.curve) == (whole.loss, whole.gap, whole.curve)


class Killed(BaseException):
    """What stands for a kill that a test survives."""


def run_killed_at(write: int, train: Train, process: Process, folder: Path, torn: bool) -> bool:
    """Run until the `write`-th time that a file was to reach the disk, or that it had; whether there were so many."""
    with pytest.MonkeyPatch.context() as patch:
        fsync, calls = os.fsync, 0

        def die(number: int) -> None:
            nonlocal calls
            calls += 1
            if calls == write and torn:
                os.ftruncate(number, os.fstat(number).st_size // 2)
                patch.setattr(Path, "unlink", lambda self, missing_ok=False: None)  # a killed process clears nothing away
            elif calls == write:
                fsync(number)
            if calls == write:
                raise Killed
            fsync(number)

        patch.setattr(os, "fsync", die)
        patch.setattr(resumption, "MOST_LOST", 0.0)
        try:
            straight(train, process, folder)
        except Killed:
            return True
    return False


def test_a_kill_at_any_write_changes_no_byte(golden_mean: Process, tmp_path: Path) -> None:
    """With a resume point after each step; every write is a place to be killed at once, whole or torn."""
    train = settings(steps=5, data=SampledData(batch=8))
    straight(train, golden_mean, tmp_path / "one")
    write = 0
    for write in range(1, 100):
        folder = tmp_path / f"other_{write}"
        if not run_killed_at(write, train, golden_mean, folder, torn=write % 2 == 1):
            break
        straight(train, golden_mean, folder)
        assert files(folder) == files(tmp_path / "one"), write
    assert write > 20  # every file and its folder: 6 checkpoints, 4 resume points, the last one


def test_a_run_that_is_killed_again_and_again_gets_to_the_end(golden_mean: Process, tmp_path: Path) -> None:
    train = settings(steps=6, data=SampledData(batch=8))
    straight(train, golden_mean, tmp_path / "one")
    kills = 0
    while run_killed_at(6 + kills % 2, train, golden_mean, tmp_path / "other", torn=kills % 2 == 1):
        kills += 1
        assert kills < 20
    assert kills > 1
    assert files(tmp_path / "one") == files(tmp_path / "other")


# ---------------------------------------------------------------- what is not to be trusted


@pytest.fixture
def half_way(rrxor: Process, tmp_path: Path) -> Path:
    """The folder of a run with two resume points, after 5 and after 12 of 20 steps."""
    folder = tmp_path / "half_way"
    stopped_after(5, settings(), rrxor, folder)
    stopped_after(12, settings(), rrxor, folder)
    assert len(points_in(folder)) == 2
    return folder


def newest(folder: Path) -> Path:
    return max(points_in(folder), key=lambda path: path.stat().st_mtime_ns)


def test_a_truncated_resume_point_gives_way_to_the_one_before(half_way: Path, rrxor: Process, tmp_path: Path) -> None:
    whole = straight(settings(), rrxor, tmp_path / "one")
    data = newest(half_way).read_bytes()
    for share in (0.0, 0.001, 0.5, 0.999):
        folder = tmp_path / f"torn_{share}"
        shutil.copytree(half_way, folder)
        (folder / newest(half_way).name).write_bytes(data[: int(share * len(data))])
        found, done = steps_done(settings(), rrxor, folder)
        assert done[0] == 6
        assert files(folder) == files(tmp_path / "one")
        assert found.curve == whole.curve


@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
@hypothesis_settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_one_changed_bit_is_found(half_way: Path, place: float, bit: int) -> None:
    path = newest(half_way)
    good = path.read_bytes()
    identity = _identity(path)
    bad = bytearray(good)
    bad[int(place * len(bad))] ^= 1 << bit
    try:
        path.write_bytes(bad)
        assert resumption._read(path, identity) is None
    finally:
        path.write_bytes(good)
    assert resumption._read(path, identity) is not None


def _identity(path: Path) -> str:
    with safe_open(path, framework="pt") as file:
        return str(json.loads(file.metadata()["resume_point"])["identity"])


def test_without_a_good_resume_point_the_run_begins_anew(half_way: Path, rrxor: Process, tmp_path: Path) -> None:
    straight(settings(), rrxor, tmp_path / "one")
    for path in points_in(half_way):
        path.write_bytes(b"no tensors at all")
    _, done = steps_done(settings(), rrxor, half_way)
    assert done[0] == 1
    assert files(half_way) == files(tmp_path / "one")


@pytest.mark.parametrize(
    "other", [{"seed": 1}, {"threads": 2}, {"steps": 21}, {"clip": 1.0}, {"data": SampledData()}, {"schedule": OneCycle()}]
)
def test_another_runs_resume_points_and_checkpoints_are_discarded(
    other: dict[str, object], half_way: Path, rrxor: Process, tmp_path: Path
) -> None:
    straight(settings(**other), rrxor, tmp_path / "one")
    _, done = steps_done(settings(**other), rrxor, half_way)
    assert done[0] == 1
    assert files(half_way) == files(tmp_path / "one")


def test_another_process_or_network_is_another_run(half_way: Path, golden_mean: Process, rrxor: Process, tmp_path: Path) -> None:
    shutil.copytree(half_way, tmp_path / "copy")
    _, done = steps_done(settings(), golden_mean, half_way)
    assert done[0] == 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resumable_runs, "SMALL", SMALL.model_copy(update={"activation": "gelu"}))
        _, done = steps_done(settings(), rrxor, tmp_path / "copy")
    assert done[0] == 1


@pytest.mark.parametrize("harm", ["missing", "changed"])
def test_a_checkpoint_that_is_not_as_it_was_written_is_made_again(
    harm: str, half_way: Path, rrxor: Process, tmp_path: Path
) -> None:
    straight(settings(), rrxor, tmp_path / "one")
    steps = sorted(int(path.stem.removeprefix("step_")) for path in half_way.glob("step_*"))
    after_the_first_point = next(step for step in steps if 5 < step <= 12)
    path = half_way / f"step_{after_the_first_point}.safetensors"
    if harm == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1] + b"?")
    _, done = steps_done(settings(), rrxor, half_way)
    assert done[0] == 6  # the point of step 12 speaks of that checkpoint, the one of step 5 does not
    assert files(half_way) == files(tmp_path / "one")


def test_a_run_that_diverged_diverges_again_at_the_same_step(rrxor: Process, tmp_path: Path) -> None:
    wild = SMALL.model_copy(update={"norm": "none"})
    train = settings(optimizer=SGD(lr=100, momentum=0.9), steps=500)
    steps = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resumption, "MOST_LOST", 0.0)
        for _ in range(2):
            with pytest.raises(Diverged) as caught:
                train_network("fit", train, wild, rrxor, tmp_path, "cpu")
            steps.append(caught.value.step)
            assert caught.value.checkpoint.is_file()
    assert steps[0] == steps[1]


# ---------------------------------------------------------------- disks


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO])
@pytest.mark.parametrize("writes_before", [0, 3, 6, 9])
def test_a_disk_that_fails_leaves_the_earlier_resume_point_good(
    number: int, writes_before: int, rrxor: Process, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train = settings(steps=6)
    straight(train, rrxor, tmp_path / "one")
    fsync, calls = os.fsync, 0

    def fail(file: int) -> None:
        nonlocal calls
        calls += 1
        if calls > writes_before:
            raise OSError(number, os.strerror(number))
        fsync(file)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        patch.setattr(resumption, "MOST_LOST", 0.0)
        with pytest.raises(OSError, match=os.strerror(number)) as caught:
            straight(train, rrxor, tmp_path / "other")
    assert caught.value.errno == number
    assert not list((tmp_path / "other").glob("*.partial"))
    _, done = steps_done(train, rrxor, tmp_path / "other")
    assert done[0] > 1 or writes_before < 6
    assert files(tmp_path / "one") == files(tmp_path / "other")


# ---------------------------------------------------------------- when


@given(st.lists(st.floats(1e-4, 4), min_size=1, max_size=300), st.floats(0, 1))
@hypothesis_settings(deadline=None)
def test_what_may_be_lost_has_a_limit(steps: list[float], writing: float) -> None:
    """On a clock of its own: no more is lost than `MOST_LOST`, and by what a step or a write took longer than the one before."""
    clock = 0.0
    with pytest.MonkeyPatch.context() as patch, TemporaryDirectory() as folder:
        patch.setattr(resumption.time, "monotonic", lambda: clock)

        def write(path: Path, data: bytes) -> None:
            nonlocal clock
            clock += writing

        patch.setattr(resumption, "write_whole", write)
        points = ResumePoints(Path(folder), "")
        points.latest()
        kept_at = written = 0.0
        before = None  # the step before, if no point was written after it
        for i, took in enumerate(steps):
            clock += took
            if points.due():
                now = clock
                points.write(ResumePoint(i + 1, (), {}))
                alone = written + took + writing
                longer = 0.0 if before is None else max(0.0, took - before) + writing - written
                assert clock - kept_at <= max(resumption.MOST_LOST + longer, alone) + 1e-9
                kept_at, written, before = now, writing, None
            else:
                before = took
            assert clock - kept_at <= resumption.MOST_LOST + writing


def test_points_are_written_rarely_while_steps_are_short() -> None:
    clock = 0.0
    written = 0
    with pytest.MonkeyPatch.context() as patch, TemporaryDirectory() as folder:
        patch.setattr(resumption.time, "monotonic", lambda: clock)
        points = ResumePoints(Path(folder), "")
        for step in range(4_000):
            clock += 0.01
            if points.due():
                points.write(ResumePoint(step + 1, (), {}))
                written += 1
    assert written == 4  # in forty seconds


def test_discarding_leaves_the_checkpoints(rrxor: Process, tmp_path: Path) -> None:
    found = straight(settings(), rrxor, tmp_path)
    discard(tmp_path)
    assert sorted(files(tmp_path)) == sorted(f"step_{step}.safetensors" for step in found.steps)


def test_the_folders_whose_code_makes_the_numbers_are_there() -> None:
    """A folder that was renamed would leave the identity of a run in silence."""
    house = Path(identity.__file__).parents[1]
    assert all(list((house / folder).rglob("*.py")) for folder in identity._SOURCES)
