"""Histories that a spec writes as text, such as `"0 1 1"`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hmmdsl.process.process import strides
from hmmdsl.process.words import UnknownTokenError, read_word
from hmmdsl.schema.base import Problem

if TYPE_CHECKING:
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
