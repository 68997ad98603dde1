"""The syntax tree: what was written, with its places and comments, before anything is known of its meaning.

Every node has a `span`, which equality ignores: two trees are equal if they say the same, however it is laid out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TypeAlias

from hmmdsl.language.source import Span


@dataclass(frozen=True)
class Node:
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True)
class Name(Node):
    text: str


@dataclass(frozen=True)
class Number(Node):
    """`1_000`, `0.05`, `3e-3`: always an exact rational. `integer` is true where it was written without `.` or exponent."""

    value: Fraction
    integer: bool


@dataclass(frozen=True)
class Imaginary(Node):
    """`1i`: `value` times the imaginary unit."""

    value: Fraction


@dataclass(frozen=True)
class String(Node):
    """`value` has the escapes resolved."""

    value: str


@dataclass(frozen=True)
class Boolean(Node):
    value: bool


# ---------------------------------------------------------------- paths: rrxor, s[i], beliefs.block[..].r2


@dataclass(frozen=True)
class Member(Node):
    """`.name` behind a path."""

    name: str


@dataclass(frozen=True)
class Index(Node):
    """`[i, j]` behind a path; an item may be an `Every`."""

    items: tuple[Expression, ...]


@dataclass(frozen=True)
class Every(Node):
    """`..` inside an index: all elements."""


@dataclass(frozen=True)
class Path(Node):
    head: Name
    segments: tuple[Member | Index, ...] = ()

    @property
    def bare(self) -> str | None:
        """The word itself if this is a single name, else None."""
        return None if self.segments else self.head.text


# ---------------------------------------------------------------- expressions


@dataclass(frozen=True)
class Unary(Node):
    """`operator` is `-` or `not`."""

    operator: str
    operand: Expression


@dataclass(frozen=True)
class Binary(Node):
    """`operator` is one of `+ - * / mod ^ and or`."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True)
class Comparison(Node):
    """`a < b <= c`: one more operand than operators, each of `== != < <= > >=`."""

    operands: tuple[Expression, ...]
    operators: tuple[str, ...]


@dataclass(frozen=True)
class Approximately(Node):
    """`value ~= target ± tolerance`; only an `expect` has one."""

    value: Expression
    target: Expression
    tolerance: Expression


@dataclass(frozen=True)
class Choice(Node):
    """`if condition then yes else no`."""

    condition: Expression
    yes: Expression
    no: Expression


@dataclass(frozen=True)
class Argument(Node):
    """`value`, `name = value`, or `value over axis` / `value along axis` (`reducer`, `axes`)."""

    value: Expression
    name: Path | None = None
    reducer: str | None = None
    axes: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Call(Node):
    function: Path
    arguments: tuple[Argument, ...]


@dataclass(frozen=True)
class At(Node):
    """`path at (axis = value, …)`: one slice of a sweep."""

    path: Path
    arguments: tuple[Argument, ...]


@dataclass(frozen=True)
class List(Node):
    items: tuple[Expression, ...]


@dataclass(frozen=True)
class Tuple(Node):
    items: tuple[Expression, ...]


@dataclass(frozen=True)
class Range(Node):
    """`start..stop`, half open, or `start..=stop`, closed."""

    start: Expression
    stop: Expression
    closed: bool


@dataclass(frozen=True)
class Pair(Node):
    """`left -> right`, as in relabel's `[0 -> heads]`."""

    left: Expression
    right: Expression


@dataclass(frozen=True)
class Entry(Node):
    """`key = value` in a record; the key may be a path (`fit.steps = 50`)."""

    key: Path
    value: Expression


@dataclass(frozen=True)
class Record(Node):
    """`{ … }`: entries, and calls where a sweep has `zip(…)`."""

    fields: tuple[Entry | Call, ...]


@dataclass(frozen=True)
class Tagged(Node):
    """`adamw { lr = 3e-3 }`."""

    tag: Name
    record: Record


Expression: TypeAlias = (
    Path
    | Number
    | Imaginary
    | String
    | Boolean
    | Unary
    | Binary
    | Comparison
    | Approximately
    | Choice
    | Call
    | At
    | List
    | Tuple
    | Range
    | Pair
    | Tagged
    | Every
)


# ---------------------------------------------------------------- the body of a hidden Markov model


@dataclass(frozen=True)
class Parameter(Node):
    name: Name
    default: Expression | None = None


@dataclass(frozen=True)
class Family(Node):
    """`S`, or the indexed family `s[0..3, 0..2]`."""

    name: Name
    ranges: tuple[Range, ...] = ()


@dataclass(frozen=True)
class States(Node):
    families: tuple[Family, ...]


@dataclass(frozen=True)
class Tokens(Node):
    """Each item a family, an integer, a string, or a range of integers."""

    items: tuple[Family | Number | String | Range, ...]


@dataclass(frozen=True)
class Let(Node):
    name: Name
    parameters: tuple[Parameter, ...] | None
    value: Expression


@dataclass(frozen=True)
class Binding(Node):
    name: Name
    domain: Expression


@dataclass(frozen=True)
class For(Node):
    bindings: tuple[Binding, ...]
    condition: Expression | None
    body: tuple[Item, ...]


@dataclass(frozen=True)
class EmitOn(Node):
    """`emit on arrival` or `emit on departure`: the word is checked later."""

    end: Name


@dataclass(frozen=True)
class Start(Node):
    value: Expression


@dataclass(frozen=True)
class Operator(Node):
    """`operator a = [[…]]` or `kraus a = [[…]]`; `keyword` says which."""

    keyword: str
    symbol: Expression
    value: Expression


@dataclass(frozen=True)
class Arrow(Node):
    """`source -> target : probability`; no probability means certain."""

    source: Path
    target: Path
    probability: Expression | None


@dataclass(frozen=True)
class LabelledArrow(Node):
    """`source -[symbol]-> target : probability`."""

    source: Path
    symbol: Expression
    target: Path
    probability: Expression | None


@dataclass(frozen=True)
class Emission(Node):
    """`state emits symbol : probability`."""

    state: Path
    symbol: Expression
    probability: Expression | None


Item: TypeAlias = States | Tokens | Let | For | EmitOn | Start | Operator | Arrow | LabelledArrow | Emission


# ---------------------------------------------------------------- statements


@dataclass(frozen=True)
class Declaration(Node):
    """`model net: transformer { … }`: every record declaration, whatever its keyword."""

    keyword: Name
    name: Name | None
    kind: Name | None
    record: Record


@dataclass(frozen=True)
class Hmm(Node):
    """`hmm` or `ghmm` (`keyword`)."""

    keyword: str
    name: Name
    parameters: tuple[Parameter, ...] | None
    body: tuple[Item, ...]


@dataclass(frozen=True)
class ProcessDefinition(Node):
    """`process tasks(e) = …`."""

    name: Name
    parameters: tuple[Parameter, ...] | None
    value: Expression


@dataclass(frozen=True)
class Param(Node):
    name: Name
    value: Expression


@dataclass(frozen=True)
class Import(Node):
    """`import std.processes (mess3)`, `import "mine.hmm" as mine`: `module` is dotted names or a path."""

    module: tuple[Name, ...] | String
    names: tuple[Name, ...] | None
    alias: Name | None


@dataclass(frozen=True)
class Expect(Node):
    label: String | None
    claim: Expression
    record: Record | None
    often: tuple[Number, ...] = ()  # with how many seeds it must hold, of how many: `in 6 of 8`


Statement: TypeAlias = Declaration | Hmm | ProcessDefinition | Param | Import | Expect


@dataclass(frozen=True)
class Comment(Node):
    """`text` begins with `#`."""

    text: str


@dataclass(frozen=True)
class File(Node):
    """A whole file. Comments stand apart, in order. `damaged` are names of declarations that syntax errors broke."""

    statements: tuple[Statement, ...]
    comments: tuple[Comment, ...] = field(default=(), compare=False)
    damaged: frozenset[str] = field(default=frozenset(), compare=False)
