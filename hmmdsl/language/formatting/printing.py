"""Expressions as text in one line, with the fewest parentheses that keep the tree."""

from __future__ import annotations

import re
from fractions import Fraction

from hmmdsl.language import syntax
from hmmdsl.language.parsing.operators import ATOM_LEVEL, COMPARISON_LEVEL, LEVELS, MINUS_LEVEL, NOT_LEVEL, exact, unescaped
from hmmdsl.language.parsing.slips import ESCAPES

CHOICE_LEVEL = 0
"""How tightly `if … then … else …` binds: less than every operator."""
VALUE_LEVEL = -1
"""The same for what stands only where a whole value may: ranges, pairs, tagged records, `~=`."""


def format_expression(expression: syntax.Expression) -> str:
    """The text of an expression, such that parsing it gives the same tree. Constants stay as they were written."""
    return text_at(expression, VALUE_LEVEL)


def text_at(expression: syntax.Expression, level: int) -> str:
    """The text where operators bind as tightly as `level`: in parentheses if the expression binds less."""
    text, own = _text(expression)
    return text if own >= level else f"({text})"


def plain(expression: syntax.Expression) -> str:
    """The text where an expression may stand, but no range, pair or tagged record."""
    return text_at(expression, CHOICE_LEVEL)


def constant_text(constant: syntax.Number | syntax.Imaginary | syntax.String | syntax.Boolean) -> str:
    """A constant as it was written, or as one would write it."""
    written = constant.span.text.strip()
    match constant:
        case syntax.Boolean(value=value):
            return "true" if value else "false"
        case syntax.String(value=value):
            if re.fullmatch(r'"([^"\\\r\n]++|\\.)*+"', written) and _says(written, value):
                return written
            return '"' + "".join(_UNESCAPE.get(c, c) for c in value) + '"'
        case syntax.Number(value=value, integer=integer):
            pattern = r"[0-9][0-9_]*" if integer else r"[0-9][0-9_]*(\.[0-9][0-9_]*([eE][+-]?[0-9]+)?|[eE][+-]?[0-9]+)"
            return written if re.fullmatch(pattern, written) and exact(written) == value else _decimal(value, integer)
        case syntax.Imaginary(value=value):
            if re.fullmatch(r"[0-9][0-9_.]*([eE][+-]?[0-9]+)?i", written) and exact(written[:-1]) == value:
                return written
            return _decimal(value, value.denominator == 1) + "i"


_UNESCAPE = {stands: f"\\{letter}" for letter, stands in ESCAPES.items()}


def _says(written: str, value: str) -> bool:
    try:
        return unescaped(written) == value
    except KeyError:
        return False


def _decimal(value: Fraction, integer: bool) -> str:
    """The shortest digits of a number; a fraction that has none is written as a quotient."""
    if integer:
        return str(value.numerator)
    places, rest = 0, value.denominator
    for prime in (2, 5):
        count = 0
        while rest % prime == 0:
            rest //= prime
            count += 1
        places = max(places, count)
    if rest != 1:
        return f"({value.numerator} / {value.denominator})"
    places = max(places, 1)
    digits = str(value.numerator * 10**places // value.denominator).rjust(places + 1, "0")
    return f"{digits[:-places]}.{digits[-places:]}"


def path_text(path: syntax.Path) -> str:
    """`beliefs.block[3].r2`"""
    parts = [path.head.text]
    for segment in path.segments:
        match segment:
            case syntax.Member(name=name):
                parts.append(f".{name}")
            case syntax.Index(items=items):
                parts.append(f"[{', '.join(format_expression(item) for item in items)}]")
    return "".join(parts)


def argument_text(argument: syntax.Argument) -> str:
    """`value`, `name = value`, `value over axis`"""
    return argument_head(argument) + format_expression(argument.value) + argument_tail(argument)


def argument_head(argument: syntax.Argument) -> str:
    """What stands before an argument's value."""
    return "" if argument.name is None else f"{path_text(argument.name)} = "


def argument_tail(argument: syntax.Argument) -> str:
    """What stands behind an argument's value: the axes that are reduced."""
    if argument.reducer is None:
        return ""
    axes = [path_text(axis) for axis in argument.axes]
    return f" {argument.reducer} " + (axes[0] if len(axes) == 1 else f"({', '.join(axes)})")


def record_text(record: syntax.Record) -> str:
    """`{ a = 1, b = 2 }`"""
    return f"{{ {', '.join(field_text(field) for field in record.fields)} }}" if record.fields else "{}"


def field_text(field: syntax.Entry | syntax.Call) -> str:
    """One field of a record."""
    if isinstance(field, syntax.Entry):
        return f"{path_text(field.key)} = {format_expression(field.value)}"
    return format_expression(field)


def _text(expression: syntax.Expression) -> tuple[str, int]:
    """The text of an expression and how tightly it binds."""
    match expression:
        case syntax.Path():
            return path_text(expression), ATOM_LEVEL
        case syntax.Number() | syntax.Imaginary() | syntax.String() | syntax.Boolean():
            return constant_text(expression), ATOM_LEVEL
        case syntax.Unary(operator="-", operand=operand):
            inner = text_at(operand, MINUS_LEVEL)
            return (f"-({inner})" if inner[0] in "-[" else f"-{inner}"), MINUS_LEVEL
        case syntax.Unary(operand=operand):
            return f"not {text_at(operand, NOT_LEVEL)}", NOT_LEVEL
        case syntax.Binary():
            return _binary(expression), LEVELS[expression.operator]
        case syntax.Comparison(operands=operands, operators=operators):
            texts = [text_at(operand, COMPARISON_LEVEL + 1) for operand in operands]
            pieces = [f" {operator} {text}" for operator, text in zip(operators, texts[1:], strict=True)]
            return texts[0] + "".join(pieces), COMPARISON_LEVEL
        case syntax.Choice(condition=condition, yes=yes, no=no):
            return f"if {text_at(condition, 1)} then {text_at(yes, 1)} else {plain(no)}", CHOICE_LEVEL
        case syntax.Approximately(value=value, target=target, tolerance=tolerance):
            sign = "+/-" if "+/-" in expression.span.text else "±"
            return f"{text_at(value, 1)} ~= {text_at(target, 1)} {sign} {text_at(tolerance, 1)}", VALUE_LEVEL
        case syntax.Call(function=function, arguments=arguments):
            return f"{path_text(function)}({', '.join(argument_text(a) for a in arguments)})", ATOM_LEVEL
        case syntax.At(path=path, arguments=arguments):
            return f"{path_text(path)} at ({', '.join(argument_text(a) for a in arguments)})", ATOM_LEVEL
        case syntax.List(items=items):
            return f"[{', '.join(format_expression(item) for item in items)}]", ATOM_LEVEL
        case syntax.Tuple(items=items):
            return f"({', '.join(format_expression(item) for item in items)}{',' if len(items) == 1 else ''})", ATOM_LEVEL
        case syntax.Range(start=start, stop=stop, closed=closed):
            return f"{text_at(start, 1)}{'..=' if closed else '..'}{text_at(stop, 1)}", VALUE_LEVEL
        case syntax.Pair(left=left, right=right):
            return f"{text_at(left, 1)} -> {text_at(right, 1)}", VALUE_LEVEL
        case syntax.Tagged(tag=tag, record=record):
            return f"{tag.text} {record_text(record)}", VALUE_LEVEL
        case syntax.Every():
            return "..", ATOM_LEVEL


def _binary(expression: syntax.Binary) -> str:
    """Two operands: `a + b`, but `a^b`, and `1/2` where both are integers."""
    operator, level = expression.operator, LEVELS[expression.operator]
    if operator == "^":
        return f"{text_at(expression.left, ATOM_LEVEL)}^{text_at(expression.right, MINUS_LEVEL)}"
    left, right = text_at(expression.left, level), text_at(expression.right, level + 1)
    if operator == "/" and all(isinstance(part, syntax.Number) and part.integer for part in (expression.left, expression.right)):
        return f"{left}/{right}"
    return f"{left} {operator} {right}"
