"""How long the grammar takes to build, and a generated spec of 5,000 lines to be read and formatted.

python -m tests.benchmarks.bench_parse
"""

from __future__ import annotations

import time

from hmmdsl.language.diagnostics import Diagnostics
from hmmdsl.language.formatting.formatter import format_file
from hmmdsl.language.formatting.highlight import highlight
from hmmdsl.language.parser import parse
from hmmdsl.language.parsing.tables import grammar
from hmmdsl.language.source import Source

LINES = 5_000

STATEMENTS = """\
# Random-Random-XOR, number {n}
hmm rrxor_{n}(p = 1/2, q = 1/2) {{
  states S, S0, S1, T, F
  tokens 0, 1
  let r = 1 - (p + q) / 2^2

  S  -[0]-> S0 : p             # from S to S0, emitting 0, with probability p
  S  -[1]-> S1 : 1 - p
  S0 -[0]-> F  : if q <= r then q else 1/2
  S0 -[1]-> T  : rest
  S1 -[0]-> T  : q
  S1 -[1]-> F  : rest
  T  -[1]-> S
  F  -[0]-> S
}}
process mixed_{n} = mixture(A = rrxor_{n}(0.05, 0.85), B = rrxor_{n}(), weights = [1/2, 1/2])
"""


def generated() -> str:
    """A spec of about 5,000 lines."""
    count = LINES // STATEMENTS.count("\n")
    return "\n".join(STATEMENTS.format(n=n) for n in range(count))


def main() -> None:
    """Print the times in seconds; the parser's alone and each phase's."""
    begun = time.perf_counter()
    language = grammar()
    print(f"grammar built                {time.perf_counter() - begun:6.3f} s")
    text = generated()
    source = Source("generated.hmm", text)
    begun = time.perf_counter()
    scan = language.scanner.scan(source)
    print(f"scanned, {len(scan.lexemes):,} lexemes      {time.perf_counter() - begun:6.3f} s")
    begun = time.perf_counter()
    diagnostics = Diagnostics()
    file = parse(source, diagnostics)
    seconds = time.perf_counter() - begun
    diagnostics.raise_if_errors()
    lines = text.count("\n")
    print(f"parsed, {lines:,} lines          {seconds:6.3f} s   {lines / seconds:10,.0f} lines/s")
    begun = time.perf_counter()
    format_file(file)
    print(f"formatted                    {time.perf_counter() - begun:6.3f} s")
    begun = time.perf_counter()
    sum(1 for _ in highlight(text))
    print(f"highlighted                  {time.perf_counter() - begun:6.3f} s")
    begun = time.perf_counter()
    broken = Diagnostics()
    parse(Source("broken.hmm", text.replace("T  -[1]-> S", "T  -[1] S", 10)), broken)
    print(f"parsed with {len(broken.found)} mistakes      {time.perf_counter() - begun:6.3f} s")


if __name__ == "__main__":
    main()
