"""What a pack may hold: sizes, and names that mean the same file inside one folder on every system."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from enum import StrEnum

from hmmdsl.files.door import visible
from hmmdsl.runtime.failures import OutputError

SUFFIX = ".hmmz"
"""How a pack's name ends."""

FILES = 60_000
"""Most files of a pack: fewer than a zip without 64-bit fields can list."""

PACKED = 4 * 2**30 - 2**20
"""Most bytes of the pack itself: what a zip without 64-bit fields can hold, so that every tool opens it."""

UNPACKED = 8 * 2**30
"""Most bytes of all its files together."""

RATIO = 100
"""Most bytes that one packed byte may stand for: figures and tables reach 30, a bomb 1,000 …"""

SLACK = 2**20
"""… beyond this many bytes, below which a ratio says nothing."""

DIRECTORY = 32 * 2**20
"""Most bytes of the zip's list of files."""

MANIFEST_BYTES = 32 * 2**20
"""Most bytes of the manifest."""

ENDINGS = frozenset({".hmm", ".yaml", ".json", ".safetensors", ".png", ".svg", ".html", ".csv", ".parquet", ".lock"})
"""What a pack's files may be: data and pages; no pickle, and nothing that runs by itself."""

TENSORS = ("checkpoints/", "arrays/")
"""Folders that hold safetensors only."""


class Part(StrEnum):
    """What can be left out of a pack."""

    CHECKPOINTS = "checkpoints"
    FIGURES = "figures"


_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f\\:*?"<>|]')
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0")
_BLANK |= {chr(c) for c in (*range(0x180B, 0x1810), *range(0xFE00, 0xFE10))}
"""Letters and marks that show nothing, beside control, format and space characters."""


class PackError(OutputError):
    """A pack that can't be made, or can't be trusted; nothing was written."""


def shown(name: str) -> str:
    """A name from a pack as messages show it: not too long."""
    text = visible(name)
    return f"`{text if len(text) <= 80 else text[:77] + '…'}`"


def fault_of_name(name: str) -> str:
    """In words, why a file in a pack may not be called so; empty where it may."""
    if not name or len(name) > 1000:
        return "it is empty or too long"
    if name.startswith("/") or re.match(r"[A-Za-z]:", name):
        return "it is an absolute path"
    if "\\" in name:
        return "it has a backslash"
    parts = name.split("/")
    if ".." in parts:
        return "it leads out of its folder"
    if any(not part or part.startswith(".") for part in parts):
        return "a part of it is empty or hidden"
    if _FORBIDDEN.search(name):
        return "it has a character that not every system allows"
    if any(c in _BLANK or (unicodedata.category(c)[0] in "CZ" and c != " ") for c in name):
        return "it has a character that can't be seen"
    if any(part.endswith((" ", ".")) or _DEVICES.fullmatch(part) or len(part.encode(errors="replace")) > 255 for part in parts):
        return "not every system can hold a file of this name"
    ending = name[name.rfind(".") :] if "." in parts[-1] else ""
    if ending not in ENDINGS:
        return "a pack holds no such files"
    if name.startswith(TENSORS) and ending != ".safetensors":
        return "checkpoints and arrays are safetensors only"
    return ""


def check_names(names: Iterable[str]) -> None:
    """Raise PackError unless every name is safe, stands once, and is another file than every other one also where case and
    Unicode forms don't count."""
    files: dict[str, str] = {}
    folders: dict[str, str] = {}
    for name in names:
        fault = fault_of_name(name)
        if fault:
            raise PackError(f"the file name {shown(name)} is refused: {fault}")
        if files.get(_folded(name)) == name:
            raise PackError(f"the file name {shown(name)} stands twice")
        parts = name.split("/")
        above = ["/".join(parts[:depth]) for depth in range(1, len(parts))]
        for known, other in [(files.setdefault(_folded(name), name), name)] + [
            (folders.setdefault(_folded(folder), folder), folder) for folder in above
        ]:
            if known != other:
                raise PackError(f"the names {shown(known)} and {shown(other)} are one on some systems: rename one of them")
    both = files.keys() & folders.keys()
    if both:
        raise PackError(f"{shown(files[min(both)])} is both a file and a folder")


def _folded(path: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())
