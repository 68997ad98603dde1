"""Every code of names, processes, constants and imports: its wrong example yields it, its right one nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hmmdsl import language
from hmmdsl.language.catalogue import codes, explanation
from tests.language.process_specs import declared

SOURCES = Path(language.__file__).parent
FILES = ("alphabets", "arithmetic", "arrays", "bodies", "budget", "calls", "constants", "declarations", "functions", "imports",
         "loops", "matrices", "processes", "references", "rows", "scope", "starts", "symbols")  # fmt: skip
USED = sorted({code for name in FILES for code in re.findall(r'"([EW]0\d{3})"', (SOURCES / f"{name}.py").read_text())})


def test_every_code_is_explained() -> None:
    assert len(USED) > 60
    assert set(USED) <= set(codes())


@pytest.mark.parametrize("code", USED)
def test_the_examples_show_what_they_say(code: str) -> None:
    page = explanation(code)
    if page.language == "hmm":
        found = declared(page.wrong)
        assert code in found.codes
        assert all(other.startswith("W") for other in found.codes if other != code)
        assert all(message.help for message in found.diagnostics.found)
    assert declared(page.right).codes == []
