"""`sweep NAME { net.d_model = [2, 4, 8], zip(fit.lr = [..], fit.steps = [..]), fit.seed = 0..5 }`: the axes as declared.

A record's entries are the axes of a product, in order, the last fastest; `zip(…)` is one axis along which several paths change
together. A profile or `--set` may give an axis other values: `capacity.fit.seed = 0..2`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from hmmdsl.language import syntax
from hmmdsl.language.diagnostics import Diagnostics, Note
from hmmdsl.language.formatting.printing import format_expression
from hmmdsl.language.messages.hints import suggestion
from hmmdsl.language.modules.names import Names
from hmmdsl.language.parsing.chunks import NAMELESS
from hmmdsl.language.records.settings import Overrides
from hmmdsl.language.records.shapes import found
from hmmdsl.language.records.values import Assignment, Broken, Meanings
from hmmdsl.language.source import Span
from hmmdsl.language.sweeps.limits import MAX_POINTS
from hmmdsl.language.values.value import Array
from hmmdsl.schema.fields import article

SWEPT = ("model", "train", "analysis")
"""The sorts of records whose fields may be axes."""


@dataclass(frozen=True)
class AxisPath:
    """A path that an axis changes, with its value at each place along the axis."""

    names: tuple[syntax.Name, ...]
    values: tuple[syntax.Expression, ...]

    @property
    def text(self) -> str:
        return ".".join(name.text for name in self.names)

    @property
    def head(self) -> str:
        return self.names[0].text

    @property
    def span(self) -> Span:
        return self.names[0].span.to(self.names[-1].span)


@dataclass(frozen=True)
class DeclaredAxis:
    """One path, or several of equally many values."""

    paths: tuple[AxisPath, ...]

    def __len__(self) -> int:
        return len(self.paths[0].values)


@dataclass(frozen=True)
class DeclaredSweep:
    """A sweep's name and its axes; `sound` tells whether nothing was wrong with them."""

    name: syntax.Name
    axes: tuple[DeclaredAxis, ...]
    sound: bool


class SweepReader:
    """Reads the sweeps of a file; what is wrong with one is reported at its place."""

    def __init__(
        self, names: Names, meanings: Meanings, overrides: Overrides, diagnostics: Diagnostics, max_points: int = MAX_POINTS
    ) -> None:
        self.names = names
        self.meanings = meanings
        self.overrides = overrides
        self.diagnostics = diagnostics
        self.max_points = max_points

    def read_all(self, file: syntax.File) -> dict[str, DeclaredSweep]:
        """The sweeps by their names, in order."""
        sweeps: dict[str, DeclaredSweep] = {}
        for declaration in file.statements:
            if not isinstance(declaration, syntax.Declaration) or declaration.keyword.text != "sweep":
                continue
            name = declaration.name
            if declaration.kind is not None:
                self.diagnostics.add(
                    "E0222", "`sweep` takes no kind", declaration.kind.span, label="not here", help="write `sweep NAME { … }`"
                )
            if name is None:
                self.diagnostics.add(
                    "E0221",
                    "this sweep has no name",
                    declaration.keyword.span,
                    label="a name is missing",
                    help="write `sweep NAME { … }`: its results are called after it",
                )
            elif self.names.is_first(name) and name.text not in self.names.lost:
                sweeps[name.text] = self._sweep(name, declaration.record)
        return sweeps

    def _sweep(self, name: syntax.Name, record: syntax.Record) -> DeclaredSweep:
        before = len(self.diagnostics.errors)
        others = {".".join(part.text for part in each.path): each.value for each in self.overrides.of(name.text)}
        axes: list[DeclaredAxis] = []
        for field in record.fields:
            paths = [
                path
                for key, value in self._entries(field)
                if (path := self._path(key, others.pop(_text(key), value))) is not None
            ]
            if isinstance(field, syntax.Call):
                self._equally_long(field, paths)
            if paths:
                axes.append(DeclaredAxis(tuple(paths)))
        self._no_such_axis(name, others, axes)
        self._given_once(axes)
        if len(self.diagnostics.errors) == before:
            self._not_too_many(name, axes)
        return DeclaredSweep(name, tuple(axes), len(self.diagnostics.errors) == before)

    # ------------------------------------------------------------ axes

    def _entries(self, field: syntax.Entry | syntax.Call) -> Iterator[tuple[syntax.Path, syntax.Expression]]:
        """The paths of one field of the record with what is said of them."""
        if isinstance(field, syntax.Entry):
            yield field.key, field.value
            return
        help_ = "write `zip(net.d_model = [8, 16], fit.steps = [100, 200])`"
        if field.function.bare != "zip":
            message = f"a sweep has no `{format_expression(field.function)}(…)`"
            self.diagnostics.add("E0557", message, field.function.span, label="unknown", help=help_)
            return
        if not field.arguments:
            self.diagnostics.add("E0557", "`zip` needs paths that change together", field.span, label="empty", help=help_)
        for argument in field.arguments:
            if argument.name is None or argument.reducer is not None:
                self.diagnostics.add(
                    "E0557", "`zip` takes `path = values`", argument.span, label="no path, or no values", help=help_
                )
            else:
                yield argument.name, argument.value

    def _path(self, key: syntax.Path, written: syntax.Expression) -> AxisPath | None:
        names = [key.head]
        for segment in key.segments:
            if not isinstance(segment, syntax.Member):
                self.diagnostics.add(
                    "E0514", "a field is told by its name, not by a number", segment.span, help="sweep the whole list"
                )
                return None
            names.append(syntax.Name(segment.span, segment.name))
        leads = self._leads_somewhere(tuple(names))
        values = self._values(written)
        return AxisPath(tuple(names), values) if leads and values is not None else None

    def _leads_somewhere(self, names: tuple[syntax.Name, ...]) -> bool:
        """Whether a path is a param or goes into a record (whose reader then knows the field)."""
        head = names[0]
        if head.text in self.names.lost:
            return False
        declared = self.names.declared.get(head.text)
        sort = declared.sort if declared is not None else None
        if sort == "param" and len(names) == 1:
            return True
        if sort in SWEPT and len(names) > 1:
            return True
        settable = self.names.of_sort(*SWEPT, "param")
        place = head.span
        if sort == "param":
            message, cure, place = f"`{head.text}` is a param and has no fields", f"write `{head.text} = [ … ]`", names[1].span
        elif sort in SWEPT:
            message = f"`{head.text}` is {article(sort or '')} {sort}; an axis is one of its fields"
            cure = f"write `{head.text}.{'seed = 0..5' if sort == 'train' else 'FIELD = [ … ]'}`"
        elif sort is not None or head.text in NAMELESS:
            message = f"`{head.text}` is {article(sort or head.text)} {sort or head.text}, which no sweep ranges over"
            cure = "sweep a param that it uses, or the field that names it: `fit.process = [ … ]`"
            if head.text == "replicate":
                cure = "sweep the seed of a train: `fit.seed = 0..8`"
        else:
            message = f"nothing here is called `{head.text}`"
            cure = suggestion(head.text, settable, "a sweep ranges over the fields of") or "the file has nothing to sweep"
        self.diagnostics.add("E0550", message, place, label="no axis", help=cure)
        return False

    def _values(self, written: syntax.Expression) -> tuple[syntax.Expression, ...] | None:
        """The values of an axis: of a list or a range as written, or of a constant that is a list."""
        values: tuple[syntax.Expression, ...] | None
        match written:
            case syntax.List(items=items):
                values = items
            case syntax.Range():
                values = self._range(written)
            case _:
                values = self._constant_list(written)
        if values is not None and not values:
            self.diagnostics.add(
                "E0552", "this axis has no values", written.span, label="empty", help="give it one or more: `[1, 2]` or `0..5`"
            )
            return None
        return values

    def _range(self, written: syntax.Range) -> tuple[syntax.Expression, ...] | None:
        bounds = [self.meanings.constant(bound) for bound in (written.start, written.stop)]
        if any(isinstance(bound, Broken) for bound in bounds):
            return None
        whole = [bound for bound in bounds if isinstance(bound, Fraction) and bound.denominator == 1]
        if len(whole) < 2:
            self.diagnostics.add(
                "E0551", "a range counts in whole numbers", written.span, label="not whole", help="list the values: `[0.1, 0.2]`"
            )
            return None
        start, stop = int(whole[0]), int(whole[1]) + written.closed
        if stop - start > self.max_points:
            self._too_many(written.span, stop - start, f"{stop - start:,} values")
            return None
        return tuple(syntax.Number(written.span, Fraction(i), True) for i in range(start, stop))

    def _constant_list(self, written: syntax.Expression) -> tuple[syntax.Expression, ...] | None:
        """`linspace(0, 1, 5)`, or a param that is a list."""
        constant = isinstance(written, (syntax.Call, syntax.Binary, syntax.Choice))
        if isinstance(written, syntax.Path):
            constant = written.bare is not None and self.meanings.is_constant(written.bare)
        if constant:
            value = self.meanings.constant(written)
            if isinstance(value, Broken):
                return None
            if isinstance(value, Array):
                return tuple(_literal(item, written.span) for item in value.items)
        self.diagnostics.add(
            "E0551",
            f"an axis takes a list or a range, not {found(written)}",
            written.span,
            label="one value is no axis",
            help=f"write `[{format_expression(written)}]`, with the values side by side" if written.span.text else "",
        )
        return None

    # ------------------------------------------------------------ all axes together

    def _equally_long(self, call: syntax.Call, paths: list[AxisPath]) -> None:
        lengths = {len(path.values) for path in paths}
        if len(lengths) > 1:
            told = ", ".join(f"`{path.text}` has {len(path.values)}" for path in paths)
            self.diagnostics.add(
                "E0553",
                f"zipped axes need equally many values: {told}",
                call.span,
                label="different lengths",
                help="give each as many, or write them without `zip` for their product",
            )

    def _no_such_axis(self, name: syntax.Name, others: Mapping[str, syntax.Expression], axes: list[DeclaredAxis]) -> None:
        known = [path.text for axis in axes for path in axis.paths]
        for text, value in others.items():
            self.diagnostics.add(
                "E0520",
                f"the sweep `{name.text}` has no axis `{text}`",
                value.span,
                label="leads nowhere",
                help=suggestion(text, known, "its axes are"),
            )

    def _given_once(self, axes: list[DeclaredAxis]) -> None:
        first: dict[str, Span] = {}
        for path in (path for axis in axes for path in axis.paths):
            if path.text in first:
                self.diagnostics.add(
                    "E0554",
                    f"`{path.text}` is an axis twice",
                    path.span,
                    label="again",
                    help="join the values in one list",
                    notes=(Note("the first is here", first[path.text]),),
                )
            first.setdefault(path.text, path.span)

    def _not_too_many(self, name: syntax.Name, axes: list[DeclaredAxis]) -> None:
        if not axes:
            self.diagnostics.add(
                "E0552", f"the sweep `{name.text}` has no axis", name.span, label="empty", help="write `fit.seed = 0..5` in it"
            )
            return
        points = math.prod(len(axis) for axis in axes)
        if points > self.max_points:
            told = " times ".join(f"{len(axis):,}" for axis in axes)
            self._too_many(name.span, points, f"{points:,} points" + (f" ({told})" if len(axes) > 1 else ""))

    def _too_many(self, span: Span, points: int, told: str) -> None:
        self.diagnostics.add(
            "E0555",
            f"this sweep has {told}, and {self.max_points:,} are allowed",
            span,
            label="too many",
            help=f"sweep fewer values, or say that you mean it: `--max-points {points}`",
        )


def _text(path: syntax.Path) -> str:
    return ".".join([path.head.text, *(segment.name for segment in path.segments if isinstance(segment, syntax.Member))])


def _literal(value: object, span: Span) -> syntax.Expression:
    """A constant as if it had been written in the list."""
    match value:
        case bool():
            return syntax.Boolean(span, value)
        case str():
            return syntax.String(span, value)
        case Fraction():
            return syntax.Number(span, value, value.denominator == 1)
        case float():
            return syntax.Number(span, Fraction(value), False)
        case Array(items):
            return syntax.List(span, tuple(_literal(item, span) for item in items))
    raise TypeError(f"a list of constants holds no {type(value).__name__}")


def assignments_at(axes: tuple[DeclaredAxis, ...], at: tuple[int, ...], layer: int) -> dict[str, list[Assignment]]:
    """What a point assigns, by the head of the path: the longer of two paths into one record last, so that it completes the
    shorter."""
    given: dict[str, list[Assignment]] = {}
    for axis, place in zip(axes, at, strict=True):
        for path in axis.paths:
            given.setdefault(path.head, []).append(Assignment(path.names, path.values[place], layer))
    return {head: sorted(each, key=lambda assignment: len(assignment.path)) for head, each in given.items()}
