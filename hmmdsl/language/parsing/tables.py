"""The grammar's parse tables, made beforehand: Lark takes .1 s to make them, a fifth of checking a spec, and .01 s to read them.

`tables.json` lies beside grammar.lark. It holds the grammar and the version of Lark that it was made of; with others it is left
aside and the tables are made anew. `python -m hmmdsl.language.parsing.tables` writes it after a change of the grammar.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import lark
from lark import Lark
from lark.grammar import Rule
from lark.lexer import TerminalDef

from hmmdsl.files.writing import write_whole
from hmmdsl.language.parsing.scanner import Lexeme, Scanner, Words
from hmmdsl.language.parsing.tree_builder import TreeBuilder

_ENTRIES = ["file", "lone", "body", "record"]
"""What can be read alone: a file, a value or claim, the insides of an hmm and of a record."""


def parser() -> Lark:
    """The parser of grammar.lark, from its tables if they are of this grammar and this Lark."""
    folder = resources.files("hmmdsl.language")
    grammar = folder.joinpath("grammar.lark").read_text(encoding="utf-8")
    try:
        stored = json.loads(folder.joinpath("tables.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return made(grammar)
    return _read(stored) if stored.get("made_of") == _made_of(grammar) else made(grammar)


def made(grammar: str) -> Lark:
    """The parser of a grammar, its tables computed."""
    return Lark(grammar, parser="lalr", lexer=Words, start=_ENTRIES, transformer=TreeBuilder(), maybe_placeholders=True)


def written(grammar: str) -> str:
    """The tables of a grammar as JSON. Classes and callbacks are not in it: `_read` adds them."""
    data, memo = made(grammar).memo_serialize([TerminalDef, Rule])
    del data["options"]["lexer"], data["options"]["transformer"]
    del data["parser"]["lexer_conf"]["lexer_type"]
    content = {"made_of": _made_of(grammar), "data": data, "memo": memo}
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False) + "\n"


def _read(stored: dict[str, Any]) -> Lark:
    data = stored["data"]
    data["options"] |= {"lexer": Words, "transformer": TreeBuilder()}
    data["parser"]["lexer_conf"]["lexer_type"] = Words
    table = data["parser"]["parser"]  # JSON has made words of its numbers
    table["tokens"] = {int(number): name for number, name in table["tokens"].items()}
    table["states"] = {
        int(state): {int(token): action for token, action in actions.items()} for state, actions in table["states"].items()
    }
    loaded: Lark = Lark.load({"data": data, "memo": {int(number): part for number, part in stored["memo"].items()}})
    return loaded


def _made_of(grammar: str) -> dict[str, str]:
    return {"lark": lark.__version__, "grammar": grammar}


if __name__ == "__main__":
    place = Path(__file__).parent.parent
    write_whole(place / "tables.json", written((place / "grammar.lark").read_text(encoding="utf-8")))


class Grammar:
    """The grammar's parser, with an entry for a file and for each part that is read alone, and its scanner."""

    def __init__(self) -> None:
        self.lark = parser()
        self.scanner = Scanner(self.lark.terminals)

    def parse(self, lexemes: list[Lexeme], start: str) -> Any:
        """The tree for laid-out lexemes. Raises UnexpectedToken or RefusedError."""
        return self.lark.parse(lexemes, start)


@cache
def grammar() -> Grammar:
    """The one grammar of this process."""
    return Grammar()
