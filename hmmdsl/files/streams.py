"""The standard streams of a process that may have been started without some of them."""

from __future__ import annotations

import os
import sys


def fill_standard_streams() -> None:
    """Let the first three descriptors be open: whatever is opened next would take the place of one that is closed, and be written
    into. What is said on a closed stream is lost, as was asked for."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    if sys.stdout is None:
        sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w", encoding="utf-8", closefd=False)


def let_go_of_stdout() -> None:
    """Send what is still to be written nowhere, so that it fails no second time when the process ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
