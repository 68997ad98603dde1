"""`hmmdsl explain CODE` and `hmmdsl help KIND` as text."""

from __future__ import annotations

import difflib

from hmmdsl.language.catalogue import codes, explanation
from hmmdsl.runtime.failures import OutputError


def explanation_text(code: str | None) -> str:
    """A message explained, with a wrong and a right example; without a code, the titles of all. Raises OutputError if there is no
    such code."""
    if code is None:
        return "\n".join(f"{each}  {explanation(each).title}" for each in codes())
    wanted = code.strip().upper()
    if wanted not in codes():
        raise OutputError(f"there is no message {code!r}: `hmmdsl explain` lists them{_nearest(wanted, codes())}")
    found = explanation(wanted)
    parts = [f"{found.code}: {found.title}", found.text.strip()]
    parts += [f"{title}:\n\n{_indented(text)}" for title, text in (("Wrong", found.wrong), ("Right", found.right)) if text]
    return "\n\n".join(parts)


def _indented(text: str) -> str:
    return "\n".join(f"    {line}".rstrip() for line in text.strip("\n").splitlines())


def _nearest(word: str, known: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(word, known, n=1)
    return f"; the nearest is {near[0]}" if near else ""
