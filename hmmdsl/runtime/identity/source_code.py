"""The code that a stage runs: a hash of the modules that it imports from hmmdsl, found without importing them, and the versions
of libraries."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_HOUSE = Path(__file__).parents[2]
"""The package's folder."""

_ASKED = ("ATEN_CPU_CAPABILITY", "MKL_CBWR", "MKL_ENABLE_INSTRUCTIONS", "OPENBLAS_CORETYPE")
"""Environment variables by which a user asks for other instructions than the processor's best: what they gave is not taken for
what the processor gives by itself, nor the other way round."""

_IMPORT = re.compile(r"\s*(?:from|import) (?P<module>hmmdsl(?:\.\w+)+)(?: import (?P<names>.*))?")
_NAME = re.compile(r"\w+")


@cache
def source_hash(roots: tuple[str, ...], beside: tuple[str, ...] = ()) -> str:
    """SHA-256 of every module that `roots` import, directly or through others, at the top or inside functions; imports for the
    type checker alone are left out.

    `beside` are endings of files that belong to the folders of the roots, such as templates (`.html`).
    """
    total = sha256()
    for module in sorted(modules_of(roots)):
        total.update(f"{module}:{_file_hash(_path(module))}\n".encode())
    for folder in sorted({path.parent for root in roots if (path := _path(root)) is not None} if beside else ()):
        for path in sorted(each for each in folder.iterdir() if each.suffix in beside):
            total.update(f"{path.name}:{_file_hash(path)}\n".encode())
    return total.hexdigest()


def modules_of(roots: Iterable[str]) -> set[str]:
    """The modules of hmmdsl that `roots` reach by imports, themselves among them."""
    found: set[str] = set()
    waiting = list(roots)
    while waiting:
        module = waiting.pop()
        if module not in found and _path(module) is not None:
            found.add(module)
            waiting += _imports(module)
    return found


@cache
def _imports(module: str) -> tuple[str, ...]:
    path = _path(module)
    return tuple(_imported(path.read_text(encoding="utf-8").splitlines())) if path is not None else ()


def _imported(lines: Iterable[str]) -> Iterator[str]:
    """Modules of hmmdsl that source lines import. `from hmmdsl.process import portrait` may name a module or what is in one:
    both are given, and what is no module has no file.

    Lines are read, since parsing the whole house at every run would take a third of a second.
    """
    waiting = iter(lines)
    skipped: int | None = None
    for line in waiting:
        indent = len(line) - len(line.lstrip())
        if skipped is not None and line.strip() and indent <= skipped:
            skipped = None
        if line.strip() == "if TYPE_CHECKING:":
            skipped = indent
        match = _IMPORT.match(line) if skipped is None else None
        if match is None:
            continue
        yield match["module"]
        names = match["names"] or ""
        if names.startswith("("):
            while ")" not in names:
                names += next(waiting, ")")
        yield from (f"{match['module']}.{name}" for name in _NAME.findall(names.replace("hmmdsl", "")))


@cache
def _path(module: str) -> Path | None:
    """A module's file, None if there is no such module in hmmdsl."""
    base = _HOUSE.joinpath(*module.split(".")[1:])
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.is_file():
            return path
    return None


@cache
def _file_hash(path: Path | None) -> str:
    return sha256(path.read_bytes()).hexdigest() if path is not None else ""


@cache
def versions(packages: tuple[str, ...], numbers: bool) -> Mapping[str, str]:
    """Version by package, a package that is not installed being left out; and where the results are numbers, the instructions
    that were asked for."""
    found = {f"asked {name}": os.environ[name] for name in _ASKED if os.environ.get(name) and numbers}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
