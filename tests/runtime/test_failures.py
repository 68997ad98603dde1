"""What a machine's limit is called."""

from __future__ import annotations

import errno
import os

import pytest

from hmmdsl.analysis.outcome import UndefinedTargetError
from hmmdsl.runtime.failures import failure_of


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (errno.ENOSPC, "the disk is full (during train fit)"),
        (errno.EDQUOT, "the disk quota is used up (during train fit)"),
        (errno.EFBIG, "a file would be larger than the system allows (during train fit)"),
        (errno.EROFS, "a file could not be written or read during train fit: read-only file system"),
        (errno.EACCES, "a file could not be written or read during train fit: permission denied"),
        (errno.EEXIST, "a file could not be written or read during train fit: file exists"),
    ],
)
def test_a_disk_that_refuses_is_told_with_a_cure(number: int, message: str) -> None:
    found = failure_of(OSError(number, os.strerror(number)), "train fit")
    assert found is not None
    assert found.message == message
    assert "the same command" in found.help


def test_a_fault_of_the_program_is_not_blamed_on_the_machine() -> None:
    assert failure_of(ValueError("wrong"), "train fit") is None
    assert failure_of(OSError(errno.EPIPE, "broken pipe"), "train fit") is None


def test_histories_that_define_no_target_are_no_fault_of_the_program() -> None:
    found = failure_of(UndefinedTargetError("`read` has nothing to read"), "analysis read")
    assert found is not None
    assert found.message == "`read` has nothing to read"
    assert "a regression of its own" in found.help
