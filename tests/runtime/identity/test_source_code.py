"""The source that a stage runs is found without importing it, and is what importing it finds."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import hmmdsl
from hmmdsl.runtime.identity.source_code import modules_of, source_hash

HOUSE = Path(hmmdsl.__file__).parent
MODULES = {
    ".".join(("hmmdsl", *path.relative_to(HOUSE).with_suffix("").parts)).removesuffix(".__init__"): path
    for path in HOUSE.rglob("*.py")
    if path != HOUSE / "__init__.py"
}


def imported(tree: ast.AST) -> Iterator[str]:
    """What Python's own parser finds, imports for the type checker apart."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        else:
            yield from imported(node)


def test_every_import_of_every_module_is_found() -> None:
    imports = {module: tuple(imported(ast.parse(path.read_text()))) for module, path in MODULES.items()}
    for module, path in MODULES.items():
        if path.name == "__init__.py":
            continue
        reached = set()
        waiting = [module]
        while waiting:
            each = waiting.pop()
            if each not in reached and each in MODULES:
                reached.add(each)
                waiting += imports[each]
        assert {each for each in modules_of([module]) if each in MODULES} == reached, module


def test_training_knows_no_analysis_and_an_analysis_not_its_figures() -> None:
    assert not [
        module for module in modules_of(["hmmdsl.training.loop"]) if module.startswith(("hmmdsl.analysis", "hmmdsl.report"))
    ]
    assert "hmmdsl.training.optimizer" in modules_of(["hmmdsl.training.loop"])
    computed = modules_of(["hmmdsl.analysis.regression.record", "hmmdsl.analysis.regression.compute"])
    assert "hmmdsl.analysis.fitting.ridge" in computed
    assert not [module for module in computed if module.endswith(".figures") or ".drawing" in module]


def test_the_hash_covers_files_beside_the_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    assert source_hash(("hmmdsl.report.page",)) != source_hash(("hmmdsl.report.page",), beside=(".html", ".css"))
