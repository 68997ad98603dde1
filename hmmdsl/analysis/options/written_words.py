"""Histories that a spec writes as text, such as `"0 1 1"`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from hmmdsl.process.joint import strides
from hmmdsl.process.words import UnknownTokenError, read_word
from hmmdsl.spec.analysis import Surroundings
from hmmdsl.spec.base import Problem

if TYPE_CHECKING:
    from hmmdsl.analysis.patching import Patching
    from hmmdsl.process.process import Process


def known_word(text: str, process: Process) -> tuple[int, ...] | None:
    """The indices of a word's tokens; None if the process lacks one of them."""
    try:
        return read_word(process.tokens, text)
    except UnknownTokenError:
        return None


def unknown_token(path: tuple[str | int, ...], code: str, error: UnknownTokenError, process: Process) -> Problem:
    """What is told of a text whose tokens are not all the process' own."""
    listed = ", ".join(process.tokens[:6]) + (", …" if len(process.tokens) > 6 else "")
    message = f"{process.name} has no token `{error.token}`"
    return Problem(path, code, message, label="unknown token", help=f"its tokens are {listed}")


def possible(word: tuple[int, ...], process: Process) -> bool:
    """Whether some path of hidden states emits the word. Of a generalized HMM, whose entries may cancel, every word is let
    through."""
    if process.generalized:
        return True
    if process.factored:
        sizes = [len(factor.tokens) for factor in process.factors]
        return all(
            possible(tuple(token // stride % size for token in word), factor)
            for factor, stride, size in zip(process.factors, strides(sizes), sizes, strict=True)
        )
    here = {i for i, share in enumerate(process.start) if share}
    for token in word:
        here = {j for (i, j), weight in process.operators[token].items() if i in here and weight}
    return bool(here)


def word_problems(analysis: Patching, around: Surroundings) -> Iterator[Problem]:
    """Words that can't be patched into one another (E0579), or are the same (W0983)."""
    process, context = around.process_of(analysis.of), around.model_of(analysis.of).context
    problems = [_word_problem(field, getattr(analysis, field), process, context) for field in ("source", "base")]
    yield from filter(None, problems)
    if any(problems):
        return
    source, base = (read_word(process.tokens, text) for text in (analysis.source, analysis.base))
    if len(source) != len(base):
        yield Problem(
            ("base",),
            "E0579",
            f"`source` has {_tokens(len(source))} and `base` {_tokens(len(base))}, so their positions do not correspond",
            label="another length",
            help="give both the same number of tokens",
        )
    elif source == base:
        yield Problem(
            ("base",),
            "W0983",
            "`source` and `base` are the same history, so that no patch changes anything",
            label="the same word",
            help="let them differ in at least one token",
        )


def _word_problem(field: str, text: str, process: Process, context: int) -> Problem | None:
    try:
        word = read_word(process.tokens, text)
    except UnknownTokenError as error:
        return unknown_token((field,), "E0579", error, process)
    if not word:
        return Problem((field,), "E0579", f"`{field}` has no token", label="empty", help='write its tokens, such as `"0 1 1"`')
    if len(word) > context:
        return Problem(
            (field,),
            "E0579",
            f"`{field}` has {_tokens(len(word))}, and the network reads {context} at most",
            label="longer than the context",
            help="shorten it, or lengthen the model's `context`",
        )
    if not possible(word, process):
        return Problem(
            (field,),
            "E0579",
            f"{process.name} never emits this word, so that no belief follows it",
            label="probability 0",
            help="choose a word that can occur",
        )
    return None


def _tokens(count: int) -> str:
    return f"{count} token{'' if count == 1 else 's'}"
