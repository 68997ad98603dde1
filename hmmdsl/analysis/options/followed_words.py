"""Histories that a spec names as words, to be followed through the layers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hmmdsl.analysis.options.written_words import unknown_token
from hmmdsl.process.process import Process
from hmmdsl.process.words import UnknownTokenError, read_word, word_probability
from hmmdsl.spec.base import Problem
from hmmdsl.spec.models.base import Model


def word_problems(follow: Sequence[tuple[str, str]], process: Process, model: Model) -> Iterator[Problem]:
    """A problem (E0573) for each word that is no history within the context, and for a pair of one word."""
    shortest = 0 if model.bos else 1
    for i, pair in enumerate(follow):
        words: list[tuple[int, ...]] = []
        for k, text in enumerate(pair):
            where = ("follow", i, k)
            try:
                word = read_word(process.tokens, text)
            except UnknownTokenError as error:
                yield unknown_token(where, "E0573", error, process)
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
