"""Specs and short cuts that several tests of elaboration share."""

from __future__ import annotations

from collections.abc import Mapping

from hmmdsl.analysis import kinds
from hmmdsl.language.diagnostics import Diagnostic, SpecError
from hmmdsl.language.elaborate import Compiled, compile_text
from tests.language import examples

RRXOR = """
hmm rrxor(p = 1/2, q = 1/2) {
  states S, S0, S1, T, F
  tokens 0, 1

  S  -[0]-> S0 : p
  S  -[1]-> S1 : 1 - p
  S0 -[0]-> F  : q
  S0 -[1]-> T  : rest
  S1 -[0]-> T  : q
  S1 -[1]-> F  : rest
  T  -[1]-> S
  F  -[0]-> S
}
"""

NET = "model net: transformer { layers = 4, heads = 1, d_head = 8, d_model = 64, d_mlp = 256, context = 10 }\n"
FIT = "train fit { process = rrxor(), model = net, steps = 1_200, optimizer = adamw { lr = 3e-3 } }\n"
BELIEFS = "analysis beliefs: regression { of = fit, at = [embedding, blocks, final_norm, concat], controls = [untrained] }\n"
RUN = RRXOR + NET + FIT
ALL = RUN + BELIEFS

DESIGN = examples.DESIGN[0] + "\nprofile smoke { fit.steps = 50 }\n"
"""The first example of the design, with a profile."""


def compiled(text: str, settings: Mapping[str, str] | None = None, profile: str | None = None) -> Compiled:
    """A spec that is right."""
    return compile_text(text, "spec.hmm", kinds(), settings=settings, profile=profile)


def messages(text: str, settings: Mapping[str, str] | None = None, profile: str | None = None) -> list[Diagnostic]:
    """All that is said of a spec, right or wrong."""
    try:
        return compiled(text, settings, profile).diagnostics
    except SpecError as error:
        return error.diagnostics


def only(text: str, settings: Mapping[str, str] | None = None, profile: str | None = None) -> Diagnostic:
    """The one message there is."""
    found = messages(text, settings, profile)
    assert len(found) == 1, [f"{d.code}: {d.message}" for d in found]
    return found[0]


def at(diagnostic: Diagnostic) -> str:
    """The text that a message underlines."""
    assert diagnostic.span is not None
    return diagnostic.span.text
