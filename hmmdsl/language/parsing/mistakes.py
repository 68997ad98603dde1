"""A message by hand for each way in which people go wrong with the syntax; `omissions` has those for what is missing."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches

from hmmdsl.language import syntax
from hmmdsl.language.diagnostics import Diagnostic
from hmmdsl.language.parsing.chunks import ITEM_WORDS, SIGN, STATEMENT_WORDS, is_name
from hmmdsl.language.parsing.omissions import (
    branch_missing,
    equal_sign_missing,
    head_incomplete,
    range_missing,
    separator_missing,
    value_missing,
)
from hmmdsl.language.parsing.scanner import NEWLINE
from hmmdsl.language.parsing.stopping import BEGINS_VALUE, ENDS_VALUE, OPERATORS, Failure

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
    if found is not None and before is not None and before.type in ENDS_VALUE and found.type in ("IF", "FOR"):
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
    if before is not None and before.type in OPERATORS:
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
    if "ARROW" in head and found is not None and found.type in (*BEGINS_VALUE, "MINUS"):
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
    branch_missing,
    head_incomplete,
    range_missing,
    value_missing,
    _reserved,
    equal_sign_missing,
    separator_missing,
)
