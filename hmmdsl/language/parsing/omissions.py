"""Messages for what is missing: a branch, braces, `=`, a value, a separator."""

from __future__ import annotations

from itertools import pairwise

from hmmdsl.language.diagnostics import Diagnostic
from hmmdsl.language.parsing.chunks import is_name
from hmmdsl.language.parsing.layout import CLOSER
from hmmdsl.language.parsing.scanner import NEWLINE, Lexeme
from hmmdsl.language.parsing.stopping import BEGINS_VALUE, ENDS_VALUE, OPENERS, OPERATORS, Failure


def branch_missing(failure: Failure) -> Diagnostic | None:
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
    if not waiting or before is None or before.type not in ENDS_VALUE:
        return None
    opener, missing = waiting[-1]
    if missing.upper() not in failure.accepts:
        return None
    code = "E0113" if missing == "then" else "E0112"
    message = f"this `if` has no `{missing}`"
    return Diagnostic(code, message, opener.span, help="write `if condition then a else b`; both are needed")


def head_incomplete(failure: Failure) -> Diagnostic | None:
    """A statement whose braces or kind are missing."""
    found, first = failure.found, failure.first
    if failure.kind == "file" and first == "expect" and _counts(failure.lexemes[1:6]):
        cure = 'write `expect "label" in 6 of 8: …`, or without a label `expect in 6 of 8: …`'
        return Diagnostic("E0147", "how often a claim must hold is two whole numbers before its `:`", failure.span, help=cure)
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


def _counts(words: list[Lexeme]) -> bool:
    """Whether a claim begins with what looks like `in 6 of 8`."""
    return any(str(word) == "in" or (word.type == "INT" and str(after) == "of") for word, after in pairwise(words))


def equal_sign_missing(failure: Failure) -> Diagnostic | None:
    """A name without the `=` that its value follows."""
    if failure.kind == "record" and str(failure.before) == "replicate" and str(failure.found) == "{":
        message = "`replicate` stands outside of all other records"
        cure = "write it beside them; `hmmdsl run FILE --seeds 2` says with how many seeds it is run this time"
        return Diagnostic("E0224", message, failure.span, label="not here", help=cure)
    if "EQUAL" not in failure.accepts or failure.at == 0:
        return None
    if failure.kind == "record" or failure.first in ("param", "let", "process", "operator", "kraus"):
        return Diagnostic("E0106", "`=` is missing here", failure.span, help="write `name = value`")
    return None


def value_missing(failure: Failure) -> Diagnostic | None:
    """Nothing stands where a value must."""
    before, found = failure.before, failure.found
    if before is None:
        return None
    if before.type in OPERATORS and failure.at_end:
        cure = "a line goes on only inside `(` and `[`: put the expression into parentheses"
        return Diagnostic("E0136", f"the expression breaks off after `{before}`", before.span, help=cure)
    if before.type in ("EQUAL", "COMMA", "LSQB", "LPAR") and found is not None and found.type == "LBRACE":
        return Diagnostic(
            "E0152", "a record inside a value has a word before it", found.span, help="write, for example, `adamw { lr = 3e-3 }`"
        )
    if before.type in ("EQUAL", "COLON", "THEN", "ELSE", "IF", "IN", "COMMA", "ARROW", *OPERATORS, *OPENERS):
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


def range_missing(failure: Failure) -> Diagnostic | None:
    """`states q[n]`, or `states q[i]` in a loop: a family without its range."""
    found, head = failure.found, [str(lexeme) for lexeme in failure.lexemes[: failure.at]]
    words = [word for word in ("states", "tokens") if word in head]
    if (
        failure.kind != "body"
        or not words
        or found is None
        or found.type not in ("RSQB", "COMMA")
        or "DOTS" not in failure.accepts
    ):
        return None
    opening = max(place for place, word in enumerate(head) if word == "[")
    family = f"{words[-1]} {head[opening - 1]}"
    return Diagnostic(
        "E0153",
        f"`{head[opening - 1]}[…]` takes a range here: it declares all of a family at once",
        failure.lexemes[opening].span.to(found.span),
        label="no range",
        help=f"write, for example, `{family}[0..3]`, outside of any loop; it declares three",
    )


def _unnamed(failure: Failure) -> Diagnostic | None:
    """An index behind what has no name."""
    before, found, bracket = failure.before, failure.found, failure.open_bracket()
    if before is None or found is None or found.type != "LSQB" or before.type not in ("RPAR", "RSQB"):
        return None
    rows = before.type == "RSQB" and bracket is not None and bracket.type == "LSQB"  # [[1, 2][3, 4]]: a comma is missing
    if rows or before.span.end != found.span.start:
        return None
    word = "let" if failure.kind == "body" else "param"
    cure = f"give it a name, as in `{word} items = …`, and write `items[…]`"
    if failure.first == "expect":
        cure = "index the results that go into it, as in `beliefs.block[0].r2`"
    return Diagnostic(
        "E0154", "an index stands behind a name, and this has none", found.span, label="not behind a name", help=cure
    )


def separator_missing(failure: Failure) -> Diagnostic | None:
    """Two values side by side."""
    unnamed = _unnamed(failure)
    if unnamed is not None:
        return unnamed
    before, found = failure.before, failure.found
    if before is None or found is None or before.type not in (*ENDS_VALUE, "DOTS") or found.type not in (*BEGINS_VALUE, "LBRACE"):
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
