"""A generated spec of 5,000 lines: seconds to parse it, and to make an experiment of it. At most 2 s are wanted, theory apart.

Run: python -m tests.benchmarks.bench_elaborate
"""

from __future__ import annotations

from time import perf_counter

from hmmdsl.analysis import kinds
from hmmdsl.language.diagnostics import Diagnostics
from hmmdsl.language.elaborate import compile_text
from hmmdsl.language.parser import parse
from hmmdsl.language.source import Source

HEADER = "import std.processes (rrxor)\n"
BLOCK = """
model net{i}: transformer {{
  layers = 2
  heads = 1
  d_model = 16
  context = {context}
}}
train fit{i} {{
  process = rrxor(1/{denominator})
  model = net{i}
  steps = 100
  optimizer = adamw {{ lr = 3e-3 }}
}}
analysis seen{i}: regression {{
  of = fit{i}
  at = [blocks, concat]
  controls = [held_out, untrained, shuffled {{ repeats = 3 }}]
}}
expect fit{i}.gap < 0.1
expect seen{i}.concat.r2 > max(seen{i}.block[..].r2) + 0.01
expect "above shuffled": all(seen{i}.block[..].shuffled.r2.mean > 0)
"""
LINES = 5000


def main() -> None:
    """Print seconds for the whole, and for the parser alone."""
    blocks = LINES // BLOCK.count("\n")
    text = HEADER + "".join(BLOCK.format(i=i, context=3 + i % 8, denominator=i % 20 + 2) for i in range(blocks))
    compile_text(HEADER, "warm.hmm", kinds())
    start = perf_counter()
    parse(Source("generated.hmm", text), Diagnostics())
    parsed = perf_counter()
    result = compile_text(text, "generated.hmm", kinds())
    done = perf_counter()
    print(f"{text.count(chr(10)):,} lines, {len(result.claims)} claims")
    print(f"parse               {parsed - start:.2f} s")
    print(f"parse and elaborate {done - parsed:.2f} s (at most 2)")


if __name__ == "__main__":
    main()
