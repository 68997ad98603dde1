"""Names of states and tokens from another program, as the language can write them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from itertools import product
from math import prod
from pathlib import Path
from typing import Any

from hmmdsl.language.values.scope import EXPRESSION_WORDS, ITEM_WORDS
from hmmdsl.runtime.failures import OutputError


def given_names(given: Mapping[str, Any], what: str, count: int, path: Path) -> list[str]:
    """The names of states or tokens that a file gives, else numbers. Raises OutputError for too few, or equal ones."""
    names = [str(name) for name in given[what]] if isinstance(given.get(what), list) else []
    if names and (len(names) != count or len(set(names)) != count):
        raise OutputError(f"{path}: `{what}` must have {count} different names")
    return names or [f"{what[0]}[{k}]" for k in range(count)]


def state_names(names: list[str]) -> tuple[str, list[str]]:
    """How states are declared and called: as they are where the language allows it, else with `_` for what it does not, and by
    numbers where that tells them no longer apart."""
    families = _families(names)
    plain = [name if k in families else _plain(name) for k, name in enumerate(names)]
    if len(set(plain)) < len(names) or not all(k in families or NAME.fullmatch(name) for k, name in enumerate(plain)):
        return indexed("s", len(names))
    return _declared(plain, families), plain


def token_names(names: list[str]) -> tuple[str, list[str]]:
    """Tokens likewise; others become texts in quotes."""
    families = _families(names)
    written = [name if k in families or _is_token(name) else json.dumps(name, ensure_ascii=False) for k, name in enumerate(names)]
    return _declared(written, families), written


RESERVED = EXPRESSION_WORDS | {"at", "emits", "over", "along"}
"""Words that no token may have as its name where it stands in an arrow."""

NAME = re.compile(r"[^\W\d]\w*")
"""A name of the language."""

MEMBER = re.compile(r"([^\W\d]\w*)\[(\d+(?:, \d+)*)\]")
"""A member of a family: `s[1, 2]`."""


def _plain(name: str) -> str:
    """A state's name without what no name has, and with a `_` behind a word that means something else."""
    plain = re.sub(r"\W+", "_", name).strip("_")
    return f"{plain}_" if plain in ITEM_WORDS | RESERVED else plain


def _is_token(name: str) -> bool:
    """Whether a token may be written as it is."""
    if NAME.fullmatch(name):
        return name not in RESERVED
    return re.fullmatch(r'0|[1-9]\d*|"[^"\\\n]*"', name) is not None


def _families(names: list[str]) -> dict[int, str]:
    """The place where each family of members that stand together in order begins, and its declaration; the places of the other
    members, with none. A family that is scattered, or begun twice, is none."""
    found: dict[int, str] = {}
    known: dict[str, list[int]] = {}
    members = [MEMBER.fullmatch(name) for name in names]
    for k, member in enumerate(members):
        if member is not None:
            known.setdefault(member[1], []).append(k)
    for base, places in known.items():
        indices = [tuple(map(int, member[2].split(", "))) for k in places if (member := members[k]) is not None]
        ranges = [range(min(along), max(along) + 1) for along in zip(*indices, strict=False)]
        together = places == list(range(places[0], places[0] + len(places)))
        whole = len({len(each) for each in indices}) == 1 and prod(map(len, ranges)) == len(indices)
        if (
            together
            and whole
            and indices == list(product(*ranges))
            and base not in names
            and base not in EXPRESSION_WORDS | ITEM_WORDS
        ):
            found |= dict.fromkeys(places, "")
            found[places[0]] = f"{base}[{', '.join(f'{each.start}..{each.stop}' for each in ranges)}]"
    return found


def _declared(names: list[str], families: dict[int, str]) -> str:
    return ", ".join(text for k, name in enumerate(names) if (text := families.get(k, name)))


def indexed(base: str, count: int) -> tuple[str, list[str]]:
    """So many members of a family: `s[0..3]`."""
    return f"{base}[0..{count}]", [f"{base}[{k}]" for k in range(count)]
