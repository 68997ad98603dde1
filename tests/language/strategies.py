"""Random syntax trees, and random damage to texts."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import strategies as st

from hmmdsl.language import syntax
from hmmdsl.language.source import Source, Span

NOWHERE = Span(Source("nowhere", ""), 0, 0)
"""The place of a node that was never written."""

COMMON = ("a", "B", "s0", "alpha", "x_1", "beliefs", "tokens", "process", "on", "π", "rest_", "_", "kraus", "model", "im1")
STATES = ("A", "B", "s", "depth", "process", "on", "model", "α")

names = st.sampled_from(COMMON).map(lambda text: syntax.Name(NOWHERE, text))
words = st.sampled_from((*COMMON, "if", "at", "start", "true", "mod"))
state_names = st.sampled_from(STATES).map(lambda text: syntax.Name(NOWHERE, text))

integers = st.integers(0, 10**30).map(lambda n: syntax.Number(NOWHERE, Fraction(n), True))
decimals = st.decimals(0, 10**6, places=9, allow_nan=False).map(lambda d: syntax.Number(NOWHERE, Fraction(d), False))
imaginaries = st.decimals(0, 100, places=2, allow_nan=False).map(lambda d: syntax.Imaginary(NOWHERE, Fraction(d)))
strings = st.text(max_size=8).map(lambda text: syntax.String(NOWHERE, text))
booleans = st.booleans().map(lambda value: syntax.Boolean(NOWHERE, value))
constants = integers | decimals | imaginaries | strings | booleans


def tuples(strategy: st.SearchStrategy, low: int = 0, high: int = 3) -> st.SearchStrategy:
    """Tuples of a strategy's values."""
    return st.lists(strategy, min_size=low, max_size=high).map(tuple)


def paths(heads: st.SearchStrategy, inner: st.SearchStrategy) -> st.SearchStrategy:
    """Paths with members and indices."""
    members = st.builds(syntax.Member, st.just(NOWHERE), words)
    indices = st.builds(syntax.Index, st.just(NOWHERE), tuples(inner | st.just(syntax.Every(NOWHERE)), 1, 2))
    return st.builds(syntax.Path, st.just(NOWHERE), heads, tuples(members | indices, 0, 2))


def _extended(inner: st.SearchStrategy) -> st.SearchStrategy:
    at = st.just(NOWHERE)
    path = paths(names, inner)
    operators = st.sampled_from(("+", "-", "*", "/", "mod", "^", "and", "or"))
    comparisons = st.lists(inner, min_size=2, max_size=3).flatmap(
        lambda operands: st.builds(
            syntax.Comparison,
            at,
            st.just(tuple(operands)),
            tuples(st.sampled_from(("==", "!=", "<", "<=", ">", ">=")), len(operands) - 1, len(operands) - 1),
        )
    )
    reduced = st.builds(syntax.Argument, at, inner, st.none() | path, st.sampled_from(("over", "along")), tuples(path, 1, 2))
    arguments = tuples(st.builds(syntax.Argument, at, inner, st.none() | path) | reduced)
    entries = st.builds(syntax.Entry, at, paths(names, inner), inner)
    calls = st.builds(syntax.Call, at, path, arguments)
    records = st.builds(syntax.Record, at, tuples(entries | calls))
    return st.one_of(
        path,
        st.builds(syntax.Unary, at, st.sampled_from(("-", "not")), inner),
        st.builds(syntax.Binary, at, operators, inner, inner),
        comparisons,
        st.builds(syntax.Choice, at, inner, inner, inner),
        calls,
        st.builds(syntax.At, at, path, tuples(st.builds(syntax.Argument, at, inner, st.none() | path), 1, 2)),
        st.builds(syntax.List, at, tuples(inner)),
        st.builds(syntax.Tuple, at, tuples(inner, 1)),
        st.builds(syntax.Range, at, inner, inner, st.booleans()),
        st.builds(syntax.Pair, at, inner, inner),
        st.builds(syntax.Tagged, at, names, records),
    )


simple = names.map(lambda name: syntax.Path(NOWHERE, name)) | constants
expressions = st.recursive(simple, _extended, max_leaves=12)
small = st.recursive(simple, _extended, max_leaves=4)

_at = st.just(NOWHERE)
_parameters = st.none() | tuples(st.builds(syntax.Parameter, _at, names, st.none() | small))
_ranges = st.builds(syntax.Range, _at, small, small, st.booleans())
_families = st.builds(syntax.Family, _at, names, tuples(_ranges, 0, 2))
_token_ranges = st.builds(syntax.Range, _at, integers, small, st.booleans())
_states = paths(state_names, small)
_symbols = paths(names, small) | integers | strings | st.builds(syntax.Tuple, _at, tuples(small, 1))
_probabilities = st.none() | small

simple_items = st.one_of(
    st.builds(syntax.States, _at, tuples(_families, 1)),
    st.builds(syntax.Tokens, _at, tuples(_families | integers | strings | _token_ranges, 1)),
    st.builds(syntax.Let, _at, names, _parameters, small),
    st.builds(syntax.EmitOn, _at, names),
    st.builds(syntax.Start, _at, small),
    st.builds(syntax.Operator, _at, st.sampled_from(("operator", "kraus")), _symbols, small),
    st.builds(syntax.Arrow, _at, _states, paths(names, small), _probabilities),
    st.builds(syntax.LabelledArrow, _at, _states, _symbols, paths(names, small), _probabilities),
    st.builds(syntax.Emission, _at, _states, _symbols, _probabilities),
)
_bindings = tuples(st.builds(syntax.Binding, _at, names, small), 1, 2)
items = st.recursive(
    simple_items,
    lambda inner: st.builds(syntax.For, _at, _bindings, st.none() | small, tuples(inner)),
    max_leaves=4,
)

_entries = st.builds(syntax.Entry, _at, paths(names, small), expressions)
_calls = st.builds(syntax.Call, _at, paths(names, small), tuples(st.builds(syntax.Argument, _at, small)))
_records = st.builds(syntax.Record, _at, tuples(_entries | _calls))
_keywords = st.sampled_from(("model", "train", "analysis", "sweep", "profile", "experiment", "replicate")).map(
    lambda text: syntax.Name(NOWHERE, text)
)


def _logical(tree: syntax.Expression) -> bool:
    """Whether an expression cannot stand beside `~=`."""
    if isinstance(tree, syntax.Comparison):
        return True
    return (isinstance(tree, syntax.Binary) and tree.operator in ("and", "or")) or (
        isinstance(tree, syntax.Unary) and tree.operator == "not"
    )


_numeric = small.filter(lambda tree: not _logical(tree))
claims = expressions | st.builds(syntax.Approximately, _at, _numeric, _numeric, _numeric)
statements = st.one_of(
    st.builds(syntax.Declaration, _at, _keywords, st.none() | names, st.none() | names, _records),
    st.builds(syntax.Hmm, _at, st.sampled_from(("hmm", "ghmm")), names, _parameters, tuples(items)),
    st.builds(syntax.ProcessDefinition, _at, names, _parameters, expressions),
    st.builds(syntax.Param, _at, names, expressions),
    st.builds(syntax.Import, _at, tuples(names, 1), st.none() | tuples(names, 1), st.none() | names),
    st.builds(syntax.Import, _at, strings, st.none(), st.none() | names),
    st.builds(syntax.Expect, _at, st.none() | strings, claims, st.none() | _records, st.just(()) | tuples(integers, 2, 2)),
)
files = st.builds(syntax.File, _at, tuples(statements, 0, 4))

PIECES = (
    *"{}()[],;\n=:\"#\\\x00\r\t é“²\u00a0'",
    *(
        "->",
        "-[",
        "]->",
        "if ",
        "else ",
        "..",
        "not ",
        "hmm ",
        "train x {\n",
        "1e",
        "0.",
        "~=",
        "±",
        "**",
        "/*",
        "rest",
        "for i in ",
    ),
)
"""What is put into texts to damage them."""


@st.composite
def damaged(draw: st.DrawFn, texts: tuple[str, ...]) -> str:
    """One of the texts with pieces cut out, doubled and put in."""
    text = draw(st.sampled_from(texts))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 12)))
        text = text[:start] + draw(st.sampled_from(PIECES) | st.just("") | st.just(text[start:end] * 2)) + text[end:]
    return text
