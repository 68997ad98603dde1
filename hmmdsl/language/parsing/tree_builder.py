"""What each rule of the grammar becomes in the syntax tree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lark import Transformer

from hmmdsl.language import syntax
from hmmdsl.language.diagnostics import Diagnostic
from hmmdsl.language.parsing.operators import Group, RefusedError, constant, declared, name, resolve, unescaped, unwrapped
from hmmdsl.language.parsing.scanner import Lexeme
from hmmdsl.language.source import Span
from hmmdsl.language.syntax import Expression, Name


@dataclass(frozen=True)
class Body:
    """The items between the braces of an hmm or a `for`."""

    span: Span
    items: tuple[syntax.Item, ...]


class TreeBuilder(Transformer[Any, Any]):
    """One method for each rule, called as the parser reduces; `parts` are what the rule's parts became."""

    # ------------------------------------------------------------ statements

    def file(self, parts: list[Any]) -> tuple[syntax.Statement, ...]:
        return tuple(part for part in parts if not isinstance(part, Lexeme))

    def declaration(self, parts: list[Any]) -> syntax.Declaration:
        keyword, own, kind, record = parts
        span = keyword.span.to(record.span)
        return syntax.Declaration(span, name(keyword), own and declared(own), kind and name(kind), record)

    def hmm(self, parts: list[Any]) -> syntax.Hmm:
        keyword, own, parameters, body = parts
        return syntax.Hmm(keyword.span.to(body.span), str(keyword), declared(own), parameters, body.items)

    def process(self, parts: list[Any]) -> syntax.ProcessDefinition:
        keyword, own, parameters, value = parts
        return syntax.ProcessDefinition(keyword.span.to(value.span), declared(own), parameters, value)

    def param(self, parts: list[Any]) -> syntax.Param:
        keyword, own, value = parts
        return syntax.Param(keyword.span.to(value.span), declared(own), value)

    def import_line(self, parts: list[Any]) -> syntax.Import:
        keyword, module, *names, alias = parts
        listed = names[0] if names else None
        ends = [part for part in (alias, listed[-1] if listed else None) if part is not None]
        if isinstance(module, Lexeme):
            where: tuple[Name, ...] | syntax.String = syntax.String(module.span, unescaped(module))
            end = module.span
        else:
            where, end = module, module[-1].span
        span = keyword.span.to(ends[0].span if ends else end)
        return syntax.Import(span, where, listed, alias and name(alias))

    def module(self, parts: list[Any]) -> tuple[Name, ...]:
        return tuple(name(part) for part in parts)

    names = module

    def expect(self, parts: list[Any]) -> syntax.Expect:
        keyword, heading, claim, record = parts
        label, often = heading or (None, ())
        return syntax.Expect(keyword.span.to((record or claim).span), label, claim, record, often)

    def heading(self, parts: list[Any]) -> tuple[syntax.String | None, tuple[syntax.Number, ...]]:
        *label, often = parts
        return (syntax.String(label[0].span, unescaped(label[0])) if label else None), often or ()

    def how_often(self, parts: list[Any]) -> tuple[Expression, ...]:
        return tuple(constant(part) for part in parts)

    def approximately(self, parts: list[Any]) -> syntax.Approximately:
        value, target, _, tolerance = parts
        for part in (value, target, tolerance):
            logical = isinstance(part, syntax.Binary) and part.operator in ("and", "or")
            if logical or isinstance(part, syntax.Comparison) or (isinstance(part, syntax.Unary) and part.operator == "not"):
                cure = "write each claim as an `expect` of its own"
                raise RefusedError(Diagnostic("E0127", "`~= … ±` compares two numbers and stands alone", part.span, help=cure))
        return syntax.Approximately(value.span.to(tolerance.span), value, target, tolerance)

    def parameters(self, parts: list[Any]) -> tuple[syntax.Parameter, ...]:
        return tuple(parts)

    def parameter(self, parts: list[Any]) -> syntax.Parameter:
        own, default = parts
        return syntax.Parameter(own.span.to(default.span) if default else own.span, declared(own), default)

    # ------------------------------------------------------------ records

    def record(self, parts: list[Any]) -> syntax.Record:
        fields = tuple(part for part in parts if not isinstance(part, Lexeme))
        return syntax.Record(parts[0].span.to(parts[-1].span), fields)

    def entry(self, parts: list[Any]) -> syntax.Entry:
        key, value = parts
        return syntax.Entry(key.span.to(value.span), key, value)

    def tagged(self, parts: list[Any]) -> syntax.Tagged:
        tag, record = parts
        return syntax.Tagged(tag.span.to(record.span), name(tag), record)

    # ------------------------------------------------------------ the body of a hidden Markov model

    def body(self, parts: list[Any]) -> Body:
        return Body(parts[0].span.to(parts[-1].span), tuple(part for part in parts if not isinstance(part, Lexeme)))

    def states(self, parts: list[Any]) -> syntax.States:
        keyword, *families = parts
        return syntax.States(keyword.span.to(families[-1].span), tuple(families))

    def tokens(self, parts: list[Any]) -> syntax.Tokens:
        keyword, *items = parts
        return syntax.Tokens(keyword.span.to(items[-1].span), tuple(items))

    def token_range(self, parts: list[Any]) -> syntax.Range:
        start, dots, stop = parts
        return syntax.Range(start.span.to(stop.span), constant(start), stop, dots.type == "DOTS_EQ")

    def family(self, parts: list[Any]) -> syntax.Family:
        own, *ranges = parts
        span = own.span.to(ranges.pop().span) if ranges else own.span
        return syntax.Family(span, declared(own), tuple(ranges))

    def let(self, parts: list[Any]) -> syntax.Let:
        keyword, own, parameters, value = parts
        return syntax.Let(keyword.span.to(value.span), declared(own), parameters, value)

    def for_loop(self, parts: list[Any]) -> syntax.For:
        keyword, *bindings, _, condition, body = parts
        return syntax.For(keyword.span.to(body.span), tuple(bindings), condition, body.items)

    def binding(self, parts: list[Any]) -> syntax.Binding:
        own, domain = parts
        return syntax.Binding(own.span.to(domain.span), declared(own), domain)

    def emit(self, parts: list[Any]) -> syntax.EmitOn:
        keyword, end = parts
        return syntax.EmitOn(keyword.span.to(end.span), name(end))

    def start(self, parts: list[Any]) -> syntax.Start:
        keyword, value = parts
        return syntax.Start(keyword.span.to(value.span), value)

    def operator(self, parts: list[Any]) -> syntax.Operator:
        keyword, symbol, value = parts
        return syntax.Operator(keyword.span.to(value.span), str(keyword), symbol, value)

    def arrow(self, parts: list[Any]) -> syntax.Arrow:
        source, target, probability = parts
        return syntax.Arrow(source.span.to((probability or target).span), source, target, probability)

    def labelled_arrow(self, parts: list[Any]) -> syntax.LabelledArrow:
        source, symbol, target, probability = parts
        return syntax.LabelledArrow(source.span.to((probability or target).span), source, symbol, target, probability)

    def emission(self, parts: list[Any]) -> syntax.Emission:
        state, symbol, probability = parts
        return syntax.Emission(state.span.to((probability or symbol).span), state, symbol, probability)

    def literal(self, parts: list[Any]) -> Expression:
        return constant(parts[0])

    # ------------------------------------------------------------ expressions

    def pair(self, parts: list[Any]) -> syntax.Pair:
        left, right = parts
        return syntax.Pair(left.span.to(right.span), left, right)

    def interval(self, parts: list[Any]) -> syntax.Range:
        start, dots, stop = parts
        return syntax.Range(start.span.to(stop.span), start, stop, dots.type == "DOTS_EQ")

    def choice(self, parts: list[Any]) -> syntax.Choice:
        keyword, condition, yes, no = parts
        return syntax.Choice(keyword.span.to(no.span), condition, yes, no)

    def chain(self, parts: list[Any]) -> Expression:
        if len(parts) == 1:
            return unwrapped(parts[0])
        return resolve(parts)

    def group(self, parts: list[Any]) -> Group:
        left, inner, right = parts
        return Group(inner, left.span.to(right.span))

    def path(self, parts: list[Any]) -> syntax.Path:
        head, *segments = parts
        span = head.span.to(segments[-1].span) if segments else head.span
        return syntax.Path(span, name(head), tuple(segments))

    def member(self, parts: list[Any]) -> syntax.Member:
        return syntax.Member(parts[0].span, str(parts[0]))

    def index(self, parts: list[Any]) -> syntax.Index:
        return syntax.Index(parts[0].span.to(parts[-1].span), tuple(parts[1:-1]))

    def every(self, parts: list[Any]) -> syntax.Every:
        return syntax.Every(parts[0].span)

    def at(self, parts: list[Any]) -> syntax.At:
        path, *arguments, close = parts
        return syntax.At(path.span.to(close.span), path, tuple(arguments))

    def call(self, parts: list[Any]) -> syntax.Call:
        function, *arguments, close = parts
        return syntax.Call(function.span.to(close.span), function, tuple(arguments))

    def argument(self, parts: list[Any]) -> syntax.Argument:
        own, value, reducer, axes = parts
        span = (own or value).span.to((axes or value).span)
        if reducer is None:
            return syntax.Argument(span, value, own)
        if isinstance(axes, syntax.Path):
            return syntax.Argument(span, value, own, str(reducer), (axes,))
        for axis in axes.items:
            if not isinstance(axis, syntax.Path):
                message = f"`{reducer}` takes axes by their names"
                raise RefusedError(
                    Diagnostic(
                        "E0142", message, axis.span, help=f"write `{reducer} fit.seed`, or `{reducer} (fit.seed, net.d_model)`"
                    )
                )
        return syntax.Argument(span, value, own, str(reducer), axes.items)

    def array(self, parts: list[Any]) -> syntax.List:
        return syntax.List(parts[0].span.to(parts[-1].span), tuple(parts[1:-1]))

    def several(self, parts: list[Any]) -> syntax.Tuple:
        return syntax.Tuple(parts[0].span.to(parts[-1].span), tuple(parts[1:-1]))
