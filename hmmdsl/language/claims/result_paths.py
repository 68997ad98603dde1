"""Paths to results, `beliefs.block[..].r2`, followed through the schema of results before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from hmmdsl.language import syntax
from hmmdsl.language.diagnostics import Diagnostics
from hmmdsl.language.messages.hints import OTHER_WORDS, listing, meant, suggestion
from hmmdsl.schema.fields import article
from hmmdsl.schema.results import Group, Quantity, ResultSchema, Series, quantities
from hmmdsl.schema.sweep import SweepAxis, seed_axis


@dataclass(frozen=True)
class All:
    """`[..]`: every element of a list, or of a group whose members are alike."""


Step: TypeAlias = str | int | All


@dataclass(frozen=True)
class Place:
    """Where a path leads: its steps, the schema there, and the length of each `[..]` (None: only the run will tell)."""

    steps: tuple[Step, ...]
    schema: ResultSchema
    shape: tuple[int | None, ...]


@dataclass(frozen=True)
class Results:
    """What paths are resolved against: the schema of all results, the names whose results are unknown since their
    declaration is wrong, the other names of the file with their sort, the axes of each sweep, by train and analysis the training
    runs that determine its results, and whether the histories that it reads are drawn."""

    schema: Group
    unknown: Collection[str] = ()
    others: Mapping[str, str] | None = None
    sweeps: Mapping[str, tuple[SweepAxis, ...]] = field(default_factory=dict)
    behind: Mapping[str, frozenset[str]] = field(default_factory=dict)
    drawn: Callable[[str], bool] = lambda name: False

    def repeated(self, head: str, name: str) -> int | None:
        """The axis of a sweep that repeats what one of its trains and analyses measures: it alone has seeds, those of every
        training run behind it, and so of the runs that another axis puts in their place. None if no axis does."""
        axes = self.sweeps.get(head, ())
        number = seed_axis(axes)
        if number is None:
            return None
        seeds = {path.partition(".")[0] for path in axes[number].paths}
        placed = {value for axis in axes for place in axis.values for value in place if value in self.behind}
        trains = frozenset().union(*(self.behind[each] for each in (name, *placed) if each in self.behind))
        return number if trains and (trains <= seeds or axes[number].paths == ("seed",)) else None


IndexOf: TypeAlias = Callable[[syntax.Expression], int | None]
"""The integer that a constant index means; None once its mistake has been reported."""


def steps_text(steps: tuple[Step, ...]) -> str:
    """A path as the language writes it.

    >>> steps_text(("beliefs", "block", 3, "r2")), steps_text(("beliefs", "block", All(), "r2"))
    ('beliefs.block[3].r2', 'beliefs.block[..].r2')
    """
    text = ""
    for step in steps:
        text += "[..]" if isinstance(step, All) else f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def follow(path: syntax.Path, results: Results, index_of: IndexOf, diagnostics: Diagnostics) -> Place | None:
    """Where a path leads; None once its mistake has been reported, or where its head's results are unknown."""
    head = path.head.text
    if head in results.unknown:
        return None
    if head not in results.schema.members:
        _no_such_head(path, results, diagnostics)
        return None
    place = Place((head,), results.schema.members[head], ())
    for segment in path.segments:
        next_place = (
            _member(place, segment, diagnostics)
            if isinstance(segment, syntax.Member)
            else _element(place, segment, index_of, diagnostics)
        )
        if next_place is None:
            return None
        place = next_place
    return place


def number_at(path: syntax.Path, place: Place, diagnostics: Diagnostics) -> bool:
    """Whether the path leads to a number; if not, that is reported with the numbers there are."""
    if isinstance(place.schema, Quantity):
        return True
    written = steps_text(place.steps)
    inside = [f"{written}{'' if text.startswith('[') else '.'}{text}" for text, _ in quantities(place.schema)]
    what = "a list of results" if isinstance(place.schema, Series) else "a group of results"
    diagnostics.add(
        "E0702",
        f"`{written}` is {what}, not a number",
        path.span,
        label="not a number",
        help=f"name a number in it: {listing(inside, 8)}",
    )
    return False


def _no_such_head(path: syntax.Path, results: Results, diagnostics: Diagnostics) -> None:
    head = path.head.text
    sort = (results.others or {}).get(head)
    known = [*results.schema.members, *results.unknown]
    if sort is not None:
        message = f"`{head}` is {article(sort)} {sort}, which has no results"
        cure = f"results belong to {listing(known)}" if known else "results belong to each `train` and `analysis`"
    else:
        message = f"there is no result `{head}`"
        cure = suggestion(head, known, "results belong to") or "declare a `train` or an `analysis` of that name"
    diagnostics.add("E0701", message, path.head.span, label="no result of this name", help=cure)


def _member(place: Place, segment: syntax.Member, diagnostics: Diagnostics) -> Place | None:
    written = steps_text(place.steps)
    match place.schema:
        case Group(members) if segment.name in members:
            return Place((*place.steps, segment.name), members[segment.name], place.shape)
        case Group(members):
            known = list(members)
            series = [name for name in known if isinstance(members[name], Series)]
            cure = suggestion(segment.name, known, "it has")
            ours = meant(segment.name, known)
            here = OTHER_WORDS.get(segment.name)
            if ours in series:
                cure = f"write `{ours}[0]`, or `{ours}[..]` for all"
            elif ours is None and here is not None:
                cure = f"it is called `{here}` here, and this analysis has {listing(known)} only"
            diagnostics.add(
                "E0701",
                f"`{written}` has no result `{segment.name}`",
                segment.span,
                label="no result of this name",
                help=cure,
            )
        case Series(_, length):
            many = f"{length} results" if length is not None else "results"
            last = f"`{written}[0]` to `{written}[{length - 1}]`" if length else f"`{written}[0]`, `{written}[1]`, …"
            diagnostics.add(
                "E0704",
                f"`{written}` is a list of {many} and needs an index before `.{segment.name}`",
                segment.span,
                label="which one?",
                help=f"write {last}, or `{written}[..]` for all of them",
            )
        case Quantity():
            diagnostics.add(
                "E0704",
                f"`{written}` is a number and has no `{segment.name}`",
                segment.span,
                label="nothing further",
                help=f"write `{written}`",
            )
    return None


def _alike(group: Group) -> Group | None:
    """What all members of a group are, where all have results of the same names, as those of several targets have."""
    members = [member for member in group.members.values() if isinstance(member, Group)]
    if not members or len(members) < len(group.members):
        return None
    return members[0] if all(each.members.keys() == members[0].members.keys() for each in members) else None


def _element(place: Place, segment: syntax.Index, index_of: IndexOf, diagnostics: Diagnostics) -> Place | None:
    written = steps_text(place.steps)
    if isinstance(place.schema, Group) and len(segment.items) == 1 and isinstance(segment.items[0], syntax.Every):
        alike = _alike(place.schema)
        if alike is not None:
            return Place((*place.steps, All()), alike, (*place.shape, len(place.schema.members)))
    if not isinstance(place.schema, Series):
        what = "a number" if isinstance(place.schema, Quantity) else "a group of results, told by their names"
        inside = list(place.schema.members) if isinstance(place.schema, Group) else []
        diagnostics.add(
            "E0704",
            f"`{written}` is {what}, and has no index",
            segment.span,
            label="not a list",
            help=f"it has {listing(inside)}" if inside else f"write `{written}`",
        )
        return None
    if len(segment.items) != 1:
        diagnostics.add("E0703", f"`{written}` takes one index", segment.span, help=f"write `{written}[0]` or `{written}[..]`")
        return None
    item = segment.items[0]
    element, length = place.schema.element, place.schema.length
    if isinstance(item, syntax.Every):
        return Place((*place.steps, All()), element, (*place.shape, length))
    index = index_of(item)
    if index is None:
        return None
    if index < 0 or (length is not None and index >= length):
        upto = f"0 to {length - 1}" if length else "0"
        diagnostics.add(
            "E0703",
            f"`{written}` has no element {index}",
            segment.span,
            label="out of range" if length is None else f"{upto}",
            help=f"indices count from {upto}" if length is not None else "indices count from 0",
        )
        return None
    return Place((*place.steps, index), element, place.shape)
