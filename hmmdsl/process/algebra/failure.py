"""What cannot be built, and how to mend it."""

from __future__ import annotations

LARGEST_STATES = 65_536
"""Most states of a composed process."""

LARGEST_TOKENS = 65_536
"""Most tokens of a composed process."""

LARGEST_ENTRIES = 1_000_000
"""Most non-zero entries of all labelled matrices of a composed process together."""


class AlgebraError(ValueError):
    """An operation on processes has no meaning for these. The message is one sentence; `cure` says what to do."""

    def __init__(self, message: str, cure: str) -> None:
        super().__init__(message)
        self.message = message
        self.cure = cure


class ClashError(AlgebraError):
    """Two things in the result would have one name."""


class TooLargeError(AlgebraError):
    """The result would not fit: it would have so many `states`, `tokens` and non-zero `entries`."""

    def __init__(self, what: str, states: int, tokens: int, entries: int) -> None:
        super().__init__(
            f"{what} would have {states:,} states, {tokens:,} tokens and {entries:,} transitions",
            f"make its parts smaller: at most {LARGEST_STATES:,} states, {LARGEST_TOKENS:,} tokens and "
            f"{LARGEST_ENTRIES:,} transitions fit",
        )
        self.states = states
        self.tokens = tokens
        self.entries = entries


def check_size(what: str, states: int, tokens: int, entries: int) -> None:
    """Raise TooLargeError unless a process of these sizes fits. Called before anything of that size is made."""
    if states > LARGEST_STATES or tokens > LARGEST_TOKENS or entries > LARGEST_ENTRIES:
        raise TooLargeError(what, states, tokens, entries)
