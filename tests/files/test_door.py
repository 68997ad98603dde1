"""What a stranger wrote is shown as text, and nothing prints around the door."""

from __future__ import annotations

import ast
import json
from io import StringIO
from pathlib import Path

import pytest
from rich.table import Table
from rich.text import Text

import hmmdsl
from hmmdsl.files.door import UNSEEN, console, json_text, say, visible

HOSTILE = "\x1b[32m✓ holds\x1b[0m\x1b]52;c;cm0gLXJm\x07\u202e\u200b\u2066\u3164\u034f\u115f\U000e0041\ufe0f\u2028\x9b2J\x00"
OBEYED = [c for c in HOSTILE if not (c.isprintable() and c not in UNSEEN)]

HOUSE = Path(hmmdsl.__file__).parent
WRITES = {
    "files/door.py",  # the door itself
    "cli/group.py",  # what `render` made is drawn by it, character by character
    "runtime/engines/worker.py",  # messages between processes, as JSON
}


def obeyed(text: str) -> list[str]:
    return [c for c in text if c in OBEYED]


def test_what_a_terminal_would_obey_or_hide_is_visible() -> None:
    assert len(OBEYED) == 15
    assert not obeyed(visible(HOSTILE))
    assert "✓ holds" in visible(HOSTILE)
    assert visible("naïve π ± 1\u00a0× 10⁻⁵ 日本") == "naïve π ± 1\u00a0× 10⁻⁵ 日本"
    heard = StringIO()
    say(HOSTILE, "more\nlines", file=heard)
    assert not obeyed(heard.getvalue())
    assert heard.getvalue().endswith(" more\nlines\n")


def test_tables_show_strangers_texts_as_text() -> None:
    heard = StringIO()
    screen = console(heard)
    table = Table(title=HOSTILE)
    table.add_column(HOSTILE)
    table.add_row(HOSTILE)
    table.add_row(Text(HOSTILE))
    screen.print(table, HOSTILE, "[red]no markup[/red] :smile:")
    assert not obeyed(heard.getvalue())
    assert "[red]no markup[/red] :smile:" in heard.getvalue()


def test_json_means_the_same_and_hides_nothing() -> None:
    text = json_text({HOSTILE: [HOSTILE]})
    assert not obeyed(text)
    assert json.loads(text) == {HOSTILE: [HOSTILE]}


def prints(file: Path) -> list[int]:
    """Lines that write to a standard stream, or make a console of their own."""
    found = []
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if name in ("print", "Console", "typer.echo", "click.echo") or name.endswith(("stdout.write", "stderr.write")):
                found.append(node.lineno)
    return found


@pytest.mark.parametrize("room", ["cli", "exchange", "runtime", "report", "language", "files", "training", "analysis"])
def test_nothing_prints_around_the_door(room: str) -> None:
    for file in sorted((HOUSE / room).rglob("*.py")):
        if file.relative_to(HOUSE).as_posix() not in WRITES:
            assert not prints(file), f"{file}: print by `say`, tables by `console` of hmmdsl/files/door.py"
