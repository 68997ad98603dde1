"""The explanations of all codes, one Markdown file each in `codes/`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True)
class Explanation:
    """What a code means: `text` is the whole page in Markdown, `wrong` and `right` are its two examples.

    `language` is the fence of the wrong example: `hmm` if it is a spec that yields the code, `text` if no spec can show it.
    """

    code: str
    title: str
    text: str
    wrong: str
    right: str
    language: str


class UnknownCodeError(ValueError):
    """There is no such code."""


_SECTION = re.compile(r"^## (Wrong|Right)\s*$(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


@cache
def codes() -> tuple[str, ...]:
    """Every code that has an explanation, in order."""
    folder = resources.files("hmmdsl.language.messages").joinpath("codes")
    return tuple(sorted(entry.name.removesuffix(".md") for entry in folder.iterdir() if entry.name.endswith(".md")))


def explanation(code: str) -> Explanation:
    """The explanation of a code, however its letter is written. Raises UnknownCodeError, which names the nearest one."""
    wanted = code.strip().upper()
    if wanted not in codes():
        raise UnknownCodeError(f"there is no code {code}" + _nearest(wanted))
    page = resources.files("hmmdsl.language.messages").joinpath("codes").joinpath(f"{wanted}.md").read_text(encoding="utf-8")
    return _read(wanted, page)


def _nearest(wanted: str) -> str:
    if len(wanted) < 2 or not wanted[1:].isdigit():
        return "; a code looks like E0301 or W0901"

    def distance(code: str) -> tuple[bool, int]:
        return code[0] != wanted[0], abs(int(code[1:]) - int(wanted[1:]))

    return f"; did you mean {min(codes(), key=distance)}?"


def _read(code: str, page: str) -> Explanation:
    first, _, text = page.partition("\n")
    if not first.startswith("# "):
        raise ValueError(f"the explanation of {code} must begin with `# ` and its title")
    examples: dict[str, tuple[str, str]] = {}
    for section in _SECTION.finditer(text):
        fence = _FENCE.search(section[2])
        if fence is None:
            raise ValueError(f"the section {section[1]} of {code} has no example")
        examples[section[1]] = (fence[1], fence[2])
    if set(examples) != {"Wrong", "Right"}:
        raise ValueError(f"the explanation of {code} must have the sections Wrong and Right")
    language, wrong = examples["Wrong"]
    return Explanation(code, first[2:].strip(), text.strip(), wrong, examples["Right"][1], language)
