"""Histories that a spec names as words, to be followed through the layers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hmmdsl.process.process import Process
from hmmdsl.process.words import read_word, word_probability
from hmmdsl.spec.base import Problem
from hmmdsl.spec.models.base import Model


def followed_word(tokens: Sequence[str], text: str) -> tuple[int, ...]:
    """A history as written in `follow`, as indices into the tokens: as `read_word` reads it, and where tokens have spaces inside,
    as the pairs of a product do, by the longest token that comes next. Raises ValueError for what is no token."""
    if not any(" " in token for token in tokens):
        return read_word(tokens, text)
    longest_first = sorted(range(len(tokens)), key=lambda x: -len(tokens[x]))
    found: list[int] = []
    rest = text.lstrip()
    while rest:
        x = next((x for x in longest_first if rest.startswith(tokens[x])), None)
        if x is None:
            shown = ", ".join(f"`{token}`" for token in tokens[:6]) + (", …" if len(tokens) > 6 else "")
            raise ValueError(f"no token stands at the beginning of {rest!r}: there are {shown}")
        found.append(x)
        rest = rest[len(tokens[x]) :].lstrip()
    return tuple(found)


def word_problems(follow: Sequence[tuple[str, str]], process: Process, model: Model) -> Iterator[Problem]:
    """A problem (E0573) for each word that is no history within the context, and for a pair of one word."""
    shortest = 0 if model.bos else 1
    for i, pair in enumerate(follow):
        words: list[tuple[int, ...]] = []
        for k, text in enumerate(pair):
            where = ("follow", i, k)
            try:
                word = followed_word(process.tokens, text)
            except ValueError as error:
                cure = "write the tokens one after another, with spaces where one has more than one character"
                yield Problem(where, "E0573", f'"{text}" is no word of {process.name}: {error}', label="no word", help=cure)
                continue
            words.append(word)
            if not shortest <= len(word) <= model.context:
                message = f'"{text}" has {len(word)} tokens, and histories have {shortest} to {model.context}'
                yield Problem(where, "E0573", message, label="no history", help="follow a history within the network's context")
            elif word_probability(process, word) <= 0:
                message = f'{process.name} never emits "{text}": its probability is 0'
                yield Problem(where, "E0573", message, label="no history", help="follow a word that can occur")
        if len(words) == 2 and words[0] == words[1]:
            message = "this pair is one history twice, which no layer tells apart"
            yield Problem(("follow", i), "E0573", message, label="one history", help="follow two different histories")
