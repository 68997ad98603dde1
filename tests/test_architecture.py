"""The house: rooms by name, and a check that stays quick because it imports little."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

HOUSE = Path(__file__).parent.parent / "hmmdsl"
FILES = sorted(HOUSE.rglob("*.py"))

BELOW: dict[str, set[str]] = {
    "process": set(),
    "spec": {"process"},
    "language": {"spec", "process"},
    "models": {"spec", "process"},
    "training": {"spec", "process", "models"},
    "analysis": {"spec", "process", "models", "training"},
    "report": {"spec", "process", "models", "training", "analysis", "language"},
    "runtime": {"spec", "process", "models", "training", "analysis", "language", "report"},
    "notebook": {"process", "report", "runtime"},
    "cli": {"language", "runtime"},
}
"""Which rooms each may import."""


def modules_imported(tree: ast.AST, typing_too: bool = False) -> list[str]:
    """Every module of an import statement, wherever it stands; those for the type checker only if asked for."""
    found: list[str] = []
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test) and not typing_too:
            continue
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports name the whole way"
            found.append(node.module or "")
        found += modules_imported(node, typing_too)
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(HOUSE)))
def test_imports_go_one_way(file: Path) -> None:
    room = file.relative_to(HOUSE).parts[0].removesuffix(".py")
    if room.startswith("__"):
        return
    for module in modules_imported(ast.parse(file.read_text())):
        parts = module.split(".")
        if parts[0] == "hmmdsl" and len(parts) > 1 and parts[1] != room:
            assert parts[1] in BELOW[room], f"{room} may not import {module}"


def test_no_room_is_a_lumber_room() -> None:
    forbidden = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "managers", "base_utils", "shared"}
    assert not [file for file in FILES if forbidden & {part.removesuffix(".py") for part in file.relative_to(HOUSE).parts}]


def test_files_stay_short_enough_to_read() -> None:
    assert not [f"{file.relative_to(HOUSE)}" for file in FILES if len(file.read_text().splitlines()) > 400]


@pytest.mark.parametrize("command", [["check", "specs/rrxor.hmm"], ["--help"], ["show", "specs/rrxor.hmm", "--phase", "plan"]])
def test_light_commands_import_no_heavy_library(command: list[str]) -> None:
    program = (
        "import sys\n"
        "from hmmdsl.cli import main\n"
        "try:\n    main()\n"
        "except SystemExit as done:\n    assert not done.code, done.code\n"
        "heavy = {'torch', 'sklearn', 'scipy', 'matplotlib', 'numpy', 'rich.console'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *command], cwd=HOUSE.parent, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
