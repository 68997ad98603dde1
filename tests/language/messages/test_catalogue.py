"""Every code has a page, whose wrong example yields it and whose right example does not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

import hmmdsl
from hmmdsl.language.diagnostics import Diagnostic, Diagnostics
from hmmdsl.language.messages.catalogue import UnknownCodeError, codes, explanation
from hmmdsl.language.messages.render import render
from hmmdsl.language.parser import parse
from hmmdsl.language.source import Source

SYNTAX = [code for code in codes() if code.startswith(("E00", "E01"))]


def found_in(text: str) -> list[Diagnostic]:
    diagnostics = Diagnostics()
    parse(Source("spec.hmm", text), diagnostics)
    return diagnostics.found


def test_every_code_in_use_has_a_page_and_every_page_a_use() -> None:
    used = {
        code
        for file in (Path(hmmdsl.__file__).parent / "language").rglob("*.py")
        for code in re.findall(r'"(E0[01]\d\d)"', file.read_text(encoding="utf-8"))
    }
    assert used == set(SYNTAX)


@pytest.mark.parametrize("code", SYNTAX)
def test_the_wrong_example_yields_its_code(code: str, snapshot: SnapshotAssertion) -> None:
    page = explanation(code)
    if page.language != "hmm":
        return
    found = found_in(page.wrong)
    assert found[-1].code == code
    assert len(found) == (101 if code == "E0133" else 1)
    assert render(found[-1]) == snapshot


@pytest.mark.parametrize("code", SYNTAX)
def test_the_right_example_is_right(code: str) -> None:
    assert found_in(explanation(code).right) == []


def test_an_unknown_code_gets_the_nearest() -> None:
    with pytest.raises(UnknownCodeError, match="did you mean E010"):
        explanation("E0100")
    assert explanation("e0101").code == "E0101"
