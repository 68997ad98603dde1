"""The house in numbers, each beside what it should reach: `python -m tests.benchmarks.house_metrics [-v]`.

Circles, imports inside functions, small files with one user, heads and comments, lines. `-v` names what is counted.
"""

from __future__ import annotations

import ast
import sys
import tokenize
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import hmmdsl

HOUSE = Path(hmmdsl.__file__).parent

WEIGHTY = {
    *("torch", "sklearn", "scipy", "numpy", "matplotlib", "pandas", "jinja2", "rich", "lark", "safetensors", "threadpoolctl"),
    *("mlflow", "tensorboard", "ray", "submitit", "hmmlearn", "transformer_lens", "fsspec", "onnx", "onnxscript", "pyarrow"),
    *("networkx", "IPython", "pygls", "lsprotocol", "huggingface_hub", "sqlite3"),
}
"""Libraries that a command which does not need them must not load: an import inside a function is there for one of them if what
it imports loads one that the file itself does not."""

SMALL = 60
"""Lines below which a file with a single user belongs into that one."""


@dataclass(frozen=True)
class Import:
    """One import of a module of the house, or of a library (its first name): where it stands, and whether in a function."""

    module: str
    line: int
    inside: bool


@dataclass(frozen=True)
class File:
    """What is read of a file."""

    module: str
    path: Path
    lines: int
    head: int
    comments: int
    code: int
    imports: tuple[Import, ...]

    @property
    def reached(self) -> set[str]:
        """All modules that it imports, wherever it does, for the type checker too."""
        return {each.module for each in self.imports}


def files() -> dict[str, File]:
    """Every file of the house by its module."""
    paths = {_module(path): path for path in sorted(HOUSE.rglob("*.py"))}
    return {module: _read(module, path, paths) for module, path in paths.items()}


def _module(path: Path) -> str:
    parts = ("hmmdsl", *path.relative_to(HOUSE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _read(module: str, path: Path, known: dict[str, Path]) -> File:
    text = path.read_text()
    tree = ast.parse(text)
    heads = [node for node in tree.body if _is_head(node)]
    comments = {t.start[0] for t in tokenize.generate_tokens(StringIO(text).readline) if t.type == tokenize.COMMENT}
    code = sum(1 for line in text.splitlines() if line.strip() and not line.strip().startswith("#"))
    head = sum((node.end_lineno or node.lineno) - node.lineno + 1 for node in heads)
    return File(module, path, text.count("\n"), head, len(comments), code, tuple(_imports(tree, known)))


def _is_head(node: ast.stmt) -> bool:
    """Whether a statement at the top is an import, or the file's docstring: the first expression."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        return True
    if isinstance(node, ast.If):
        return ast.unparse(node.test) == "TYPE_CHECKING"
    return isinstance(node, ast.Expr) and node.lineno == 1


def _imports(tree: ast.AST, known: dict[str, Path], inside: bool = False) -> Iterator[Import]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name if alias.name in known else alias.name.partition(".")[0], node.lineno, inside)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                name = whole if whole in known else node.module
                yield Import(name if name in known else name.partition(".")[0], node.lineno, inside)
        yield from _imports(node, known, inside or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def circles(house: dict[str, File]) -> list[list[str]]:
    """Files that import one another, directly or through others: the strongly connected components of more than one."""
    order: list[str] = []
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(module: str) -> None:
        index = len(order)
        order.append(module)
        low[module] = index
        stack.append(module)
        for each in sorted(house[module].reached & house.keys()):
            if each not in low:
                visit(each)
            if each in stack:
                low[module] = min(low[module], low[each])
        if low[module] == index:
            component = stack[stack.index(module) :]
            del stack[stack.index(module) :]
            if len(component) > 1:
                found.append(sorted(component))

    sys.setrecursionlimit(10_000)
    for module in house:
        if module not in low:
            visit(module)
    return found


def weight(house: dict[str, File], module: str) -> set[str]:
    """The heavy libraries that importing a module loads."""
    seen: set[str] = set()
    waiting = [module]
    while waiting:
        each = waiting.pop()
        if each in seen:
            continue
        seen.add(each)
        if each in house:
            waiting += [one.module for one in house[each].imports if not one.inside and not _typing_only(house[each], one)]
            waiting += [parent for parent in _parents(each) if parent in house]
    return seen & WEIGHTY


def _parents(module: str) -> list[str]:
    parts = module.split(".")
    return [".".join(parts[:i]) for i in range(1, len(parts))]


_TYPING: dict[str, set[int]] = {}


def _typing_only(file: File, one: Import) -> bool:
    """Whether an import is for the type checker alone."""
    if file.module not in _TYPING:
        tree = ast.parse(file.path.read_text())
        blocks = [node for node in ast.walk(tree) if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
        _TYPING[file.module] = {line for node in blocks for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)}
    return one.line in _TYPING[file.module]


def lazy_imports(house: dict[str, File]) -> list[str]:
    """Statements inside functions that import a module of the house, or a light library, and save no weight."""
    found = []
    for file in house.values():
        own = weight(house, file.module)
        lines: dict[int, bool] = defaultdict(bool)
        for each in file.imports:
            if each.inside:
                there = weight(house, each.module) if each.module in house else {each.module} & WEIGHTY
                lines[each.line] |= bool(there - own)
        found += [f"{file.path.relative_to(HOUSE)}:{line}" for line, saves in lines.items() if not saves]
    return found


def small_files(house: dict[str, File]) -> list[str]:
    """Files of fewer lines than `SMALL` that exactly one other imports."""
    users: dict[str, set[str]] = defaultdict(set)
    for file in house.values():
        for each in file.reached & house.keys():
            users[each].add(file.module)
    small = [file for file in house.values() if file.lines < SMALL and file.path.name != "__init__.py"]
    return [f"{file.module} ({file.lines}) <- {min(users[file.module])}" for file in small if len(users[file.module]) == 1]


def main() -> None:
    """Print the table."""
    house = files()
    lines = sum(file.lines for file in house.values())
    rings, lazy, small = circles(house), lazy_imports(house), small_files(house)
    all_inside = sum(len({each.line for each in file.imports if each.inside}) for file in house.values())
    head = 100 * sum(file.head for file in house.values()) / lines
    comments = 100 * sum(file.comments for file in house.values()) / lines
    rows = [
        ("import circles between files, TYPE_CHECKING counted", f"{len(rings)} over {sum(map(len, rings))} files", "0"),
        ("imports inside functions, other than for weight", f"{len(lazy)} (of {all_inside})", "≤ 60"),
        (f"files imported by exactly one other and under {SMALL} lines", str(len(small)), "≤ 15"),
        ("share of file heads (docstring, imports)", f"{head:.1f} %", "≤ 10 %"),
        ("share of comments", f"{comments:.1f} %", "≥ 3 %"),
        ("files", f"{len(house):,}", ""),
        ("lines of hmmdsl/", f"{lines:,}", "≤ 45,000"),
    ]
    width = max(len(what) for what, _, _ in rows)
    print(f"{'what':{width}}  {'today':>18}  at least")
    for what, today, target in rows:
        print(f"{what:{width}}  {today:>18}  {target}")
    if "-v" in sys.argv:
        for ring in rings:
            print("circle:", *ring)
        for title, found in (("inside a function", lazy), ("small", small)):
            for each in found:
                print(f"{title}: {each}")


if __name__ == "__main__":
    main()
