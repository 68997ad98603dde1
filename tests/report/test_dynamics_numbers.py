"""How synchronization and long-run beliefs are worded."""

from __future__ import annotations

import re

import pytest

from hmmdsl.process.portrait import portrait
from hmmdsl.process.process import Process
from hmmdsl.report.dynamics_numbers import dynamics_numbers
from tests.process import known_processes


@pytest.mark.parametrize("process", [known_processes.mess3(), known_processes.rrxor()], ids=lambda process: process.name)
def test_numbers_are_written_as_everywhere(process: Process) -> None:
    """Powers of ten, and minus signs that are none of a keyboard's."""
    texts = [number.text for number in dynamics_numbers(portrait(process).dynamics)]
    assert any("±" in text or "by a factor of" in text for text in texts)
    assert not [text for text in texts if re.search(r"\de[-+]\d|-\d", text)]
