"""What a list of processes tells of each, kept for those of the library: a list of names need not wait for theory.

Facts stand in hmmdsl/library/facts.json under a hash of the definition, so that they are those of any process with the same
numbers and of no other, whatever its name. A test computes them all again; `python -m hmmdsl.exchange.kept_facts` writes them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from typing import TYPE_CHECKING

from hmmdsl.exchange.finding import find_processes
from hmmdsl.files.writing import write_whole
from hmmdsl.language.modules.imports import LIBRARY, std_module_names
from hmmdsl.process.measure import known_digits

if TYPE_CHECKING:
    from hmmdsl.process.portrait import Portrait
    from hmmdsl.process.process import Process

FACTS = LIBRARY / "facts.json"


@dataclass(frozen=True)
class Fact:
    """A number in bits and how far it may be off, 0 where it is exact; None where it is infinite or unknown."""

    bits: float | None
    error_bits: float = 0.0

    @property
    def text(self) -> str:
        """Up to six decimals, those that are known."""
        return "–" if self.bits is None else known_digits(self.bits, self.error_bits, 6)


@dataclass(frozen=True)
class Facts:
    """One line of a list: how many mixed states there are (None if they do not close), entropy rate, C_mu and E."""

    beliefs: int | None
    entropy_rate: Fact
    statistical_complexity: Fact
    excess_entropy: Fact


def facts_of(about: Portrait) -> Facts:
    """Of a portrait."""
    rate = about.entropy_rate
    measures = (about.statistical_complexity, about.excess_entropy)
    of_measures = (Fact(each.bits, 0.0 if each.exact else each.error_bits) for each in measures)
    return Facts(about.beliefs.count, Fact(rate.value_bits, 0.0 if rate.exact else rate.error_bits), *of_measures)


def kept_facts(process: Process) -> Facts | None:
    """Of a process that is defined by the same numbers as one of the library; None for any other."""
    if process.factored:
        return None
    found = _kept().get(_definition(process))
    return None if found is None else _read(found)


def _read(found: Mapping[str, object]) -> Facts:
    facts = [Fact(**values) for values in found.values() if isinstance(values, dict)]
    beliefs = found["beliefs"]
    return Facts(beliefs if isinstance(beliefs, int) else None, *facts)


@cache
def _kept() -> Mapping[str, Mapping[str, object]]:
    try:
        known: dict[str, dict[str, object]] = json.loads(FACTS.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(each["definition"]): each for each in known.values()}


def _definition(process: Process) -> str:
    """A hash of all numbers, exact ones as fractions and floats to the bit."""
    numbers = [sorted((i, j, str(value)) for (i, j), value in entries.items() if value) for entries in process.operators]
    right = None if process.right is None else [*map(str, process.right)]
    whole = [process.tokens, process.states, numbers, [*map(str, process.start)], process.start_kind, right]
    return hashlib.sha256(json.dumps(whole).encode()).hexdigest()


def main() -> None:
    """Write the facts of the whole library."""
    from hmmdsl.process.portraying import portrait

    every = {
        f"{module}.{name}": {"definition": _definition(process), **asdict(facts_of(portrait(process)))}
        for module in std_module_names()
        for name, process in find_processes(module).items()
    }
    write_whole(FACTS, json.dumps(every, indent=1) + "\n")


if __name__ == "__main__":
    main()
