"""A message by hand for each way in which people go wrong with the syntax."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches

from hmmdsl.language import syntax
from hmmdsl.language.chunks import ITEM_WORDS, SIGN, STATEMENT_WORDS, Kind, behind, is_name
from hmmdsl.language.diagnostics import Diagnostic
from hmmdsl.language.layout import CLOSER
from hmmdsl.language.scanner import NEWLINE, Lexeme
from hmmdsl.language.source import Span

_PYTHON = {
    "def": "declare it with `let f(x) = …` inside an hmm, or with `process name(p) = …`",
    "lambda": "give the function a name: `let f(x) = …` inside an hmm",
    "class": "a declaration begins with its kind: `hmm`, `model`, `train`, `analysis`, …",
    "return": "a function is one expression: `let f(x) = …`",
    "while": "a loop runs over a range or a list: `for i in 0..3 { … }`",
    "elif": "choose inside the value: `if a then x else if b then y else z`",
    "from": "write `import std.processes (mess3, rrxor)`",
    "print": "`hmmdsl show` prints what a spec means; results are in the report",
    "assert": "a claim is written `expect …`",
    "with": "a spec has no such statement",
    "var": "a constant is written `let x = …` inside an hmm, `param x = …` outside",
    "const": "a constant is written `let x = …` inside an hmm, `param x = …` outside",
}
_OPERATORS = ("INFIX", "MINUS", "WORD_INFIX", "NOT")
_OPENERS = tuple(CLOSER)
_ENDS_VALUE = ("NAME", "INT", "NUMBER", "IMAGINARY", "STRING", "TRUE", "FALSE", "RPAR", "RSQB", "RBRACE")
_BEGINS_VALUE = ("NAME", "INT", "NUMBER", "IMAGINARY", "STRING", "TRUE", "FALSE", "LPAR", "LSQB", "IF")
_WORDS_IN_VALUES = ("IF", "THEN", "ELSE", "NOT", "TRUE", "FALSE", "WORD_INFIX", "REDUCER", "AT", "IN", "AS", "ON", "EMITS")

_SHOWN = {
    "NAME": "a name",
    "INT": "an integer",
    "NUMBER": "a number",
    "STRING": "a text",
    NEWLINE: "a new line",
    "$END": "the end",
    "EQUAL": "`=`",
    "COLON": "`:`",
    "COMMA": "`,`",
    "DOT": "`.`",
    "ARROW": "`->`",
    "ARROW_OPEN": "`-[`",
    "PLUS_MINUS": "`±`",
    "APPROXIMATELY": "`~=`",
    "DOTS": "`..`",
    **{kind: f"`{sign}`" for kind, sign in SIGN.items()},
    **{word: f"`{word.lower()}`" for word in ("IN", "THEN", "ELSE", "ON", "EMITS", "AS", "AT", "IF")},
}


@dataclass(frozen=True)
class Failure:
    """Where the parser stopped: at lexeme number `at`, or behind the last; `accepts` are the terminals it could take."""

    lexemes: list[Lexeme]
    at: int
    accepts: frozenset[str]
    kind: Kind

    @property
    def found(self) -> Lexeme | None:
        """The lexeme that does not fit, None at the end."""
        return self.lexemes[self.at] if self.at < len(self.lexemes) else None

    @property
    def before(self) -> Lexeme | None:
        """The lexeme before it."""
        return self.lexemes[self.at - 1] if self.at > 0 else None

    @property
    def first(self) -> str:
        """The first word."""
        return str(self.lexemes[0]) if self.lexemes else ""

    @property
    def span(self) -> Span:
        """The place: the lexeme that does not fit, or behind the last one."""
        if self.found is not None and self.found.type != NEWLINE:
            return self.found.span
        last = self.before
        assert last is not None
        return behind(last)

    @property
    def at_end(self) -> bool:
        """Whether the text ends where something is missing."""
        return self.found is None or self.found.type in (NEWLINE, "RBRACE")

    @property
    def gives_value(self) -> bool:
        """Whether a `=` stands before the place, outside of brackets."""
        depth = 0
        for lexeme in self.lexemes[: self.at]:
            depth += (lexeme.type in CLOSER) - (lexeme.type in ("RPAR", "RSQB", "RBRACE"))
            if lexeme.type == "EQUAL" and depth == 0:
                return True
        return False

    def open_bracket(self) -> Lexeme | None:
        """The innermost bracket that is open before the place."""
        brackets: list[Lexeme] = []
        for lexeme in self.lexemes[: self.at]:
            if lexeme.type in CLOSER:
                brackets.append(lexeme)
            elif lexeme.type in ("RPAR", "RSQB", "RBRACE") and brackets:
                brackets.pop()
        return brackets[-1] if brackets else None


def diagnose(failure: Failure) -> Diagnostic:
    """The message for a place where the parser stopped."""
    for rule in _RULES:
        diagnostic = rule(failure)
        if diagnostic is not None:
            return diagnostic
    return _unexpected(failure)


def not_an_hmm(declaration: syntax.Declaration) -> Diagnostic:
    """The message for a declaration that holds states and arrows, but does not begin with `hmm`."""
    word = declaration.keyword
    if word.text in STATEMENT_WORDS:
        return Diagnostic(
            "E0137", f"states and arrows do not belong in `{word.text}`", word.span, help="declare them in `hmm name { … }`"
        )
    return Diagnostic("E0102", f"no statement begins with `{word.text}`", word.span, help=_nearest(word.text, ("hmm", "ghmm")))


# ---------------------------------------------------------------- how statements, items and fields begin


def _foreign_word(failure: Failure) -> Diagnostic | None:
    for lexeme in failure.lexemes[: failure.at + 1]:
        word = str(lexeme)
        if word in _PYTHON and (lexeme is failure.lexemes[0] or word == "lambda"):
            following = failure.lexemes[failure.lexemes.index(lexeme) + 1 : failure.lexemes.index(lexeme) + 2]
            if following and (is_name(following[0]) or following[0].type in ("LPAR", "INT", "STRING", "COLON")):
                return Diagnostic("E0114", f"`{word}` belongs to another language", lexeme.span, help=_PYTHON[word])
    found, before = failure.found, failure.before
    if found is not None and before is not None and before.type in _ENDS_VALUE and found.type in ("IF", "FOR"):
        if found.type == "IF" and failure.first != "for":
            return Diagnostic(
                "E0114", "a choice begins with its condition", found.span, help="write `if condition then a else b`"
            )
        if failure.open_bracket() is not None:
            return Diagnostic(
                "E0114", "a list is not made by a loop", found.span, help="write its items, a range such as `0..3`, or `linspace`"
            )
    return None


_BEGINNINGS = {
    "file": ("a statement begins with a word", "hmm name { … }"),
    "body": ("an item begins with a word or a state", "let x = 1/2"),
    "record": ("a field begins with its name", "steps = 100"),
}


def _beginning(failure: Failure) -> Diagnostic | None:
    """The first word is not one that begins anything here."""
    lexemes, first = failure.lexemes, failure.lexemes[0] if failure.lexemes else None
    if first is None or (failure.at == 0 and not is_name(first)):
        rule, example = _BEGINNINGS[failure.kind]
        return Diagnostic("E0101", f"{rule}, not with `{first}`", failure.span, help=f"write, for example, `{example}`")
    word, second = str(first), lexemes[1] if len(lexemes) > 1 else None
    if failure.kind == "file":
        signs = [x for x in lexemes if x.type in ("ARROW", "ARROW_OPEN", "EQUAL") or str(x) == "emits"]
        arrow = (
            bool(signs) and signs[0].type != "EQUAL" and second is not None and (not is_name(second) or str(second) == "emits")
        )
        if word in ITEM_WORDS or arrow:
            what = "an arrow" if arrow else f"`{word}`"
            cure = "put it between the braces of an `hmm`; a constant of the file is `param x = …`"
            return Diagnostic("E0137", f"{what} belongs inside an `hmm`", first.span, help=cure)
        if second is not None and second.type == "EQUAL":
            cure = f"write `param {word} = …`, or `process {word} = …` for a process"
            return Diagnostic("E0143", "a value outside of braces needs a word before its name", first.span, help=cure)
        if word not in STATEMENT_WORDS:
            near = get_close_matches(word, STATEMENT_WORDS, n=1, cutoff=0.65)
            if near or failure.found is None or failure.at <= 2:
                return Diagnostic("E0102", f"no statement begins with `{word}`", first.span, help=_nearest(word, STATEMENT_WORDS))
    if failure.kind == "body" and second is not None:
        if second.type == "EQUAL" and first.type == "NAME":
            return Diagnostic("E0143", "a value inside an `hmm` needs `let`", first.span, help=f"write `let {word} = …`")
        if word == "if":
            cure = "write `for … if condition { … }`, or choose inside the value: `: if a then x else y`"
            return Diagnostic("E0114", "an item cannot begin with `if`", first.span, help=cure)
        if word in STATEMENT_WORDS and is_name(second):
            return Diagnostic("E0137", f"`{word}` cannot stand inside an `hmm`", first.span, help="put it outside of the braces")
        if word == "emit":
            return Diagnostic(
                "E0151", "`emit` is followed by `on`", second.span, help="write `emit on arrival` or `emit on departure`"
            )
        if word not in ITEM_WORDS and failure.at == 1 and (is_name(second) or second.type in ("INT", "STRING")):
            return Diagnostic("E0102", f"no item begins with `{word}`", first.span, help=_nearest(word, (*ITEM_WORDS, "emits")))
    return None


def _name_missing(failure: Failure) -> Diagnostic | None:
    if (
        failure.accepts
        and "NAME" in failure.accepts
        and failure.at == 1
        and failure.first in (*STATEMENT_WORDS, "let", "for", "states")
    ):
        found = failure.found
        if found is not None and is_name(found):
            return None
        example = {"for": "for i in 0..3 { … }", "let": "let x = 1/2", "states": "states A, B"}.get(
            failure.first, f"{failure.first} name …"
        )
        if failure.first in ("import", "expect"):
            return None
        return Diagnostic("E0129", f"`{failure.first}` needs a name", failure.span, help=f"write `{example}`")
    return None


def _reserved(failure: Failure) -> Diagnostic | None:
    found = failure.found
    if found is None or not is_name(found) or "NAME" not in failure.accepts or found.type == "NAME":
        return None
    before = failure.before
    if before is not None and before.type in _OPERATORS:
        return None
    if found.type in ("THEN", "ELSE", "WORD_INFIX", "IN", "AT", "REDUCER", "AS", "ON", "EMITS"):
        return None
    return Diagnostic(
        "E0135", f"`{found}` is a word of the language and cannot be a name", found.span, help="choose another name"
    )


# ---------------------------------------------------------------- signs


def _equal_sign(failure: Failure) -> Diagnostic | None:
    """`=` where `==`, `:` or `in` is meant, and signs where `=` is meant."""
    found, first = failure.found, failure.first
    if found is None:
        return None
    head = [x.type for x in failure.lexemes[: failure.at]]
    if found.type == "EQUAL":
        if first == "for" and "IN" not in head:
            return Diagnostic("E0149", "a loop's name is followed by `in`", found.span, help="write `for i in 0..3 { … }`")
        if failure.kind == "file" and "EQUAL" not in head and first in ("hmm", "ghmm", "model", "train", "analysis"):
            cure = (
                "write `process name = …`"
                if first in ("hmm", "ghmm")
                else f"write `{first} name: kind {{ … }}`; a kind follows `:`"
            )
            return Diagnostic("E0144", f"`=` cannot stand in the head of `{first}`", found.span, help=cure)
        if (
            failure.kind == "body"
            and ("ARROW" in head or any(str(x) == "emits" for x in failure.lexemes))
            and "COLON" not in head
        ):
            return Diagnostic("E0148", "a probability follows `:`", found.span, help="write `:` in place of `=`")
        if failure.kind == "body" and first == "start":
            return Diagnostic("E0151", "`start` takes no `=`", found.span, help="write `start S` or `start [1/2, 1/2]`")
        return Diagnostic("E0108", "`=` gives a value; it does not compare", found.span, help="write `==` to compare")
    if found.type == "COLON" and failure.open_bracket() is not None and failure.open_bracket().type == "LSQB":  # type: ignore[union-attr]
        return Diagnostic(
            "E0150", "a range is not written with `:`", found.span, help="write `0..3` (without 3) or `0..=3` (with 3)"
        )
    gives = (
        failure.kind == "record"
        or first in ("param", "let", "process", "operator", "kraus")
        or failure.open_bracket() is not None
    )
    if found.type == "COLON" and gives and first not in ("expect",):
        return Diagnostic("E0107", "a value is given with `=`, not `:`", found.span, help="write `=`")
    if str(found) == "==" and "EQUAL" in failure.accepts:
        return Diagnostic("E0107", "a value is given with a single `=`", found.span, help="write `=`; `==` compares")
    return None


def _arrow(failure: Failure) -> Diagnostic | None:
    if failure.kind != "body" or failure.first in ITEM_WORDS:
        return None
    head = [x.type for x in failure.lexemes[: failure.at]]
    before, found = failure.before, failure.found
    if before is None or "COLON" in head:
        return None
    if before.type == "ARROW_OPEN" or ("ARROW_OPEN" in head and "RSQB" not in head):
        return Diagnostic(
            "E0110", "the label of an arrow is one token", failure.span, help="write `S -[0]-> T : p`; a tuple is `-[(0, a)]->`"
        )
    if before.type == "RSQB" and "ARROW_OPEN" in head and "ARROW" not in head:
        return Diagnostic("E0110", "`->` is missing after the label", failure.span, help="write `S -[0]-> T : p`")
    if before.type == "ARROW":
        return Diagnostic(
            "E0109", "this arrow has no target", failure.span, help="write the state that it leads to: `S -[0]-> T : p`"
        )
    if found is not None and found.type == "MINUS" and "ARROW" not in head:
        return Diagnostic(
            "E0110",
            "this is not the form of an arrow",
            found.span,
            help="write `S -[0]-> T : p`, or `S -> T : p` without a label",
        )
    if "ARROW" in head and found is not None and found.type in (*_BEGINS_VALUE, "MINUS"):
        return Diagnostic("E0148", "a probability follows `:`", found.span, help=f"write `: {found} …`")
    if str(before) == "emits":
        return Diagnostic("E0109", "`emits` needs a token", failure.span, help="write `S emits 0 : p`")
    return None


def _about(failure: Failure) -> Diagnostic | None:
    """`~=` and `±` belong together, in a claim."""
    head = [x.type for x in failure.lexemes[: failure.at]]
    found = failure.found
    if found is not None and found.type in ("APPROXIMATELY", "PLUS_MINUS"):
        claim = failure.first == "expect"
        message = (
            f"`{found}` stands only in a claim, once: `x ~= a ± b`"
            if claim or found.type == "PLUS_MINUS"
            else "`~=` stands only in `expect`"
        )
        return Diagnostic("E0127", message, found.span, help="write `expect x ~= a ± b`")
    if "APPROXIMATELY" in head and "PLUS_MINUS" not in head and "PLUS_MINUS" in failure.accepts:
        return Diagnostic("E0126", "`~=` needs a tolerance", failure.span, help="write `x ~= a ± b`, or `+/-` for `±`")
    return None


def _choice(failure: Failure) -> Diagnostic | None:
    """An `if` without its `then` or `else`."""
    waiting: list[tuple[Lexeme, str]] = []
    depth = 0
    for lexeme in failure.lexemes[: failure.at]:
        if lexeme.type in CLOSER:
            depth += 1
        elif lexeme.type in ("RPAR", "RSQB", "RBRACE"):
            depth -= 1
        elif lexeme.type == "IF" and not (failure.first == "for" and depth == 0 and not waiting):
            waiting.append((lexeme, "then"))
        elif lexeme.type == "THEN" and waiting:
            waiting[-1] = (waiting[-1][0], "else")
        elif lexeme.type == "ELSE" and waiting:
            waiting.pop()
    before = failure.before
    if not waiting or before is None or before.type not in _ENDS_VALUE:
        return None
    opener, missing = waiting[-1]
    if missing.upper() not in failure.accepts:
        return None
    code = "E0113" if missing == "then" else "E0112"
    message = f"this `if` has no `{missing}`"
    return Diagnostic(code, message, opener.span, help="write `if condition then a else b`; both are needed")


# ---------------------------------------------------------------- what is missing


def _head(failure: Failure) -> Diagnostic | None:
    """A statement whose braces or kind are missing."""
    found, first = failure.found, failure.first
    label = failure.before is not None and failure.before.type == "STRING" and failure.at == 2
    if failure.kind == "file" and first == "expect" and label and found is not None:
        return Diagnostic("E0145", "a claim's label ends with `:`", failure.span, help=f"write `expect {failure.before}: …`")
    if failure.kind == "file" and first == "import" and found is not None:
        cure = 'write `import std.processes (mess3)`, or `import "mine.hmm" as mine`'
        return Diagnostic("E0146", f"`{found}` does not belong in an import", found.span, help=cure)
    if "LBRACE" not in failure.accepts or failure.gives_value:
        return None
    if found is None or found.type in ("COLON", NEWLINE):
        heads = failure.kind == "file" and first not in ("process", "param", "import", "expect")
        if heads or first == "for":
            return Diagnostic("E0130", f"`{first}` needs its braces", failure.span, help="open them on the same line: `… {`")
    elif failure.kind == "file" and is_name(found) and "COLON" in failure.accepts:
        return Diagnostic("E0144", "a kind follows `:`", found.span, help=f"write `: {found}`")
    return None


def _equal_missing(failure: Failure) -> Diagnostic | None:
    if "EQUAL" not in failure.accepts or failure.at == 0:
        return None
    if failure.kind == "record" or failure.first in ("param", "let", "process", "operator", "kraus"):
        return Diagnostic("E0106", "`=` is missing here", failure.span, help="write `name = value`")
    return None


def _value_missing(failure: Failure) -> Diagnostic | None:
    """Nothing stands where a value must."""
    before, found = failure.before, failure.found
    if before is None:
        return None
    if before.type in _OPERATORS and failure.at_end:
        cure = "a line goes on only inside `(` and `[`: put the expression into parentheses"
        return Diagnostic("E0136", f"the expression breaks off after `{before}`", before.span, help=cure)
    if before.type in ("EQUAL", "COMMA", "LSQB", "LPAR") and found is not None and found.type == "LBRACE":
        return Diagnostic(
            "E0152", "a record inside a value has a word before it", found.span, help="write, for example, `adamw { lr = 3e-3 }`"
        )
    if before.type in ("EQUAL", "COLON", "THEN", "ELSE", "IF", "IN", "COMMA", "ARROW", *_OPERATORS, *_OPENERS):
        if found is not None and is_name(found) and found.type == "NAME":
            return None
        shown = "" if found is None or found.type == NEWLINE else f", before `{found}`"
        what = "a probability" if before.type == "COLON" and failure.kind == "body" else "a value"
        cure = (
            "write a number, `rest` or an expression; without `:` it is certain"
            if what == "a probability"
            else "write it, or delete what waits for it"
        )
        return Diagnostic("E0111", f"{what} is missing after `{before}`{shown}", failure.span, help=cure)
    return None


def _separator_missing(failure: Failure) -> Diagnostic | None:
    before, found = failure.before, failure.found
    if (
        before is None
        or found is None
        or before.type not in (*_ENDS_VALUE, "DOTS")
        or found.type not in (*_BEGINS_VALUE, "LBRACE")
    ):
        return None
    following = failure.lexemes[failure.at + 1] if failure.at + 1 < len(failure.lexemes) else None
    field = following is not None and following.type == "EQUAL"
    if before.type in ("INT", "NUMBER") and found.type in ("NAME", "LPAR") and not field:
        product = f"{before} * (…)" if found.type == "LPAR" else f"{before} * {found}"
        return Diagnostic(
            "E0128", f"`{before}` and `{found}` stand side by side", found.span, help=f"write `{product}` for a product"
        )
    bracket = failure.open_bracket()
    if bracket is not None and bracket.type in ("LPAR", "LSQB"):
        return Diagnostic(
            "E0128", f"a comma or an operator is missing before `{found}`", found.span, help="separate items with `,`"
        )
    if failure.first in ("states", "tokens"):
        return Diagnostic("E0128", f"a comma is missing before `{found}`", found.span, help=f"write `{before}, {found}`")
    cure = (
        "begin a new line, or write `,` between fields"
        if failure.kind == "record" or bracket is not None
        else "begin a new line, or write `;`"
    )
    return Diagnostic("E0128", f"`{found}` cannot follow here", found.span, help=cure)


def _unexpected(failure: Failure) -> Diagnostic:
    """The message for everything else: what stands there and what could."""
    found = failure.found
    stands = "the line ends too early" if found is None or found.type == NEWLINE else f"`{found}` cannot stand here"
    could = sorted({_SHOWN[t] for t in failure.accepts if t in _SHOWN})
    if "INT" in failure.accepts and "NAME" in failure.accepts and "LPAR" in failure.accepts:
        could = ["a value"]
    cure = ""
    if could:
        cure = "there could be " + (
            could[0]
            if len(could) == 1
            else ", ".join(could[:5]) + " or " + could[-1]
            if len(could) > 6
            else ", ".join(could[:-1]) + " or " + could[-1]
        )
    return Diagnostic("E0101", stands, failure.span, help=cure)


def _nearest(word: str, known: tuple[str, ...]) -> str:
    near = get_close_matches(word.lower(), known, n=1, cutoff=0.5)
    return f"write `{near[0]}`" if near else f"there are {', '.join(known)}"


_RULES: tuple[Callable[[Failure], Diagnostic | None], ...] = (
    _foreign_word,
    _beginning,
    _name_missing,
    _equal_sign,
    _about,
    _arrow,
    _choice,
    _head,
    _value_missing,
    _reserved,
    _equal_missing,
    _separator_missing,
)
