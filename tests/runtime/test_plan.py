"""The plan: stages in an order that can run, and hashes of everything that changes what they make."""

from __future__ import annotations

from typing import Any

import pytest

from hmmdsl.analysis import kinds
from hmmdsl.language.elaborate import compile_text
from hmmdsl.runtime.plan import Plan, make_plan

SPEC = """
hmm golden(p = 1/2) {
  states A, B
  tokens 0, 1
  A -[1]-> B : p
  A -[0]-> A : rest
  B -[0]-> A
}
model net: transformer { layers = 1, d_model = 8, context = 4 }
train fit { process = golden(), model = net, steps = 10 }
analysis beliefs: regression { of = fit, target = belief, at = [concat] }
analysis geometry: distances { of = beliefs.concat, against = [belief] }
expect fit.gap < 1
"""


def plan_of(text: str = SPEC, **settings: Any) -> Plan:
    given = {name.replace("__", "."): str(value) for name, value in settings.items()}
    return make_plan(compile_text(text, "golden.hmm", kinds(), settings=given).experiment)


def hashes(plan: Plan) -> dict[str, str]:
    return {stage.id: stage.hash for stage in plan.stages}


def test_every_stage_comes_after_what_it_needs() -> None:
    seen: set[str] = set()
    for stage in plan_of().stages:
        assert set(stage.needs) <= seen
        seen.add(stage.id)
    assert {"train fit", "analysis beliefs", "analysis geometry", "figures of beliefs", "report"} <= seen


def test_the_same_spec_gives_the_same_hashes() -> None:
    assert plan_of() == plan_of()


@pytest.mark.parametrize("setting", ["fit__seed", "fit__threads", "fit__steps", "net__context"])
def test_what_changes_a_number_changes_the_hashes_from_there_on(setting: str) -> None:
    before, after = plan_of(), plan_of(**{setting: 3})
    assert before.hash != after.hash
    for stage in ("train fit", "analysis beliefs", "analysis geometry", "report"):
        assert hashes(before)[stage] != hashes(after)[stage]


def test_an_analysis_changes_neither_its_train_nor_its_process() -> None:
    before, after = hashes(plan_of()), hashes(plan_of(beliefs__intercept="false"))
    changed = {stage for stage in before if before[stage] != after[stage]}
    assert changed == {"analysis beliefs", "analysis geometry", "figures of beliefs", "figures of geometry", "report"}


@pytest.mark.parametrize("change", [("fit.gap < 1", "fit.gap < 2"), ("expect", 'experiment { title = "other" }\nexpect')])
def test_claims_and_title_change_the_report_alone(change: tuple[str, str]) -> None:
    before, after = plan_of(), plan_of(SPEC.replace(*change))
    assert before.folder_name == after.folder_name
    assert {stage for stage in hashes(before) if hashes(before)[stage] != hashes(after)[stage]} == {"report"}


def test_layout_and_comments_change_nothing() -> None:
    assert plan_of(SPEC.replace("p\n", "p   # a comment\n\n")) == plan_of()
