"""What a value that was written is, in a user's words."""

from __future__ import annotations

from hmmdsl.language import syntax


def found(written: syntax.Expression) -> str:
    """What a value is, in a user's words."""
    match written:
        case syntax.List():
            return "a list"
        case syntax.Tuple():
            return "a tuple"
        case syntax.String():
            return "a string"
        case syntax.Boolean(value=value):
            return "`true`" if value else "`false`"
        case syntax.Number():
            return "a number"
        case syntax.Imaginary():
            return "an imaginary number"
        case syntax.Tagged(tag=tag):
            return f"a record `{tag.text} {{ … }}`"
        case syntax.Path(head=head):
            return f"`{head.text}`" if not written.segments else "a path"
        case syntax.Call(function=function):
            return f"`{function.head.text}(…)`"
        case syntax.Range():
            return "a range"
        case syntax.Pair():
            return "an arrow"
        case syntax.Comparison() | syntax.Approximately():
            return "a comparison"
    return "an expression"
