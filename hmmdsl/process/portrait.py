"""Everything that can be said of a process in a page: what `hmmdsl show` tells, fact by fact.

A fact is a row of `FACTS`: under which path it stands in `--json`, what it is as plain data, which numbers of it a claim can name
(the analysis `portrait`), and how readers are told. The terminal, pages, notebooks, `--json`, results, `hmmdsl help
facts` and docs/records.md are loops over these rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from hmmdsl.process.measure import MERGED_STATES, Measure, known_digits
from hmmdsl.process.notation import number_text
from hmmdsl.process.told import Line, dimension_line, lyapunov_lines, measured, synchronization_lines, transients_text

if TYPE_CHECKING:
    from hmmdsl.process.algebra.canonical import CanonicalDimension
    from hmmdsl.process.complexity import Complexity
    from hmmdsl.process.dynamics.dynamics import Dynamics
    from hmmdsl.process.entropies import EntropyRate, MyopicEntropies
    from hmmdsl.process.mixed_states import MixedStates
    from hmmdsl.process.process import Process, Scalar

T = TypeVar("T")

LONGEST_LIST = 12
"""States, tokens or numbers written out; of more the first and how many there are."""

LONGEST_FRACTION = 24
"""Characters of a fraction that is written out; a longer one is a decimal."""


@dataclass(frozen=True)
class BeliefCount:
    """The mixed states. `count` is their number, the start included, None where they do not close within `found` beliefs;
    `growth` is how many there are within each depth; `recurrent` how many are met for ever (None if not closed). `blurred`: some
    differ by so little that floats don't tell whether they are one, and how many there are is not known."""

    count: int | None
    found: int
    closed: bool
    closed_at: int | None
    growth: tuple[int, ...]
    recurrent: int | None
    numerical: bool
    blurred: bool = False

    @property
    def text(self) -> str:
        """Their number, or what is known of it, without how they were compared."""
        if self.count is not None:
            return f"{self.count:,}"
        return f"{self.found:,} told apart" if self.blurred else f"more than {self.found:,}"

    @property
    def note(self) -> str:
        """How far they were followed, and how they were compared."""
        if self.count is not None:
            met = "" if self.recurrent is None else f", {self.recurrent:,} of them met for ever"
            depth = f"{self.closed_at} token{'' if self.closed_at == 1 else 's'}"
            how = MERGED_STATES if self.numerical else "counted exactly"
            return f"the start included, closed after {depth}{met} ({how})"
        if self.blurred:
            return "others are as near to one of these as rounding: how many there are is not known (numerical)"
        return "not closed there, perhaps infinitely many " + ("(numerical)" if self.numerical else "(counted exactly)")


@dataclass(frozen=True)
class PartCount:
    """A part of a composed process: a `component` of a mixture or switch, or a `factor` of a product."""

    name: str
    role: Literal["component", "factor"]
    process: str
    states: int


LARGEST_SETTLING = 2000
"""States of a process whose settling is told, at most: its equations are solved as a dense matrix."""


@dataclass(frozen=True)
class Settling:
    """Into which closed classes a process settles: the probability of each, and the mean number of tokens until then."""

    probabilities: tuple[float, ...]
    mean_tokens: float


@dataclass(frozen=True)
class PortraitSource:
    """What a portrait was computed from: the process, its mixed states as far as they were followed (None of a product, whose
    joint beliefs are not made), its complexity, and the effort."""

    process: Process
    presentation: MixedStates | None
    stored: Complexity
    effort: float


@dataclass(frozen=True)
class Portrait:
    """What a process is. `stationary` is None where several closed classes of states leave it open. `unreachable` names the
    states that the start never leads to. `canonical` is the Hankel rank. `parts` are those of a composed process. `exact`: all
    numbers of the definition are rational, so beliefs were counted exactly."""

    name: str
    states: Sequence[str]
    tokens: tuple[str, ...]
    start: Sequence[Scalar]
    start_kind: Literal["stationary", "given"]
    stationary: Sequence[Scalar] | None
    ergodic: bool
    irreducible: bool
    period: int
    unifilar: bool
    unreachable: tuple[str, ...]
    beliefs: BeliefCount
    causal_states: int | None
    entropy_rate: EntropyRate
    statistical_complexity: Measure
    excess_entropy: Measure
    myopic_entropies: MyopicEntropies
    canonical: CanonicalDimension
    parts: tuple[PartCount, ...]
    exact: bool
    right: Sequence[Scalar] | None = None
    source: PortraitSource | None = field(default=None, compare=False, repr=False)

    @cached_property
    def dynamics(self) -> Dynamics:
        """Synchronization, crypticity and the geometry of the beliefs in the long run: computed when first asked for, in a second
        or two where the beliefs are uncountable. Raises ValueError for a portrait that was not computed from its process."""
        if self.source is None:
            raise ValueError(f"the portrait of {self.name} was made without its process: use `portrait(process)`")
        from hmmdsl.process.dynamics.dynamics import dynamics  # what is asked before a run should not load it

        source = self.source
        return dynamics(source.process, source.presentation, self.entropy_rate, source.stored, source.effort)

    @cached_property
    def settling(self) -> Settling | None:
        """The closed classes of the states, where there are several, or where it begins in none; None of a product, whose factors
        settle one after another, and of a generalized HMM, which has no states."""
        process = None if self.source is None else self.source.process
        if process is None or process.generalized or process.factored or len(process.states) > LARGEST_SETTLING:
            return None
        from hmmdsl.process.structure import ergodic_components, mean_absorption_time

        tokens = mean_absorption_time(process)
        if self.ergodic and not tokens:
            return None
        return Settling(tuple(each.probability for each in ergodic_components(process)), tokens)

    @property
    def generalized(self) -> bool:
        """Whether it is a generalized HMM: `states` are dimensions, `start` and `stationary` vectors."""
        return self.right is not None

    @property
    def numerical(self) -> bool:
        """Whether beliefs were compared within a tolerance, since the definition has floats."""
        return not self.exact

    def as_json(self) -> dict[str, Any]:
        """Plain data, nested: `beliefs.count`, `entropy_rate.bits`, `statistical_complexity.bits`, … Exact numbers are texts
        such as `1/3`; None where undefined, with the `reason`."""
        return {fact.path: fact.plain(self) for fact in FACTS}


@dataclass(frozen=True)
class Number:
    """A number of a fact that claims can name. `series`: one for each depth. What is yes or no is 1 or 0; undefined is null.
    `of` takes it from the fact's plain data, where it does not stand there under its own name."""

    unit: str
    meaning: str
    series: bool = False
    of: Callable[[Any], Any] | None = None


Numbers = Number | Mapping[str, "Numbers"]


@dataclass(frozen=True)
class Fact:
    """A row: what there is to tell of a process.

    path        its key in `--json`, and in the results of a `portrait`
    meaning     what it is, in a few words
    plain       its value as plain data
    numbers     the numbers that claims can name: one, or several by their names under `path`
    lines       how readers are told; nothing where another fact's line says it
    definition  it stands in the definition of the process: a page tells it in its sentence
    """

    path: str
    meaning: str
    plain: Callable[[Portrait], Any]
    numbers: Numbers = field(default_factory=dict)
    lines: Callable[[Portrait], Iterable[Line]] | None = None
    definition: bool = False


def _plain(value: Scalar) -> str | float:
    return str(value) if isinstance(value, Fraction) else float(value)


# What follows is how each fact is told; the rows themselves stand last, since they name all of it.


def told(about: Portrait, definition: bool = True) -> Iterator[Line]:
    """All there is to tell, line by line; without the `definition`, which a page tells in its sentence."""
    for fact in FACTS:
        if fact.lines is not None and (definition or not fact.definition):
            yield from fact.lines(about)


def _names(what: str, names: Sequence[str]) -> Line:
    return Line(what, f"{len(names):,}: {_listed(names)}")


def _start(about: Portrait) -> Iterator[Line]:
    """Only where it is not the stationary distribution that follows."""
    if about.stationary is None or about.start_kind == "given":
        yield Line("start", _numbers(about.start))


def _stationary_line(about: Portrait) -> Iterator[Line]:
    if about.stationary is not None:
        yield Line("stationary", _numbers(about.stationary))


def _structure_line(about: Portrait) -> Iterator[Line]:
    kinds = [
        "ergodic" if about.ergodic else "not ergodic",
        "generalized HMM" if about.generalized else "unifilar" if about.unifilar else "not unifilar",
        "aperiodic" if about.period == 1 else f"period {about.period}",
    ]
    if about.unreachable:
        kinds.append(f"never reached: {_listed(about.unreachable)}")
    yield Line("structure", ", ".join(kinds))


def _settles(about: Portrait) -> Iterator[Line]:
    if about.settling is not None:
        shares = about.settling.probabilities
        into = (
            "into one class" if len(shares) == 1 else f"into one of {len(shares):,} classes, with probability {_numbers(shares)}"
        )
        yield Line("settles", f"{into}; after {scalar_text(about.settling.mean_tokens)} tokens on average")


def _beliefs(about: Portrait) -> Iterator[Line]:
    """How many there are, and how many after 0, 1, … tokens; of a long row the first and the last."""
    yield Line("beliefs", about.beliefs.text, "", about.beliefs.note)
    sizes = [f"{size:,}" for size in about.beliefs.growth]
    if len(sizes) > LONGEST_LIST:
        sizes = [*sizes[:LONGEST_LIST], "…", f"{sizes[-1]} after {len(sizes) - 1} tokens"]
    yield Line("beliefs by depth", ", ".join(sizes))


def _causal_states(about: Portrait) -> Iterator[Line]:
    if about.causal_states is not None:
        yield Line("causal states", f"{about.causal_states:,}", "", MERGED_STATES if about.numerical else "")


def _entropy_rate(about: Portrait) -> Iterator[Line]:
    """In bits and in nats, with the digits that are known."""
    rate = about.entropy_rate
    error = 0.0 if rate.exact else rate.error_bits
    value = f"{known_digits(rate.value_bits, error)} bits = {known_digits(rate.value_nats, error)} nats"
    yield Line("entropy rate", value, "per token", "; ".join(filter(None, [rate.error_text, rate.method])))


def _myopic_entropies(about: Portrait) -> Iterator[Line]:
    yield Line("myopic entropies", _listed([f"{bits:.6f}" for bits in about.myopic_entropies.bits]), "bits")


def _canonical_dimension(about: Portrait) -> Iterator[Line]:
    if about.canonical.rank is not None:
        meaning = "Hankel rank: the fewest states of any presentation, negative entries allowed"
        how = "" if about.canonical.proven else "numerical" if about.numerical else "not proven"
        yield Line("canonical dimension", f"{about.canonical.rank:,}", "", "; ".join(filter(None, [meaning, how])))


def _parts(about: Portrait) -> Iterator[Line]:
    for role in ("component", "factor"):
        named = [
            f"{part.name} ({part.process}, {part.states:,} state{'' if part.states == 1 else 's'})"
            for part in about.parts
            if part.role == role
        ]
        if named:
            yield Line(f"{role}s", _listed(named))


def _right(about: Portrait) -> Iterator[Line]:
    if about.right is not None:
        yield Line("right eigenvector", _numbers(about.right))


def _observed(lines: Callable[[Dynamics], Iterable[Line]]) -> Callable[[Portrait], Iterator[Line]]:
    """Lines of the dynamics. Those of a process with floats say that they are numerical."""

    def worded(about: Portrait) -> Iterator[Line]:
        for line in lines(about.dynamics):
            if about.dynamics.numerical and "numerical" not in line.note:
                line = replace(line, note="; ".join(filter(None, [line.note, "numerical"])))
            yield line

    return worded


def _crypticity(known: Dynamics) -> Iterator[Line]:
    order = "" if known.cryptic_order is None else f"cryptic order {known.cryptic_order}"
    chi = measured("crypticity", known.crypticity)
    yield replace(chi, note="; ".join(filter(None, [chi.note, order])))


def _transient_information(known: Dynamics) -> Iterator[Line]:
    yield measured("transient information", known.transient_information, "bits × tokens")


def _synchronization(known: Dynamics) -> Iterable[Line]:
    if known.synchronization is None:
        return [Line("synchronization", "undefined", "", known.reason)]
    return synchronization_lines(known.synchronization)


def _transients(known: Dynamics) -> Iterator[Line]:
    if known.transients is not None:
        yield Line("transient beliefs", f"{known.transients.transient:,}", "", transients_text(known.transients))


def _cardinality(known: Dynamics) -> Iterator[Line]:
    if known.cardinality is not None:
        kind = "not known how many" if known.cardinality.kind == "undecided" else f"{known.cardinality.kind} in number"
        yield Line("long-run causal states", kind, "", known.cardinality.reason)


def _cloud(known: Dynamics) -> Iterator[Line]:
    if known.cloud is not None:
        drawn = f"{len(known.cloud):,} beliefs of {known.cloud.observers:,} observers"
        yield dimension_line("box-counting dimension", known.box_counting, drawn)
        yield dimension_line("information dimension", known.information, drawn)


def _lyapunov(known: Dynamics) -> Iterator[Line]:
    if known.lyapunov is not None and (known.lyapunov.exponents or known.cloud is not None):
        yield from lyapunov_lines(known.lyapunov)


def scalar_text(value: Scalar) -> str:
    """A fraction as long as it can be read, else a decimal."""
    exact = str(value) if isinstance(value, Fraction) else ""
    return exact if exact and len(exact) <= LONGEST_FRACTION else number_text(value, 6)


def _numbers(values: Sequence[Scalar]) -> str:
    """The first of them: as fractions, if all of these can be read."""
    shown = [scalar_text(value) for value in values[:LONGEST_LIST]]
    readable = all(text == str(value) for text, value in zip(shown, values, strict=False))
    return _listed(values, scalar_text if readable else lambda value: number_text(value, 6))


def _listed(items: Sequence[T], text: Callable[[T], str] = str) -> str:
    """The first items; of a long list also how many there are."""
    shown = ", ".join(text(item) for item in items[:LONGEST_LIST])
    return shown if len(items) <= LONGEST_LIST else f"{shown}, … ({len(items):,})"


def _plain_beliefs(beliefs: BeliefCount) -> dict[str, Any]:
    names = ("count", "found", "closed", "closed_at", "growth", "recurrent", "numerical", "blurred")
    return {name: list(value) if isinstance(value := getattr(beliefs, name), tuple) else value for name in names}


def _plain_rate(rate: EntropyRate) -> dict[str, Any]:
    return {
        "bits": rate.value_bits,
        "nats": rate.value_nats,
        "lower_bits": rate.lower_bits,
        "upper_bits": rate.upper_bits,
        "error_bits": rate.error_bits,
        "exact": rate.exact,
        "numerical": rate.numerical,
        "method": rate.method,
    }


def _plain_synchronization(known: Dynamics) -> dict[str, Any]:
    return _or_reason(known, None if known.synchronization is None else known.synchronization.as_json())


def _plain_transients(known: Dynamics) -> dict[str, Any]:
    passing = known.transients
    return {
        "count": None if passing is None else passing.transient,
        "recurrent": None if passing is None else passing.recurrent,
        "mass": None if passing is None else list(passing.mass),
        "rate": None if passing is None else passing.rate,
        "mean_length": None if passing is None else passing.mean_length,
        "numerical": known.numerical,
        "reason": "the mixed states do not close" if passing is None else "",
    }


def _plain_cardinality(known: Dynamics) -> dict[str, Any]:
    return _or_reason(known, None if known.cardinality is None else known.cardinality.as_json(known.tokens))


def _plain_cloud(known: Dynamics) -> dict[str, Any]:
    return {
        "beliefs": None if known.cloud is None else len(known.cloud),
        "independent": None if known.cloud is None else known.cloud.observers,
        "box_counting": known.box_counting.as_json(),
        "information": known.information.as_json(),
    }


def _or_reason(known: Dynamics, plain: dict[str, Any] | None) -> dict[str, Any]:
    """Plain data of what one ergodic component has, or why there is none."""
    return {"numerical": known.numerical, "reason": known.reason} if plain is None else {**plain, "numerical": known.numerical}


def _measure(unit: str, meaning: str) -> Numbers:
    return {
        "bits": Number(unit, f"{meaning}; undefined if infinite or unknown"),
        "error_bits": Number(unit, "how far that may be off"),
    }


def _dimension(meaning: str) -> Numbers:
    return {"dimension": Number("1", meaning), "error": Number("1", "its error")}


def _kind(name: str, meaning: str) -> Number:
    """Whether there are so many causal states; undefined where there is no one ergodic component to ask."""
    return Number("1", meaning, of=lambda plain: None if plain.get("kind") is None else plain["kind"] == name)


FACTS: tuple[Fact, ...] = (
    Fact("name", "what the process is called", lambda p: p.name, definition=True),
    Fact(
        "states",
        "the hidden states, or the dimensions of a generalized HMM",
        lambda p: list(p.states),
        lines=lambda p: [_names("dimensions" if p.generalized else "states", p.states)],
        definition=True,
    ),
    Fact("tokens", "the tokens", lambda p: list(p.tokens), lines=lambda p: [_names("tokens", p.tokens)], definition=True),
    Fact("start", "the distribution that it starts in", lambda p: [_plain(x) for x in p.start], lines=_start, definition=True),
    Fact("start_kind", "whether it is the stationary one, or given", lambda p: p.start_kind, definition=True),
    Fact(
        "stationary",
        "the stationary distribution; none where several closed classes leave it open",
        lambda p: None if p.stationary is None else [_plain(x) for x in p.stationary],
        lines=_stationary_line,
        definition=True,
    ),
    Fact(
        "ergodic",
        "one closed class of states",
        lambda p: p.ergodic,
        Number("1", "1 if there is one closed class of states, else 0"),
    ),
    Fact(
        "irreducible",
        "every state leads to every other",
        lambda p: p.irreducible,
        Number("1", "1 if every state leads to every other, else 0"),
    ),
    Fact("period", "the period of the chain of states", lambda p: p.period, Number("1", "the period of the chain of states")),
    Fact(
        "unifilar",
        "a state and a token tell the next state",
        lambda p: p.unifilar,
        Number("1", "1 if a state and a token leave no doubt of the next state, else 0"),
    ),
    Fact(
        "unreachable",
        "states that the start never leads to",
        lambda p: list(p.unreachable),
        lines=_structure_line,
        definition=True,
    ),
    Fact(
        "settling",
        "into which closed classes it settles, and when",
        lambda p: None if p.settling is None else asdict(p.settling),
        lines=_settles,
    ),
    Fact(
        "beliefs",
        "mixed states: the beliefs of an optimal observer",
        lambda p: _plain_beliefs(p.beliefs),
        {
            "closed": Number("1", "1 if the mixed states were found to be finite in number, else 0"),
            "count": Number("1", "the number of mixed states, the start included; undefined if they do not close"),
            "closed_at": Number("1", "the depth at which the last of them is found"),
            "found": Number("1", "how many were found before the search ended"),
            "recurrent": Number("1", "how many of them are met for ever; undefined if they do not close"),
        },
        _beliefs,
    ),
    Fact(
        "causal_states",
        "the number of causal states",
        lambda p: p.causal_states,
        Number("1", "the number of causal states; undefined if infinite or unknown"),
        _causal_states,
    ),
    Fact(
        "entropy_rate",
        "the entropy of a token, given all before it",
        lambda p: _plain_rate(p.entropy_rate),
        {
            "bits": Number("bits", "entropy rate, per token"),
            "nats": Number("nats", "entropy rate, per token"),
            "error_bits": Number("bits", "how far the entropy rate may be off"),
        },
        _entropy_rate,
    ),
    Fact(
        "statistical_complexity",
        "C_mu, the entropy of the causal states",
        lambda p: p.statistical_complexity.as_json(),
        _measure("bits", "C_mu, the entropy of the causal states"),
        lambda p: [measured("statistical complexity", p.statistical_complexity)],
    ),
    Fact(
        "excess_entropy",
        "E, what the past tells of the future",
        lambda p: p.excess_entropy.as_json(),
        _measure("bits", "E, what the past tells of the future"),
        lambda p: [measured("excess entropy", p.excess_entropy)],
    ),
    Fact(
        "myopic_entropies",
        "by how many tokens are known, from 0; undefined where words are too many",
        lambda p: {"bits": list(p.myopic_entropies.bits), "nats": list(p.myopic_entropies.nats)},
        {
            "bits": Number("bits", "entropy of a token, given those before it", series=True),
            "nats": Number("nats", "entropy of a token, given those before it", series=True),
        },
        _myopic_entropies,
    ),
    Fact(
        "canonical_dimension",
        "the fewest states of any presentation, negative entries allowed",
        lambda p: {"rank": p.canonical.rank, "proven": p.canonical.proven, "numerical": p.numerical},
        {"rank": Number("1", "the Hankel rank"), "proven": Number("1", "1 if exact, else 0")},
        _canonical_dimension,
    ),
    Fact(
        "parts",
        "the components of a mixture or switch, the factors of a product",
        lambda p: [asdict(part) for part in p.parts],
        lines=_parts,
        definition=True,
    ),
    Fact("generalized", "whether it is a generalized HMM", lambda p: p.generalized, definition=True),
    Fact(
        "right",
        "the right eigenvector of a generalized HMM",
        lambda p: None if p.right is None else [_plain(x) for x in p.right],
        lines=_right,
        definition=True,
    ),
    Fact("exact", "whether all numbers of the definition are rational", lambda p: p.exact, definition=True),
    Fact(
        "numerical",
        "whether beliefs were compared within a tolerance, since the definition has floats",
        lambda p: p.numerical,
        Number("1", "1 if the process has floats, so that no number of states is proven, else 0"),
    ),
    Fact(
        "crypticity",
        "C_mu - E, what the causal state knows that the future does not show",
        lambda p: {**p.dynamics.crypticity.as_json(), "order": p.dynamics.cryptic_order},
        _measure("bits", "C_mu - E"),
        _observed(_crypticity),
    ),
    Fact(
        "transient_information",
        "T, how hard it is to synchronize",
        lambda p: {**p.dynamics.transient_information.as_json(), "unit": "bits times tokens"},
        _measure("bits × tokens", "T, how hard it is to synchronize"),
        _observed(_transient_information),
    ),
    Fact(
        "synchronization",
        "how an observer comes to know the state",
        lambda p: _plain_synchronization(p.dynamics),
        lines=_observed(_synchronization),
    ),
    Fact(
        "transients",
        "mixed states that are left for ever",
        lambda p: _plain_transients(p.dynamics),
        lines=_observed(_transients),
    ),
    Fact(
        "causal_cardinality",
        "how many causal states an observer meets in the long run",
        lambda p: _plain_cardinality(p.dynamics),
        {
            "finite": _kind("finite", "1 if the causal states met in the long run are known to be finite in number, else 0"),
            "countable": _kind("countable", "1 if they are known to be infinite in number, yet countable, else 0"),
            "uncountable": _kind("uncountable", "1 if they are known to be uncountable, else 0"),
            "undecided": _kind("undecided", "1 if none of these was shown, else 0"),
            "proven": Number("1", "1 if that is shown by an exact argument, else 0"),
        },
        _observed(_cardinality),
    ),
    Fact(
        "cloud",
        "the beliefs in the long run; a dimension of 0 where they are finite in number",
        lambda p: _plain_cloud(p.dynamics),
        {
            "box_counting": _dimension("box-counting dimension of the set of beliefs"),
            "information": _dimension("information dimension of the beliefs' distribution"),
        },
        _observed(_cloud),
    ),
    Fact(
        "lyapunov",
        "how fast beliefs come together, by direction",
        lambda p: _or_reason(p.dynamics, None) if p.dynamics.lyapunov is None else p.dynamics.lyapunov.as_json(),
        _dimension("Lyapunov dimension, at least the information dimension"),
        _observed(_lyapunov),
    ),
)
"""All that there is to tell of a process, in this order. A quantity more is a row more, and what computes it."""
