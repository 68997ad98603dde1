"""What cannot be built, and how to mend it."""

from __future__ import annotations

from math import log10

LARGEST_STATES = 65_536
"""Most states of a composed process."""

LARGEST_NUMBERED = 1_048_576
"""Most states of a product, whose factors stay separate: its states have names and numbers, and its matrices are not made."""

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


DEEPEST_PARTS = 32
"""How deep processes may be made of others: each is written out in the experiment's file, within the one before."""

MOST_FACTORS = 4_096
"""Most factors of a product, those of factors that are products among them; with one token each they cost no tokens."""


class TooDeepError(AlgebraError):
    """The result would be made of processes that are made of processes, and so on, too deep."""

    def __init__(self) -> None:
        super().__init__(
            f"a process would be made of others more than {DEEPEST_PARTS} deep",
            "name them side by side: `product(a = …, b = …, c = …)`, or `minimize` a part, which forgets what it was made of",
        )


class ClashError(AlgebraError):
    """Two things in the result would have one name."""


class TooLargeError(AlgebraError):
    """The result would not fit: it would have so many `states`, `tokens` and non-zero `entries`. `largest` is how many states
    fit; the entries count only where they are made."""

    def __init__(
        self, what: str, states: int, tokens: int, entries: int, largest: int = LARGEST_STATES, made: bool = True
    ) -> None:
        super().__init__(
            f"{what} would have {_sizes(states, tokens, entries if made else None)}",
            f"make its parts smaller: at most {_sizes(largest, LARGEST_TOKENS, LARGEST_ENTRIES if made else None)} fit",
        )
        self.states = states
        self.tokens = tokens
        self.entries = entries


def _sizes(states: int, tokens: int, entries: int | None) -> str:
    if entries is None:
        return f"{many(states)} states and {many(tokens)} tokens"
    return f"{many(states)} states, {many(tokens)} tokens and {many(entries)} transitions"


def many(count: int) -> str:
    """A number of things; one beyond reading by its magnitude."""
    return f"{count:,}" if count < 10**15 else f"about 10^{int((count.bit_length() - 1) * log10(2))}"


def check_size(what: str, states: int, tokens: int, entries: int) -> None:
    """Raise TooLargeError unless a process of these sizes fits. Called before anything of that size is made."""
    if states > LARGEST_STATES or tokens > LARGEST_TOKENS or entries > LARGEST_ENTRIES:
        raise TooLargeError(what, states, tokens, entries)


def check_factored(what: str, states: int, tokens: int, entries: int) -> None:
    """Raise TooLargeError unless a product of these sizes fits, whose `entries` are not made."""
    if states > LARGEST_NUMBERED or tokens > LARGEST_TOKENS:
        raise TooLargeError(what, states, tokens, entries, LARGEST_NUMBERED, made=False)
