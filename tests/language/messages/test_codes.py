"""Every code has a page, every page's wrong example yields its code, and every right one compiles."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

import hmmdsl
from hmmdsl.analysis import kinds
from hmmdsl.language.diagnostics import Diagnostic, SpecError
from hmmdsl.language.elaborate import compile_text
from hmmdsl.language.messages.catalogue import codes, explanation
from hmmdsl.language.messages.render import render

HOUSE = Path(hmmdsl.__file__).parent
CODE = re.compile(r"[EW]0\d{3}")


@cache
def told(text: str) -> tuple[Diagnostic, ...]:
    """Everything that is said of a spec."""
    try:
        return tuple(compile_text(text, "spec.hmm", kinds()).diagnostics)
    except SpecError as error:
        return tuple(error.diagnostics)


def language_of_right(code: str) -> str:
    """The fence of the right example: `hmm` if it is a spec."""
    page = explanation(code).text
    found = re.search(r"^## Right\s+```(\w+)", page, re.MULTILINE)
    assert found is not None
    return found[1]


def used_codes() -> set[str]:
    """The codes that the source has as string literals."""
    found: set[str] = set()
    for path in HOUSE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value):
                found.add(node.value)
    return found


TOO_MANY = "E0133"
"""The code that a file with a hundred other mistakes gets."""

SPEC_CODES = [code for code in codes() if explanation(code).language == "hmm"]


def test_at_least_forty_mistakes_are_told_apart() -> None:
    assert len([code for code in codes() if code.startswith("E")]) >= 40


def test_every_code_has_a_page_and_every_page_a_code() -> None:
    assert used_codes() == set(codes())


@pytest.mark.parametrize("code", SPEC_CODES)
def test_the_wrong_example_yields_its_code(code: str) -> None:
    assert code in {diagnostic.code for diagnostic in told(explanation(code).wrong)}


@pytest.mark.parametrize("code", SPEC_CODES)
def test_the_wrong_example_has_that_mistake_only(code: str) -> None:
    found = told(explanation(code).wrong)
    assert code == TOO_MANY or {diagnostic.code for diagnostic in found if diagnostic.severity == "error"} <= {code}


@pytest.mark.parametrize("code", codes())
def test_the_right_example_compiles(code: str) -> None:
    if language_of_right(code) == "hmm":
        found = told(explanation(code).right)
        assert [d for d in found if d.severity == "error" or d.code == code] == []


@pytest.mark.parametrize("code", codes())
def test_a_page_explains_in_prose(code: str) -> None:
    page = explanation(code)
    assert page.title
    prose = page.text.partition("## ")[0]
    assert len(prose.split()) >= 5


@pytest.mark.parametrize("code", SPEC_CODES)
def test_each_message_is_short_and_has_a_cure(code: str) -> None:
    for found in told(explanation(code).wrong):
        if found.code != code:
            continue
        assert len(found.message) <= 200
        assert not found.message.endswith(".")
        assert found.help


def rendered(code: str) -> str:
    """The messages of a page's wrong example as a user sees them; this machine's memory is left out."""
    text = "\n\n".join(render(found) for found in told(explanation(code).wrong) if found.code == code)
    return re.sub(r"this machine has [\d.,]+ [A-Z]B", "this machine has … GB", text)


@pytest.mark.parametrize("code", SPEC_CODES)
def test_the_message_as_it_is_shown(code: str, snapshot: SnapshotAssertion) -> None:
    assert rendered(code) == snapshot
