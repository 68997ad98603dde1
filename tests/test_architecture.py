"""The house: rooms by name, and a check that stays quick because it imports little."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks.house_metrics import circles, files

HOUSE = Path(__file__).parent.parent / "hmmdsl"
FILES = sorted(HOUSE.rglob("*.py"))
DIAGRAM = HOUSE.parent / "docs" / "architecture.md"

GROUND = {"version"}
"""What every room may import, and no diagram shows."""


def diagram() -> tuple[dict[str, str], set[tuple[str, str]]]:
    """The boxes with the files they link to, and the arrows."""
    text = DIAGRAM.read_text()
    boxes = dict(re.findall(r'^  click (\w+) "([^"]+)"$', text, re.MULTILINE))
    arrows = set(re.findall(r"^  (\w+) --> (\w+)$", text, re.MULTILINE))
    return boxes, arrows


def test_the_diagram_is_the_house() -> None:
    boxes, arrows = diagram()
    rooms = {p.name for p in HOUSE.iterdir() if p.is_dir() and not p.name.startswith("_")} | {"notebook"}
    assert set(boxes) == rooms
    assert all((DIAGRAM.parent / target).exists() for target in boxes.values())
    assert {end for arrow in arrows for end in arrow} == rooms


def below() -> dict[str, set[str]]:
    """For each room all those that it may import, by way of others too."""
    _, arrows = diagram()
    found: dict[str, set[str]] = {}
    for _ in arrows:  # as many rounds as arrows are enough
        for lower, upper in arrows:
            found.setdefault(upper, set()).update({lower}, found.get(lower, set()))
    return found


def modules_imported(tree: ast.AST) -> list[str]:
    """Every module of an import statement, wherever it stands, those for the type checker too."""
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports name the whole way"
            found.append(node.module or "")
    return found


def test_imports_follow_the_arrows() -> None:
    allowed = below()
    for file in FILES:
        room = file.relative_to(HOUSE).parts[0].removesuffix(".py")
        if not room.startswith("__"):
            for module in modules_imported(ast.parse(file.read_text())):
                parts = module.split(".")
                if parts[0] == "hmmdsl" and len(parts) > 1 and parts[1] != room:
                    assert parts[1] in allowed.get(room, set()) | GROUND, f"{file.relative_to(HOUSE)} imports {module}"


def test_no_files_import_one_another_in_a_circle() -> None:
    """Those that import for the type checker count: what two files say of each other belongs into one, or below both."""
    assert not circles(files())


def test_the_record_of_an_analysis_imports_neither_its_computation_nor_its_figures() -> None:
    """Not for the type checker either, so that there is no circle: they are found by the folder's name."""
    records = sorted((HOUSE / "analysis").glob("*/record.py"))
    assert len(records) > 10
    for record in records:
        for module in modules_imported(ast.parse(record.read_text())):
            assert not module.endswith((".compute", ".figures", ".drawing")), f"{record.parent.name}: {module}"
            assert ".drawing." not in module, f"{record.parent.name}: {module}"


WRITES = {"write_text", "write_bytes", "rename", "link", "symlink", "symlink_to", "hardlink_to", "mkstemp", "save_file", "tofile"}
WRITES |= {"NamedTemporaryFile", "copyfile", "copy", "copy2", "copytree", "move", "savetxt"}
"""Methods and functions of modules that write or move files, and are not those of the house."""


def written_elsewhere(tree: ast.AST) -> list[str]:
    """Calls that write, rename or link files, but for those of hmmdsl.files."""
    found = []
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        name = call.func.attr if isinstance(call.func, ast.Attribute) else call.func.id if isinstance(call.func, ast.Name) else ""
        of = ast.unparse(call.func.value) if isinstance(call.func, ast.Attribute) else ""
        modes = [*call.args[:2], *(each.value for each in call.keywords if each.arg == "mode")]
        opened = [each.value for each in modes if isinstance(each, ast.Constant) and isinstance(each.value, str)]
        module = of in ("os", "shutil", "tempfile", "np", "numpy")
        if (of == "os" and name in ("open", "replace")) or (name in WRITES and (module or name not in ("copy", "move"))):
            found.append(ast.unparse(call))
        if name == "open" and of != "archive" and any(re.fullmatch(r"[rwaxbt+]*[wax+][bt+]*", mode) for mode in opened):
            found.append(ast.unparse(call))
    return found


def test_one_room_writes_files() -> None:
    """A link that somebody planted, a disk that fills, a run that is killed: right in one place or wrong in twenty."""
    assert not {
        str(file.relative_to(HOUSE)): calls
        for file in FILES
        if file.relative_to(HOUSE).parts[0] != "files" and (calls := written_elsewhere(ast.parse(file.read_text())))
    }


@pytest.mark.parametrize(
    "line", ["Path('a').write_text('b')", "os.replace(a, b)", "open('a', 'w')", "p.open('ab')", "p.open(mode='x')", "a.rename(b)"]
)
def test_writing_elsewhere_is_seen(line: str) -> None:
    assert written_elsewhere(ast.parse(line))


def test_no_room_is_a_lumber_room() -> None:
    forbidden = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "managers", "base_utils", "shared"}
    assert not [file for file in FILES if forbidden & {part.removesuffix(".py") for part in file.relative_to(HOUSE).parts}]


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


def test_values_are_below_the_processes_that_are_declared() -> None:
    """The bodies of processes are read with values; values know nothing of bodies, so that both have their types."""
    for file in (HOUSE / "language" / "values").glob("*.py"):
        assert not [each for each in modules_imported(ast.parse(file.read_text())) if "language.processes" in each], file.name
