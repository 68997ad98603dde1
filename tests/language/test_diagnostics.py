"""Messages are gathered, each once, and a flood of them ends."""

from __future__ import annotations

import pytest

from hmmdsl.analysis import kinds
from hmmdsl.language.diagnostics import MAX_MISTAKES, Diagnostics, SpecError
from hmmdsl.language.elaborate import compile_text


def told(text: str) -> list[str]:
    with pytest.raises(SpecError) as caught:
        compile_text(text, "flood.hmm", kinds())
    return [diagnostic.code for diagnostic in caught.value.diagnostics]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("param a{} = b{}\n", "E0201"),
        ("process a{} = b{}()\n", "E0205"),
        ("train a{} {{ process = b{}() }}\n", "E0510"),
        ("expect a{} > {}\n", "E0701"),
    ],
)
def test_after_a_hundred_mistakes_of_one_cause_the_rest_are_not_told(line: str, code: str) -> None:
    found = told("".join(line.format(k, k) for k in range(30 * MAX_MISTAKES)))  # fewer than the records that a file may have
    assert len(found) == MAX_MISTAKES + 1
    assert found[0] == code
    assert found[-1] == "E0133"


def test_a_hundred_mistakes_are_all_told() -> None:
    assert told("".join(f"param a{k} = b\n" for k in range(MAX_MISTAKES))) == ["E0201"] * MAX_MISTAKES


def test_warnings_are_not_counted_as_mistakes() -> None:
    diagnostics = Diagnostics()
    for k in range(3 * MAX_MISTAKES):
        diagnostics.add("W0954", str(k), None)
    assert len(diagnostics.warnings) == 3 * MAX_MISTAKES


def test_a_message_is_taken_once() -> None:
    diagnostics = Diagnostics()
    for _ in range(3 * MAX_MISTAKES):
        diagnostics.add("E0201", "the same", None)
    assert len(diagnostics.found) == 1
