"""How texts, plain data and bytes are damaged: by a grammar's tokens first, so that most of what comes out is nearly right."""

from __future__ import annotations

import copy
import random
import re
from collections.abc import Callable, Sequence
from typing import Any

NUMBERS = (
    *("0", "1", "-1", "2", "1/2", "1/0", "0.5", "0.1", "1e-9", "1e-300", "1e308", "1e999", "65536", "99999999999", "1_000", "1i"),
    *("10^20", "10^400", "10^5000", "2^100000", "0..3", "0..10^9", "3..0", "exp(1)", "float(1/3)", "sqrt(2)", "pi", "true"),
    *('"x"', "[]", "[1, 2]", "-0", "007"),
)
"""What stands in the place of a number."""

CHARACTERS = "\x00\x07\x1b\x7f\u202e\u200b\ufeff\u2028é∞±→{}[]()<>=:;,.#\"'\\|^%$&*/+- \t\r\n0aZ_"
"""What a character is made."""

BRACKETS = (("(", ")"), ("[", "]"), ("-", ""), ("{", "}"), ("abs(", ")"), ("not ", ""), ("if ", " then 1 else 0"))
"""What stands around a word."""

TOKENS = re.compile(r"\w+|\s+|->|-\[|\]->|==|<=|>=|!=|~=|\.\.|[^\w\s]")


def text(rng: random.Random, seed: str, pool: Sequence[str]) -> str:
    """A text with one to six damages; `pool` are words of others."""
    parts = TOKENS.findall(seed)
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 6))):
        if not parts:
            parts = [rng.choice(pool)]
        parts = rng.choice(_DAMAGES)(rng, parts, pool)
    return "".join(parts)[:20_000]


def _place(rng: random.Random, parts: Sequence[str], fits: Callable[[str], bool] = lambda part: not part.isspace()) -> int:
    """Where to damage: one of the words that fit, if there are any near a random place."""
    for _ in range(8):
        i = rng.randrange(len(parts))
        if fits(parts[i]):
            return i
    return rng.randrange(len(parts))


def _replaced(rng: random.Random, parts: list[str], pool: Sequence[str]) -> list[str]:
    i = _place(rng, parts)
    return [*parts[:i], rng.choice(pool), *parts[i + 1 :]]


def _exchanged(rng: random.Random, parts: list[str], pool: Sequence[str]) -> list[str]:
    """Two words of the text change places."""
    i, j = _place(rng, parts), _place(rng, parts)
    parts[i], parts[j] = parts[j], parts[i]
    return parts


def _number(rng: random.Random, parts: list[str], pool: Sequence[str]) -> list[str]:
    i = _place(rng, parts, lambda part: part[:1].isdigit())
    return [*parts[:i], rng.choice(NUMBERS), *parts[i + 1 :]]


def _inserted(rng: random.Random, parts: list[str], pool: Sequence[str]) -> list[str]:
    i = _place(rng, parts)
    return [*parts[:i], rng.choice(pool), rng.choice((" ", "", "\n")), *parts[i:]]


def _deleted(rng: random.Random, parts: list[str], pool: Sequence[str]) -> list[str]:
    i = _place(rng, parts)
    return [*parts[:i], *parts[i + rng.choice((1, 1, 1, 2, 5, 20)) :]]


def _repeated(rng: random.Random, parts: list[str], pool: Sequence[str]) -> list[str]:
    """A stretch again, once or many times."""
    i = _place(rng, parts)
    stretch = parts[i : i + rng.choice((1, 2, 5, 20, 60))]
    return [*parts[:i], *stretch * rng.choice((2, 2, 3, 50)), *parts[i + len(stretch) :]]


def _moved(rng: random.Random, parts: list[str], pool: Sequence[str]) -> list[str]:
    i = _place(rng, parts)
    length = rng.choice((1, 3, 10, 40))
    stretch, rest = parts[i : i + length], [*parts[:i], *parts[i + length :]]
    j = rng.randrange(len(rest) + 1)
    return [*rest[:j], *stretch, *rest[j:]]


def _nested(rng: random.Random, parts: list[str], pool: Sequence[str]) -> list[str]:
    """A word within many brackets, minus signs or calls."""
    i = _place(rng, parts)
    before, after = rng.choice(BRACKETS)
    times = rng.choice((1, 2, 8, 150))
    return [*parts[:i], before * times, parts[i], after * times, *parts[i + 1 :]]


def _character(rng: random.Random, parts: list[str], pool: Sequence[str]) -> list[str]:
    i = rng.randrange(len(parts))
    word = parts[i]
    k = rng.randrange(len(word) + 1) if word else 0
    return [*parts[:i], word[:k] + rng.choice(CHARACTERS) + word[k + rng.choice((0, 1)) :], *parts[i + 1 :]]


_DAMAGES = (_replaced, _exchanged, _number, _inserted, _deleted, _repeated, _moved, _nested, _character)

VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2, 10**18, 10**400, 0.5, -0.5, 1e308, float("inf"), float("nan"), "", "x", "1/2", "1/0"),
    *("1e999999999", "\x1b[31m", "\u202e", "../../x", "/etc/passwd", "a" * 5000, [], {}, [[]], [0.5, 0.5], {"x": 1}, [None]),
)
"""What stands in the place of a value of plain data."""


def data(rng: random.Random, plain: Any) -> Any:
    """Plain data with one to four damages: `plain` is changed in place, and returned where it can't be."""
    for _ in range(rng.choice((1, 1, 2, 4))):
        holders = [each for each in _holders(plain) if len(each)]
        if not holders:
            return copy.deepcopy(rng.choice(VALUES))
        holder = rng.choice(holders)
        key = rng.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
        few = rng.sample(holders, min(3, len(holders)))
        other = copy.deepcopy(rng.choice(VALUES) if rng.random() < 0.9 else min(few, key=_size))
        match rng.randrange(6):
            case 0:
                del holder[key]
            case 1 if isinstance(holder, dict):
                holder[rng.choice(("", "x", "kind", "name", "__class__", str(key) + "_"))] = holder.pop(key)
            case 1 | 2 if isinstance(holder, list):
                holder.insert(key, copy.deepcopy(holder[key]) if rng.random() < 0.5 else other)
            case _:
                holder[key] = other
    return plain


def _holders(plain: Any) -> list[Any]:
    """Every list and mapping within."""
    found, waiting = [], [plain]
    while waiting:
        each = waiting.pop()
        if isinstance(each, (dict, list)):
            found.append(each)
            waiting += each.values() if isinstance(each, dict) else each
    return found


def _size(plain: Any) -> int:
    return len(_holders(plain))


def raw(rng: random.Random, content: bytes) -> bytes:
    """Bytes with one to four damages."""
    changed = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 4))):
        if not changed:
            return bytes(rng.randrange(256) for _ in range(rng.randrange(20)))
        i = rng.randrange(len(changed))
        match rng.randrange(5):
            case 0:
                changed[i] ^= 1 << rng.randrange(8)
            case 1:
                changed[i] = rng.choice((0, 255, 0x7F, 0x80))
            case 2:
                del changed[i : i + rng.choice((1, 8, 100, len(changed)))]
            case 3:
                changed[i:i] = changed[i : i + rng.choice((1, 8, 100))] * rng.choice((1, 3, 50))
            case _:
                changed[i : i + 8] = rng.choice((b"\xff" * 8, b"\x00" * 8, b"\x7f" + b"\xff" * 7))
    return bytes(changed)
