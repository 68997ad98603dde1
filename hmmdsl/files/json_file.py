"""Reading JSON that may be anybody's: plain files, not too large, not too deep, numbers that floats can hold."""

from __future__ import annotations

import json
from itertools import accumulate
from pathlib import Path
from typing import Any, NoReturn

from hmmdsl.files.plain import read_plain

LARGEST = 2**28
"""Bytes of a file, if nothing else is said."""

DEEPEST = 100
"""Nesting of lists and objects."""

LONGEST = 300
"""Digits of an integer: a float holds 308."""

_OTHERS = bytes(sorted(set(range(256)) - set(b"[]{}")))


def read_json(path: Path, most: int = LARGEST) -> Any:
    """The plain data in a JSON file of at most so many bytes. Raises OSError if it can't be read or is no plain file, and
    ValueError if it is not JSON, or of more than plain data should have."""
    content = read_plain(path, most)
    too_deep = f"it is nested more than {DEEPEST} deep"
    try:
        found = json.loads(content.decode(), parse_int=_integer, parse_constant=_no_number)
    except UnicodeDecodeError as error:
        raise ValueError(f"it is not UTF-8 at byte {error.start}") from None
    except RecursionError:
        raise ValueError(too_deep) from None
    # Brackets within texts count here too, so that data is looked through only if these are many.
    if max(accumulate(1 if each in b"[{" else -1 for each in content.translate(None, _OTHERS)), default=0) > DEEPEST:
        _check_depth(found, too_deep)
    return found


def _check_depth(found: Any, message: str) -> None:
    level = [found]
    for _ in range(DEEPEST + 1):
        level = [
            member
            for each in level
            if isinstance(each, (dict, list))
            for member in (each.values() if isinstance(each, dict) else each)
        ]
    if level:
        raise ValueError(message)


def _integer(text: str) -> int:
    if len(text) > LONGEST:
        raise ValueError(f"a number has more than {LONGEST} digits")
    return int(text)


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")
