"""How what is known of a process is worded."""

from __future__ import annotations

import re

import pytest

from hmmdsl.process.measure import Measure
from hmmdsl.process.portrait import told
from hmmdsl.process.portraying import portrait
from hmmdsl.process.process import Process
from hmmdsl.process.told import measured
from tests.process import known_processes


@pytest.mark.parametrize("process", [known_processes.mess3(), known_processes.rrxor()], ids=lambda process: process.name)
def test_numbers_are_written_as_everywhere(process: Process) -> None:
    """Powers of ten, and minus signs that are none of a keyboard's."""
    texts = [line.text for line in told(portrait(process), definition=False)]
    assert any("±" in text or "by a factor of" in text for text in texts)
    assert not [text for text in texts if re.search(r"\de[-+]\d|-\d", text)]


@pytest.mark.parametrize(
    ("measure", "text"),
    [
        (Measure(0.5), "0.500000000 bits"),
        (Measure(None, reason="infinite: there are infinitely many"), "infinite; there are infinitely many"),
        (Measure(None, reason="infinite, as the other is"), "infinite; as the other is"),
        (Measure(None, reason="not found within 300 states"), "undefined; not found within 300 states"),
    ],
)
def test_what_is_infinite_is_not_undefined(measure: Measure, text: str) -> None:
    assert measured("statistical complexity", measure).text == text
