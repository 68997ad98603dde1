"""The tree as units of layout: what has a line of its own, and the brackets in it that may be broken over lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hmmdsl.language import syntax
from hmmdsl.language.formatting.printing import (
    CHOICE_LEVEL,
    VALUE_LEVEL,
    argument_head,
    argument_tail,
    constant_text,
    format_expression,
    path_text,
    plain,
    text_at,
)
from hmmdsl.language.source import Span

Parting = Literal["items", "fields", "elements"]
"""How parts are kept apart: by lines, by lines or commas, or by commas."""


@dataclass(frozen=True)
class Brackets:
    """Something in brackets that may be broken over lines: its text in one line, how it opens and closes, and its parts."""

    flat: str
    opener: str
    closer: str
    span: Span
    parts: tuple[Unit, ...]
    parting: Parting


@dataclass(frozen=True)
class Unit:
    """A statement, item, field, argument or element.

    `cells` are the columns of its line; `brackets` follow the last of them, and `tail` follows those. Neighbours of one
    `shape` are aligned. `words` are what a line of states or tokens lists.
    """

    span: Span
    cells: tuple[str, ...]
    shape: str = ""
    brackets: Brackets | None = None
    tail: str = ""
    words: tuple[str, ...] = ()

    @property
    def flat(self) -> tuple[str, ...]:
        """The cells of the unit in one line."""
        inside = "" if self.brackets is None else self.brackets.flat
        return (*self.cells[:-1], self.cells[-1] + inside + self.tail)


def statement_unit(statement: syntax.Statement) -> Unit:
    """The unit of a statement."""
    match statement:
        case syntax.Declaration(keyword=keyword, name=name, kind=kind, record=record):
            head = keyword.text + (f" {name.text}" if name is not None else "") + (f": {kind.text}" if kind is not None else "")
            return Unit(statement.span, (f"{head} ",), brackets=_record(record))
        case syntax.Hmm(keyword=word, name=name, parameters=parameters, body=body):
            end = parameters[-1].span.end if parameters else name.span.end
            head = f"{word} {name.text}{_parameters(parameters)} "
            return Unit(statement.span, (head,), brackets=_body(body, statement.span, end))
        case syntax.ProcessDefinition(name=name, parameters=parameters, value=value):
            return _value_unit(
                statement.span, f"process {name.text}{_parameters(parameters)}", "= ", value, CHOICE_LEVEL, "process"
            )
        case syntax.Param(name=name, value=value):
            return _value_unit(statement.span, f"param {name.text}", "= ", value, VALUE_LEVEL, "param")
        case syntax.Import(module=module, names=names, alias=alias):
            where = constant_text(module) if isinstance(module, syntax.String) else ".".join(part.text for part in module)
            listed = "" if names is None else f" ({', '.join(name.text for name in names)})"
            return Unit(statement.span, (f"import {where}{listed}" + (f" as {alias.text}" if alias is not None else ""),))
        case syntax.Expect(label=label, claim=claim, record=record, often=often):
            text = format_expression(claim) if isinstance(claim, syntax.Approximately) else plain(claim)
            heading = [constant_text(label)] if label is not None else []
            heading += [f"in {often[0].value} of {often[1].value}"] if often else []
            head = "expect " + (f"{' '.join(heading)}: " if heading else "") + text
            if record is None:
                return Unit(statement.span, (head,))
            return Unit(statement.span, (f"{head} ",), brackets=_record(record))


def item_unit(item: syntax.Item) -> Unit:
    """The unit of an item of a body."""
    span = item.span
    match item:
        case syntax.States(families=families):
            return _listing(span, "states", tuple(_family(family) for family in families))
        case syntax.Tokens(items=items):
            return _listing(span, "tokens", tuple(_token(token) for token in items))
        case syntax.Let(name=name, parameters=parameters, value=value):
            return _value_unit(span, f"let {name.text}{_parameters(parameters)}", "= ", value, CHOICE_LEVEL, "let")
        case syntax.For(bindings=bindings, condition=condition, body=body):
            texts = [f"{binding.name.text} in {_domain(binding.domain)}" for binding in bindings]
            end = (condition or bindings[-1]).span.end
            head = f"for {', '.join(texts)} " + (f"if {plain(condition)} " if condition is not None else "")
            return Unit(span, (head,), brackets=_body(body, span, end))
        case syntax.EmitOn(end=end_of_arrow):
            return Unit(span, (f"emit on {end_of_arrow.text}",))
        case syntax.Start(value=value):
            return _value_unit(span, "", "start ", value, CHOICE_LEVEL, "")
        case syntax.Operator(keyword=keyword, symbol=symbol, value=value):
            return _value_unit(span, f"{keyword} {format_expression(symbol)}", "= ", value, CHOICE_LEVEL, "operator")
        case syntax.Arrow(source=source, target=target, probability=probability):
            return _certain(span, (path_text(source), f"-> {path_text(target)}"), probability, "arrow")
        case syntax.LabelledArrow(source=source, symbol=symbol, target=target, probability=probability):
            label = f"-[{format_expression(symbol)}]->"
            return _certain(span, (path_text(source), label, path_text(target)), probability, "labelled arrow")
        case syntax.Emission(state=state, symbol=symbol, probability=probability):
            return _certain(span, (path_text(state), f"emits {format_expression(symbol)}"), probability, "emission")


def _certain(span: Span, cells: tuple[str, ...], probability: syntax.Expression | None, shape: str) -> Unit:
    """An arrow or an emission, with its probability if it has one."""
    if probability is None:
        return Unit(span, cells, shape)
    own = _value_unit(span, "", ": ", probability, CHOICE_LEVEL, shape)
    return Unit(span, (*cells, *own.cells), shape, own.brackets, own.tail)


def _value_unit(span: Span, head: str, sign: str, value: syntax.Expression, level: int, shape: str) -> Unit:
    """A head, a sign and a value that may be broken; the head is a column of its own."""
    first = (head,) if head else ()
    brackets = _brackets(value) if not isinstance(value, syntax.Tagged) or level == VALUE_LEVEL else None
    if brackets is not None:
        return Unit(span, (*first, sign), shape, brackets)
    return Unit(span, (*first, sign + text_at(value, level)), shape)


def _listing(span: Span, keyword: str, words: tuple[str, ...]) -> Unit:
    return Unit(span, (f"{keyword} {', '.join(words)}",), words=(keyword, *words))


def _family(family: syntax.Family) -> str:
    if not family.ranges:
        return family.name.text
    return f"{family.name.text}[{', '.join(format_expression(interval) for interval in family.ranges)}]"


def _token(token: syntax.Family | syntax.Number | syntax.String | syntax.Range) -> str:
    return _family(token) if isinstance(token, syntax.Family) else format_expression(token)


def _domain(domain: syntax.Expression) -> str:
    return format_expression(domain) if isinstance(domain, syntax.Range) else plain(domain)


def _parameters(parameters: tuple[syntax.Parameter, ...] | None) -> str:
    if parameters is None:
        return ""
    texts = [p.name.text if p.default is None else f"{p.name.text} = {plain(p.default)}" for p in parameters]
    return f"({', '.join(texts)})"


# ---------------------------------------------------------------- brackets


def _body(body: tuple[syntax.Item, ...], span: Span, head_end: int) -> Brackets:
    """The braces of an hmm or a `for`; they open somewhere behind `head_end`."""
    opens = span.source.text.find("{", head_end, span.end)
    units = tuple(item_unit(item) for item in body)
    flat = f"{{ {'; '.join(' '.join(unit.flat) for unit in units)} }}" if units else "{}"
    return Brackets(flat, "{", "}", Span(span.source, max(opens, head_end), span.end), units, "items")


def _record(record: syntax.Record) -> Brackets:
    units = tuple(_field(field) for field in record.fields)
    flat = f"{{ {', '.join(' '.join(unit.flat) for unit in units)} }}" if units else "{}"
    return Brackets(flat, "{", "}", record.span, units, "fields")


def _field(field: syntax.Entry | syntax.Call) -> Unit:
    if isinstance(field, syntax.Entry):
        return _value_unit(field.span, path_text(field.key), "= ", field.value, VALUE_LEVEL, "entry")
    return _element(field)


def _brackets(value: syntax.Expression) -> Brackets | None:
    """The brackets that a value consists of, None if it is no such value."""
    flat, source = format_expression(value), value.span.source
    match value:
        case syntax.List(items=items):
            return Brackets(flat, "[", "]", value.span, tuple(_element(item) for item in items), "elements")
        case syntax.Tuple(items=items):
            return Brackets(flat, "(", ")", value.span, tuple(_element(item) for item in items), "elements")
        case syntax.Call(function=function, arguments=arguments):
            span = Span(source, function.span.end, value.span.end)
            return Brackets(flat, f"{path_text(function)}(", ")", span, tuple(_argument(a) for a in arguments), "elements")
        case syntax.At(path=path, arguments=arguments):
            span = Span(source, path.span.end, value.span.end)
            return Brackets(flat, f"{path_text(path)} at (", ")", span, tuple(_argument(a) for a in arguments), "elements")
        case syntax.Tagged(tag=tag, record=record):
            inner = _record(record)
            return Brackets(flat, f"{tag.text} {{", "}", record.span, inner.parts, "fields")
    return None


def _element(value: syntax.Expression) -> Unit:
    brackets = _brackets(value)
    return Unit(value.span, ("" if brackets is not None else format_expression(value),), brackets=brackets)


def _argument(argument: syntax.Argument) -> Unit:
    own = _element(argument.value)
    return Unit(argument.span, (argument_head(argument) + own.cells[0],), brackets=own.brackets, tail=argument_tail(argument))
