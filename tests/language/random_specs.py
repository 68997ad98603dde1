"""Random specs: processes made of processes, and records of every kind, their fields drawn by what the schemas take."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import strategies as st

from hmmdsl.analysis import kinds
from hmmdsl.schema.base import Record
from hmmdsl.schema.fields import (
    Dotted,
    Either,
    FieldType,
    Kinds,
    Many,
    Nothing,
    Numeric,
    Refers,
    Text,
    Truth,
    Words,
    fields_of,
)
from hmmdsl.schema.model import MODELS
from hmmdsl.schema.train import Train

HEAD = """import std.processes (coin, golden_mean, even, mess3, bloch_walk, simple_nonunifilar)

ghmm turning(a = 1, b = 2) {
  tokens 0, 1
  let n = a^2 + b^2
  operator 0 = [[1/2, a * b / (2 * n)], [a * b / (2 * n), 1/2 - a^2 / (2 * n)]]
  operator 1 = [[1/2, -a * b / (2 * n)], [-a * b / (2 * n), 1/2 - a^2 / (2 * n)]]
}
"""
"""What the processes of a random spec are made of: an HMM of every trait, and two generalized ones."""

_LEAVES = (
    *("coin()", "coin(exp(-1))", "golden_mean(1/3)", "even()", "mess3()", "mess3(0.1, exp(-1/10))", "simple_nonunifilar()"),
    *("bloch_walk(1, 2)", "bloch_walk(1, sqrt(51))", "turning()", "turning(sqrt(2), 1)"),
    *("random_hmm(states = 2, tokens = 2, seed = 3)", "random_hmm(states = 3, tokens = 2, seed = 1, unifilar = true)"),
)

_numbers = st.sampled_from(("1/3", "0.1", "exp(-2)", "0", "1", "1e-9"))


def _composed(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    weights = st.sampled_from(("[1/3, 2/3]", "[exp(-1), 1 - exp(-1)]"))
    return st.one_of(
        st.builds("product(left = {}, right = {})".format, inner, inner),
        st.builds("mixture(A = {}, B = {}, weights = {})".format, inner, inner, weights),
        st.builds("leak({}, {})".format, inner, _numbers),
        st.builds("noise({}, {})".format, inner, _numbers),
        st.builds("reverse({})".format, inner),
        st.builds("minimize({})".format, inner),
        st.builds("switch(top = golden_mean(), tasks = [0 -> {}, 1 -> {}], end = {})".format, inner, inner, _numbers),
    )


processes = st.recursive(st.sampled_from(_LEAVES), _composed, max_leaves=3)
"""A process in the language."""

_REFERENCES = {"process": "p", "model": "net", "train": "fit", "analysis": "read", "result": "read.block[0]"}


def values(kind: FieldType) -> st.SearchStrategy[str]:
    """What a field may be given, as a spec writes it. Numbers are small: nothing is run."""
    match kind:
        case Words(words) | Dotted(words):
            return st.sampled_from(words)
        case Numeric():
            low = next((bound for bound in (kind.at_least, kind.above) if bound is not None), -2)
            high = next((bound for bound in (kind.at_most, kind.below) if bound is not None), low + 8)
            drawn = [low, low + 1, low + 2, min(high, low + 8)] if kind.integer else [low, (low + min(high, low + 1)) / 2, high]
            return st.sampled_from([f"{value:.0f}" if kind.integer else f"{value:.12g}" for value in drawn])
        case Text():
            return st.sampled_from(('"1/2"', '"no: # {x}"', '"é \\n true"', '""'))
        case Truth():
            return st.sampled_from(("true", "false"))
        case Refers(to):
            return st.just(_REFERENCES[to])
        case Kinds(kinds_):
            return st.sampled_from(kinds_).flatmap(lambda named: fields(named[1]).map(lambda inner: f"{named[0]} {{ {inner} }}"))
        case Many(elements, True):
            return st.tuples(*map(values, elements)).map(_listed)
        case Many(elements):
            return st.lists(values(elements[0]), min_size=kind.at_least, max_size=max(3, kind.at_least)).map(_listed)
        case Nothing():
            return st.just("none")
        case Either(choices):
            return st.one_of(*map(values, choices))


def _listed(items: list[str] | tuple[str, ...]) -> str:
    return f"[{', '.join(items)}]"


def fields(schema: type[Record], fixed: Mapping[str, str] | None = None, most: int = 3) -> st.SearchStrategy[str]:
    """Some of a record's fields with their values, all that must be given among them; `fixed` are given as they are."""
    known = {name: field for name, field in fields_of(schema).items() if name not in (fixed or {})}
    required = [name for name, field in known.items() if field.required]
    optional = [name for name, field in known.items() if not field.required]
    chosen = st.lists(st.sampled_from(optional), unique=True, max_size=most) if optional else st.just([])
    given = chosen.flatmap(lambda names: st.tuples(*(_assigned(name, known[name].type) for name in (*required, *names))))
    return given.map(lambda drawn: ", ".join([*(f"{name} = {value}" for name, value in (fixed or {}).items()), *drawn]))


def _assigned(name: str, kind: FieldType) -> st.SearchStrategy[str]:
    return values(kind).map(lambda value: f"{name} = {value}")


_models = st.sampled_from(sorted(MODELS)).flatmap(
    lambda word: fields(MODELS[word]).map(lambda given: f"model other: {word} {{ {given} }}\n")
)
_trains = fields(Train, {"process": "p", "model": "net"}).map(lambda given: f"train again {{ {given} }}\n")
_analyses = st.sampled_from(sorted(kinds())).flatmap(
    lambda word: fields(kinds()[word]).map(lambda given: f"analysis new: {word} {{ {given} }}\n")
)


def _axis(name: str, schema: type[Record]) -> st.SearchStrategy[str]:
    """A sweep over two values of a field."""
    swept = st.sampled_from(sorted(fields_of(schema)))
    kind = swept.flatmap(lambda field: st.tuples(st.just(field), *(values(fields_of(schema)[field].type),) * 2))
    return kind.map(lambda drawn: f"sweep s {{ {name}.{drawn[0]} = [{drawn[1]}, {drawn[2]}] }}\n")


def _swept_analysis(word: str) -> st.SearchStrategy[str]:
    schema = kinds()[word]
    made = fields(schema, most=1).map(lambda given: f"analysis new: {word} {{ {given} }}\n")
    return st.tuples(made, _axis("new", schema)).map("".join)


_sweeps = st.one_of(
    _axis("fit", Train), _axis("net", MODELS["transformer"]), st.sampled_from(sorted(kinds())).flatmap(_swept_analysis)
)

records = _models | _trains | _analyses | _sweeps
"""What may be added to `spec(…)`: a record, or a sweep."""

params = st.sampled_from(
    (
        *(("1/3", "q < 1"), ("sqrt(2)", "q > 1"), ("1e-30 * exp(1)", "q > 0"), ("true", "q"), ("[1, 1/2]", "max(q) > 0")),
        *((value, "true") for value in ('"1/2"', '"1/2 of it"', "1i")),
    )
)
"""A param's value, and what a claim may say of it."""


def spec(process: str, record: str = "", param: tuple[str, str] = ("0", "true")) -> str:
    """A spec that trains on a process, with a record more, and a claim that reads a param."""
    return (
        HEAD
        + f"param q = {param[0]}\nprocess p = {process}\n"
        + "model net: transformer { layers = 1, d_model = 8, context = 3 }\n"
        + "train fit { process = p, model = net, steps = 2 }\n"
        + "analysis read: regression { of = fit, at = blocks }\n"
        + record
        + f"expect fit.gap < 1 or {param[1]}\n"
    )
