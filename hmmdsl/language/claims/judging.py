"""Whether a claim holds of the results of a run, by how much, and why not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from operator import gt, lt
from types import MappingProxyType

from hmmdsl.language import syntax
from hmmdsl.language.claims.judged import judged
from hmmdsl.language.claims.margins import Margins, without_seeds
from hmmdsl.language.claims.measured import Single, Swept, UndefinedError, chosen_places, leaves, place_words
from hmmdsl.language.claims.reading import Reading
from hmmdsl.language.formatting.formatter import format_expression
from hmmdsl.language.values.arithmetic import COMPARE
from hmmdsl.language.values.value import Value
from hmmdsl.process.notation import number_text
from hmmdsl.schema.experiment import Margin, Verdict


@dataclass(frozen=True)
class ResolvedClaim:
    """A claim whose names are known to exist: `expression` may be evaluated once there are results. `constants` are the params
    it uses, `reads` the paths of the results it names, `theory` those of them that no network determines. `repeated` has the
    number of the axis of seeds for each sweep that it reads; None where it also measures what no seeds repeat. `reseeded`
    tells whether another seed of the experiment's trains changes what it reads: sweeps over seeds have seeds of their own, and
    what no network determines has none. `often` is with how many seeds of `replicate` it must hold, of how many (None: with
    all)."""

    label: str
    text: str
    expression: syntax.Expression
    constants: Mapping[str, Value] = field(default_factory=dict)
    reads: tuple[str, ...] = ()
    theory: frozenset[str] = frozenset()
    repeated: Mapping[str, int] | None = None
    reseeded: bool = False
    often: tuple[int, int] | None = None


_FAILS: Mapping[str, str] = MappingProxyType(
    {"==": "not equal to", "!=": "equal to", "<": "not below", "<=": "above", ">": "not above", ">=": "below"}
)


def judge(claim: ResolvedClaim, results: Mapping[str, object]) -> Verdict:
    """Whether a claim holds of `results` (nested as results.json is), by how much, what it compared, and the numbers it read by
    their paths. An undefined number (None or NaN), or one that is missing, fails the claim; the reason says which."""
    reading = Reading(results, claim.constants)
    margin = None
    try:
        holds = reading.value(claim.expression)
        reason = "" if holds is True else _Reasons(reading).why(claim.expression)
        margin = margin_of(claim, results, reading)
    except UndefinedError as undefined:
        holds, reason = False, str(undefined)
    return Verdict(
        label=claim.label,
        claim=claim.text,
        holds=holds is True,
        measured={path: reading.measured(path) for path in claim.reads},
        judged=judged(claim.expression, reading),
        reason=reason,
        margin=margin,
    )


def margin_of(claim: ResolvedClaim, results: Mapping[str, object], reading: Reading) -> Margin:
    """The claim's margin in `results`, which `reading` has read. Its spread is unknown where not all that it measures is
    repeated over seeds, or where it has no value without one of them. Raises UndefinedError where a part has no value."""
    if claim.repeated is not None:
        others = [(gone, Reading(fewer, claim.constants, gone.shares)) for gone, fewer in without_seeds(results, claim.repeated)]
        try:
            return Margins(reading, others, claim.theory, claim.repeated).of(claim.expression)
        except UndefinedError:  # it names one of the seeds, or takes an interval over two
            pass
    return Margins(reading, (), claim.theory, {}).of(claim.expression)


class _Reasons:
    """Says in words and numbers why an expression is false."""

    def __init__(self, reading: Reading) -> None:
        self.value = reading.value

    def why(self, expression: syntax.Expression) -> str:
        """Why an expression is false, in words and numbers."""
        match expression:
            case syntax.Approximately(value=value, target=target, tolerance=tolerance):
                parts = [self.value(part) for part in (value, target, tolerance)]
                if any(isinstance(part, (tuple, Swept)) for part in parts):
                    return f"{format_expression(expression)} is false"
                measured, centre, width = (part for part in parts if not isinstance(part, (tuple, Swept)))
                low, high = centre - width, centre + width
                shown, low_text, high_text = _apart(measured, low, high)
                return (
                    f"{format_expression(value)} is {shown}, and {number_text(centre)} ± {number_text(width)} "
                    f"allows {low_text} to {high_text}"
                )
            case syntax.Comparison(operands=operands, operators=operators):
                for operator, left, right in zip(operators, operands, operands[1:], strict=False):
                    a, b = self.value(left), self.value(right)
                    if isinstance(a, (tuple, Swept)) or isinstance(b, (tuple, Swept)):
                        continue
                    if not COMPARE[operator](a, b):
                        return self._comparison(operator, left, right, a, b)
            case syntax.Binary(operator="and", left=left, right=right):
                return "; ".join(self.why(part) for part in (left, right) if self.value(part) is False)
            case syntax.Binary(operator="or", left=left, right=right):
                return f"{self.why(left)}; and {self.why(right)}"
            case syntax.Unary(operator="not", operand=operand):
                return f"{format_expression(operand)} holds"
            case syntax.Call(function=function, arguments=arguments) if arguments:
                return self._function(function.head.text, arguments)
        return f"{format_expression(expression)} is false"

    def _comparison(self, operator: str, left: syntax.Expression, right: syntax.Expression, a: Single, b: Single) -> str:
        shown, bound = _apart(a, b)
        target = bound if isinstance(right, syntax.Number) else f"{format_expression(right)} = {bound}"
        if isinstance(left, syntax.Number):
            return f"{format_expression(right)} is {bound}, and {shown} is {_FAILS[operator]} it"
        return f"{format_expression(left)} is {shown}, {_FAILS[operator]} {target}"

    def _function(self, name: str, arguments: Sequence[syntax.Argument]) -> str:
        argument = arguments[0].value
        value = self.value(argument)
        written = format_expression(argument)
        if isinstance(value, Swept):
            return _why_swept(name, value, written)
        if not isinstance(value, tuple):
            return "; ".join(self.why(a.value) for a in arguments if self.value(a.value) is False) or f"{name}(…) is false"
        found = list(leaves(value))
        if name in ("increasing", "decreasing"):
            holds = lt if name == "increasing" else gt
            at = next((i for i, (a, b) in enumerate(pairwise(found)) if not holds(a, b)), 0)
            a, b = _apart(found[at], found[at + 1])
            return f"{written} goes from {a} to {b} between elements {at} and {at + 1}"
        if name == "all":
            false = [str(i) for i, leaf in enumerate(found) if not leaf]
            return f"{written} is false of element{'s' if len(false) > 1 else ''} {', '.join(false)}"
        return f"{written} is true of no element"


def _why_swept(name: str, value: Swept, written: str) -> str:
    """Why `all`, `any`, `increasing` or `decreasing` of an array is false."""
    chosen = list(chosen_places(value.dimensions))
    if name in ("increasing", "decreasing"):
        holds = lt if name == "increasing" else gt
        found = list(leaves(value))
        at = next((i for i, (a, b) in enumerate(pairwise(found)) if not holds(a, b)), None)
        if at is None or len(value.dimensions) > 1:
            return f"{written} is not {name}"
        a, b = _apart(found[at], found[at + 1])
        return f"{written} goes from {a} to {b} between {place_words(chosen[at])} and {place_words(chosen[at + 1])}"
    if name == "all":
        false = [place_words(each) for each in chosen if not all(leaves(value.at(each)))]
        more = f", and at {len(false) - 3} more places" if len(false) > 3 else ""
        return f"{written} is false where {'; '.join(false[:3])}{more}"
    return f"{written} is true nowhere"


def _apart(*values: Single) -> tuple[str, ...]:
    """Numbers as short as still tells the first from the others."""
    for digits in range(4, 17):
        texts = tuple(number_text(value, digits) for value in values)
        if all(texts[0] != text or value == values[0] for text, value in zip(texts[1:], values[1:], strict=True)):
            return texts
    return tuple(number_text(value, 17) for value in values)
