"""What a record's field takes, in the language's own terms: words, numbers, strings, references, tagged records, lists.

The schemas are pydantic classes; this reads their annotations once, so that elaboration, help and messages share one account.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeAlias, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from pydantic.fields import FieldInfo

from hmmdsl.schema.base import DottedName, Record, Reference


@dataclass(frozen=True)
class Words:
    """One of a few bare words."""

    words: tuple[str, ...]


@dataclass(frozen=True)
class Dotted:
    """A word or a path of words, such as `within.A`; what it is next to decides which there are."""

    examples: tuple[str, ...]


@dataclass(frozen=True)
class Numeric:
    """A constant expression. Bounds are None where there is none; `above` and `below` are strict."""

    integer: bool
    at_least: float | None = None
    above: float | None = None
    at_most: float | None = None
    below: float | None = None


@dataclass(frozen=True)
class Text:
    """A string in quotes."""


@dataclass(frozen=True)
class Truth:
    """`true` or `false`."""


@dataclass(frozen=True)
class Refers:
    """The name of a declaration: `to` is its keyword."""

    to: str


@dataclass(frozen=True)
class Kinds:
    """A record told by its tag, as `adamw { lr = 3e-3 }`; the tag alone is the record without fields."""

    kinds: tuple[tuple[str, type[Record]], ...]

    def of(self, word: str) -> type[Record] | None:
        """The schema of a tag, if it is one of these."""
        return dict(self.kinds).get(word)


@dataclass(frozen=True)
class Many:
    """A list. `elements` has one entry for each place if the length is fixed, else one for all."""

    elements: tuple[FieldType, ...]
    fixed: bool
    at_least: int = 0
    at_most: int | None = None

    def element(self, index: int) -> FieldType:
        """What stands at `index`."""
        return self.elements[index] if self.fixed else self.elements[0]

    @property
    def counts(self) -> bool:
        """Whether it is a list of integers, of any length: then a range may stand for it."""
        return not self.fixed and isinstance(self.elements[0], Numeric) and self.elements[0].integer

    def repeats(self, choices: Sequence[FieldType]) -> bool:
        """Whether it is a list of what `choices` take one of."""
        element = self.elements[0]
        return not self.fixed and (element in choices or (isinstance(element, Either) and set(element.choices) <= set(choices)))


@dataclass(frozen=True)
class Nothing:
    """`none`: the field is left out."""


@dataclass(frozen=True)
class Either:
    """One of several."""

    choices: tuple[FieldType, ...]


FieldType: TypeAlias = Words | Dotted | Numeric | Text | Truth | Refers | Kinds | Many | Nothing | Either


@dataclass(frozen=True)
class RecordField:
    """One field of a record: what it takes, its default in the language's words (None: it must be given), and what it is."""

    name: str
    type: FieldType
    default: str | None
    description: str

    @property
    def required(self) -> bool:
        return self.default is None


@cache
def fields_of(schema: type[Record]) -> Mapping[str, RecordField]:
    """The fields of a record that a user may write (its `kind` is its tag), in order of declaration."""
    return {
        name: RecordField(name, field_type(info.annotation, info.metadata), _default(info), info.description or "")
        for name, info in schema.model_fields.items()
        if name != "kind"
    }


def kind_word(schema: type[Record]) -> str | None:
    """The tag by which a record is told from its alternatives, None for a record without one."""
    info = schema.model_fields.get("kind")
    return str(info.default) if info is not None else None


# ---------------------------------------------------------------- from annotations


def field_type(annotation: Any, metadata: Sequence[object] = ()) -> FieldType:
    """Read an annotation. Raises TypeError for one that the language has no words for: a mistake in a schema."""
    if get_origin(annotation) is Annotated:
        inner, *more = get_args(annotation)
        return field_type(inner, [*more, *metadata])
    flat = _flat(metadata)
    for item in flat:
        if isinstance(item, Reference):
            return Refers(item.to)
        if isinstance(item, DottedName):
            return Dotted(item.examples)
    origin = get_origin(annotation)
    if origin is Literal:
        return Words(tuple(str(word) for word in get_args(annotation)))
    if origin in (Union, UnionType):
        return _either([field_type(choice, metadata) for choice in get_args(annotation)])
    if origin in (tuple, list):
        return _many(get_args(annotation), flat)
    if annotation is NoneType:
        return Nothing()
    if isinstance(annotation, type):
        if issubclass(annotation, bool):
            return Truth()
        if issubclass(annotation, (int, float)):
            return _bounded(Numeric(issubclass(annotation, int)), flat)
        if issubclass(annotation, str):
            return Text()
        if issubclass(annotation, Record):
            word = kind_word(annotation)
            if word is not None:
                return Kinds(((word, annotation),))
    raise TypeError(f"the language has no words for a field of type {annotation!r}")


def _flat(metadata: Sequence[object]) -> list[object]:
    flat: list[object] = []
    for item in metadata:
        flat.extend(item.metadata if isinstance(item, FieldInfo) else [item])
    return flat


def _many(arguments: tuple[Any, ...], metadata: list[object]) -> Many:
    fixed = Ellipsis not in arguments and len(arguments) > 1
    elements = tuple(field_type(a) for a in arguments if a is not Ellipsis)
    if fixed:
        return Many(elements, True, len(elements), len(elements))
    least = max([item.min_length for item in metadata if isinstance(item, MinLen)], default=0)
    most = min([item.max_length for item in metadata if isinstance(item, MaxLen)], default=None)
    return Many(elements, False, least, most)


def _bounded(numeric: Numeric, metadata: list[object]) -> Numeric:
    for item in metadata:
        match item:
            case Ge(bound):
                numeric = replace(numeric, at_least=_limit(bound))
            case Gt(bound):
                numeric = replace(numeric, above=_limit(bound))
            case Le(bound):
                numeric = replace(numeric, at_most=_limit(bound))
            case Lt(bound):
                numeric = replace(numeric, below=_limit(bound))
    return numeric


def _limit(bound: object) -> float:
    if isinstance(bound, (int, float)):
        return bound
    raise TypeError(f"a bound is a number, not {bound!r}")


def _either(choices: list[FieldType]) -> FieldType:
    """Alternatives, flat; all tagged records are gathered into one, and all words into one."""
    flat: list[FieldType] = []
    for choice in choices:
        flat.extend(choice.choices if isinstance(choice, Either) else [choice])
    kinds = tuple(kind for choice in flat if isinstance(choice, Kinds) for kind in choice.kinds)
    words = tuple(word for choice in flat if isinstance(choice, Words) for word in choice.words)
    merged: list[FieldType] = []
    for choice in flat:
        replaced = Kinds(kinds) if isinstance(choice, Kinds) else Words(words) if isinstance(choice, Words) else choice
        if replaced not in merged:
            merged.append(replaced)
    return merged[0] if len(merged) == 1 else Either(tuple(merged))


# ---------------------------------------------------------------- in words


def describe(kind: FieldType) -> str:
    """What a field takes, in a user's words: `an integer from 1 to 128`."""
    match kind:
        case Words(words):
            return one_of(words)
        case Dotted(examples):
            return one_of(examples)
        case Numeric():
            return _describe_number(kind)
        case Text():
            return "a string in quotes"
        case Truth():
            return "`true` or `false`"
        case Refers("process"):
            return "a process, such as `rrxor()`"
        case Refers("result"):
            return "a result, such as `beliefs.concat`"
        case Refers(to):
            return f"the name of {article(to)} `{to}`"
        case Kinds(kinds):
            return one_of([_tag(word, schema) for word, schema in kinds])
        case Many(elements, True):
            return f"a list of {len(elements)}: " + ", ".join(describe(element) for element in elements)
        case Many(elements):
            return ("a list or a range" if kind.counts else "a list") + ", each item " + describe(elements[0])
        case Nothing():
            return "`none`"
        case Either(choices):
            many = [c for c in choices if isinstance(c, Many) and c.repeats(choices)]
            named = [c for c in choices if isinstance(c, Words | Dotted | Kinds)]
            if len(named) < 2:
                return ", or ".join("a list of these" if choice in many else describe(choice) for choice in choices)
            others = ["a list of these" if choice in many else describe(choice) for choice in choices if choice not in named]
            ordered = sorted(named, key=lambda choice: isinstance(choice, Kinds))
            return ", or ".join([one_of([name for choice in ordered for name in _names(choice)]), *others])


def _names(choice: Words | Dotted | Kinds) -> list[str]:
    """The words that a choice takes, or examples of them."""
    match choice:
        case Words(words) | Dotted(words):
            return list(words)
        case Kinds(kinds):
            return [_tag(word, schema) for word, schema in kinds]


def _tag(word: str, schema: type[Record]) -> str:
    """A tag as it is written: `future(k)` for a record that may be a call."""
    return word if schema.called is None else f"{word}({schema.called})"


def one_of(words: Sequence[str]) -> str:
    """'`a`, `b` or `c`'."""
    quoted = [f"`{word}`" for word in words]
    return quoted[0] if len(quoted) == 1 else ", ".join(quoted[:-1]) + " or " + quoted[-1]


def article(noun: str) -> str:
    """The indefinite article before a noun."""
    return "an" if noun[:1] in "aeiou" else "a"


def plural(noun: str) -> str:
    """'models', 'processes', 'analyses'."""
    return noun[:-2] + "es" if noun.endswith("sis") else noun + ("es" if noun.endswith("s") else "s")


def _describe_number(kind: Numeric) -> str:
    noun = "an integer" if kind.integer else "a number"
    low = f"of at least {_plain(kind.at_least)}" if kind.at_least is not None else ""
    low = f"above {_plain(kind.above)}" if kind.above is not None else low
    high = f"at most {_plain(kind.at_most)}" if kind.at_most is not None else ""
    high = f"below {_plain(kind.below)}" if kind.below is not None else high
    if kind.at_least is not None and kind.at_most is not None:
        return f"{noun} from {_plain(kind.at_least)} to {_plain(kind.at_most)}"
    return " ".join([noun, " and ".join(bound for bound in (low, high) if bound)]).strip()


def _plain(bound: float | None) -> str:
    """A bound as a user would write it: large integers with `_` between the thousands."""
    if bound is None:
        return ""
    if float(bound).is_integer():
        if abs(bound) > 2**31 and int(bound).bit_count() == 1:
            return f"2^{int(bound).bit_length() - 1}"
        return f"{int(bound):_}" if abs(bound) >= 10_000 else str(int(bound))
    return f"{bound:g}"


def _default(info: FieldInfo) -> str | None:
    if info.is_required():
        return None
    return written(info.get_default(call_default_factory=True, validated_data={}))


def written(value: object) -> str:
    """A field's value as the language would write it."""
    match value:
        case None:
            return "none"
        case bool():
            return "true" if value else "false"
        case float():
            return f"{value:g}" if not value.is_integer() or abs(value) >= 1e6 else str(int(value))
        case int():
            return f"{value:_}" if abs(value) >= 10_000 else str(value)
        case str():
            return value if all(word.isidentifier() for word in value.split(".")) else f'"{value}"'
        case tuple() | list():
            return "[" + ", ".join(written(item) for item in value) + "]"
        case Record():
            word = kind_word(type(value)) or ""
            given = [name for name in fields_of(type(value)) if name in value.model_fields_set]
            if not given:
                return word
            return f"{word} {{ " + ", ".join(f"{name} = {written(getattr(value, name))}" for name in given) + " }"
    return str(value)
