"""Where training works: a folder that outlives the process, for one process at a time."""

from __future__ import annotations

from pathlib import Path

import pytest

from hmmdsl.runtime.failures import RunError
from hmmdsl.runtime.plan import Stage
from hmmdsl.runtime.training_folder import forget_training, training_folder

STAGE = Stage("train", "fit", (), "0123456789")


def write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).write_text(name)


def test_the_same_stage_finds_what_was_left(tmp_path: Path) -> None:
    def killed(error: BaseException) -> None:
        with training_folder(tmp_path, STAGE, tmp_path / "one") as folder:
            write(folder, "resume_0.safetensors", "step_0.safetensors")
            raise error

    with pytest.raises(KeyboardInterrupt):
        killed(KeyboardInterrupt())
    with training_folder(tmp_path, STAGE, tmp_path / "two") as folder:
        assert (folder / "resume_0.safetensors").is_file()
        write(folder, "step_5.safetensors")
    assert sorted(path.name for path in (tmp_path / "two").iterdir()) == ["step_0.safetensors", "step_5.safetensors"]
    forget_training(tmp_path, STAGE)
    assert [path.name for path in tmp_path.iterdir()] == ["two"]
    assert (tmp_path / "two" / "step_5.safetensors").read_text() == "step_5.safetensors"


def test_a_second_process_in_the_same_stage_trains_for_itself(tmp_path: Path) -> None:
    with training_folder(tmp_path, STAGE, tmp_path / "one") as first:
        with training_folder(tmp_path, STAGE, tmp_path / "two") as second:
            assert second == tmp_path / "two"
        write(first, "step_0.safetensors")
        forget_training(tmp_path, STAGE)  # nothing is taken away from under it
        assert (first / "step_0.safetensors").is_file()


def test_without_an_output_folder_nothing_outlives_the_run(tmp_path: Path) -> None:
    with training_folder(None, STAGE, tmp_path / "checkpoints") as folder:
        assert folder == tmp_path / "checkpoints"
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize(("error", "stays"), [(RunError("the loss is not finite"), False), (OSError("the disk is full"), True)])
def test_what_would_fail_again_is_not_kept_and_what_need_not_is(error: Exception, stays: bool, tmp_path: Path) -> None:
    def fail() -> None:
        with training_folder(tmp_path, STAGE, tmp_path / "checkpoints") as folder:
            write(folder, "step_0.safetensors", "resume_0.safetensors")
            raise error

    with pytest.raises(type(error)):
        fail()
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["step_0.safetensors"]
    assert bool(list(tmp_path.glob(".training-*"))) == stays
