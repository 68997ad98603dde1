"""Names of states and tokens from another program, as the language can write them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hmmdsl.runtime.failures import OutputError


def given_names(given: Mapping[str, Any], what: str, count: int, path: Path) -> list[str]:
    names = [str(name) for name in given[what]] if isinstance(given.get(what), list) else []
    if names and (len(names) != count or len(set(names)) != count):
        raise OutputError(f"{path}: `{what}` must have {count} different names")
    return names or [f"{what[0]}[{k}]" for k in range(count)]


def state_names(names: list[str]) -> tuple[str, list[str]]:
    """How states are declared and called: as they are where the language allows it, else with `_` for what it does not."""
    family = _family(names)
    if family is not None:
        return family
    plain = [re.sub(r"\W+", "_", name).strip("_") for name in names]
    if len(set(plain)) < len(names) or not all(re.fullmatch(r"[A-Za-z_]\w*", name) for name in plain):
        return indexed("s", len(names))
    return ", ".join(plain), plain


def token_names(names: list[str]) -> tuple[str, list[str]]:
    """Tokens likewise; others become texts in quotes."""
    family = _family(names)
    if family is not None:
        return family
    written = [name if re.fullmatch(r'[A-Za-z_]\w*|0|[1-9]\d*|"[^"\\\n]*"', name) else json.dumps(name) for name in names]
    return ", ".join(written), written


def _family(names: list[str]) -> tuple[str, list[str]] | None:
    """`s[0]`, `s[1]`, … in order are declared together."""
    base = names[0].removesuffix("[0]")
    if re.fullmatch(r"[A-Za-z_]\w*", base) and names == [f"{base}[{k}]" for k in range(len(names))]:
        return indexed(base, len(names))
    return None


def indexed(base: str, count: int) -> tuple[str, list[str]]:
    return f"{base}[0..{count}]", [f"{base}[{k}]" for k in range(count)]
