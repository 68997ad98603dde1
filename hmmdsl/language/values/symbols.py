"""The states and the tokens of one process, as declared and as referred to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from typing import Literal

from hmmdsl.language.diagnostics import Note
from hmmdsl.language.messages.hints import suggestion
from hmmdsl.language.source import Span
from hmmdsl.language.values.failure import ConstantError


@dataclass(frozen=True)
class IndexedFamily:
    """`s[0..3, 0..2]`: one range for each index, and the position of its first member."""

    ranges: tuple[range, ...]
    first: int
    span: Span

    def position(self, indices: tuple[int, ...]) -> int:
        """The position of a member, the rightmost index running fastest. The indices are within the ranges."""
        offset = 0
        for index, along in zip(indices, self.ranges, strict=True):
            offset = offset * len(along) + (index - along.start)
        return self.first + offset


def member_text(name: str, indices: tuple[int, ...]) -> str:
    """The canonical text of a member of a family: `s[1, 2]`."""
    return f"{name}[{', '.join(map(str, indices))}]"


@dataclass(eq=False)
class Table:
    """The states, or the tokens, in the order of declaration. `texts` are their canonical texts, `spans` where each is declared.

    `broken` says that a declaration was wrong, so that some members are missing.
    """

    what: Literal["state", "token"]
    texts: list[str] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    families: dict[str, IndexedFamily] = field(default_factory=dict)
    places: dict[str, int] = field(default_factory=dict)
    broken: bool = False

    def declare(self, text: str, span: Span) -> None:
        """Add one member. Raises ConstantError (E0309) if it is there already."""
        before = self.places.get(text)
        if before is not None:
            raise ConstantError(
                "E0309",
                f"the {self.what} `{text}` is declared twice",
                span,
                help="leave one of the two out",
                notes=(Note("the first declaration", self.spans[before]),),
            )
        self.places[text] = len(self.texts)
        self.texts.append(text)
        self.spans.append(span)

    def declare_string(self, value: str, span: Span) -> None:
        """Add a token written as a string."""
        self.declare(string_text(value), span)

    def declare_family(self, name: str, ranges: tuple[range, ...], span: Span) -> None:
        """Add all members of an indexed family. Raises ConstantError (E0309) if its name is taken."""
        if name in self.families or name in self.places:
            first = self.families[name].span if name in self.families else self.spans[self.places[name]]
            raise ConstantError(
                "E0309", f"the {self.what} `{name}` is declared twice", span,
                help="leave one of the two out", notes=(Note("the first declaration", first),),
            )  # fmt: skip
        self.families[name] = IndexedFamily(ranges, len(self.texts), span)
        for indices in product(*ranges):
            self.declare(member_text(name, indices), span)

    def declare_single(self, name: str, span: Span) -> None:
        """Add a member without indices. Raises ConstantError (E0309) if its name is taken."""
        family = self.families.get(name)
        if family is not None:
            raise ConstantError(
                "E0309", f"the {self.what} `{name}` is declared twice", span,
                help="leave one of the two out", notes=(Note("the first declaration", family.span),),
            )  # fmt: skip
        self.declare(name, span)

    def member(self, name: str, indices: tuple[int, ...], span: Span) -> int:
        """The position of `name[indices]`.

        Raises ConstantError: E0312 for an index outside its range, E0313 for a wrong number of indices.
        """
        family = self.families[name]
        if len(indices) != len(family.ranges):
            raise self.wrong_indices(name, len(indices), span)
        for index, along in zip(indices, family.ranges, strict=True):
            if index not in along:
                last = along.stop - 1
                raise ConstantError(
                    "E0312",
                    f"there is no {self.what} `{member_text(name, indices)}`: the index goes from {along.start} to {last}",
                    span,
                    label=f"{index} is out of range",
                    help="ranges are half open: `0..3` is 0, 1, 2, and `0..=3` has 3 too",
                    notes=(Note("declared here", family.span),),
                )
        return family.position(indices)

    def wrong_indices(self, name: str, given: int, span: Span) -> ConstantError:
        """The error for a wrong number of indices; 0 where a family's name stands alone."""
        family = self.families.get(name)
        wanted = len(family.ranges) if family else 0
        example = member_text(name, tuple(along.start for along in family.ranges)) if family else name
        first = family.span if family else self.spans[self.places[name]]
        return ConstantError(
            "E0313",
            f"the {self.what} `{name}` takes {wanted or 'no'} {'index' if wanted == 1 else 'indices'}, not {given or 'none'}",
            span,
            help=f"write it like `{example}`",
            notes=(Note("declared here", first),),
        )

    def known(self) -> list[str]:
        """Names for hints: single members, and each family by its name."""
        return [*(text for text in self.texts[:HINTS] if "[" not in text), *self.families]

    def unknown(self, text: str, span: Span) -> ConstantError:
        """The error for a name that no member has: E0306 for states, E0307 for tokens."""
        known = self.known()
        return ConstantError(
            "E0306" if self.what == "state" else "E0307",
            f"there is no {self.what} `{text}`",
            span,
            label=f"not a {self.what}",
            help=suggestion(text, known, f"the {self.what}s are") if known else f"declare it: `{self.what}s {text}`",
        )

    def __len__(self) -> int:
        return len(self.texts)

    def __iter__(self) -> Iterator[str]:
        return iter(self.texts)


HINTS = 1000
"""Hints compare with at most so many names."""


@dataclass(eq=False)
class Symbols:
    """The states and tokens of a body."""

    states: Table = field(default_factory=lambda: Table("state"))
    tokens: Table = field(default_factory=lambda: Table("token"))


def string_text(value: str) -> str:
    """The canonical text of a string token: quoted, with the usual escapes."""
    return json.dumps(value, ensure_ascii=False)
