"""What parts are called in targets and results, whose names are words: `within.t_0` for what follows the token `t[0]`."""

from __future__ import annotations

import re
from collections.abc import Iterable

from hmmdsl.process.algebra.failure import ClashError


def plain_name(name: str) -> str:
    """The name as a word of the language: what cannot stand in one becomes `_`, and no word begins with a digit.

    >>> [plain_name(name) for name in ("heads", "t[0]", "0", "(0, a)", '"a b"')]
    ['heads', 't_0', '_0', '_0_a', 'a_b']
    """
    inner = re.sub(r"\W+", "_", name)
    inner = inner if inner == name else inner.strip("_")
    return f"_{inner}" if not inner or inner[0].isdigit() else inner


def plain_names(names: Iterable[str]) -> dict[str, str]:
    """Each name with its word. Raises ClashError where two would have one."""
    called: dict[str, str] = {}
    for name in names:
        word = plain_name(name)
        other = next((each for each, given in called.items() if given == word), None)
        if other is not None:
            raise ClashError(
                f"the parts `{other}` and `{name}` would both be called `{word}` in targets",
                "rename one of the tokens or states that they follow, with `relabel` for example",
            )
        called[name] = word
    return called
