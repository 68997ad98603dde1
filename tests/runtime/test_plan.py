"""The plan: stages in an order that can run, and hashes of everything that changes what they make."""

from __future__ import annotations

from typing import Any

import pytest

from hmmdsl.analysis import kinds
from hmmdsl.language.elaborate import compile_text
from hmmdsl.runtime import stage as stage_module
from hmmdsl.runtime.identity import device
from hmmdsl.runtime.identity.source_code import modules_of
from hmmdsl.runtime.plan import make_plan
from hmmdsl.runtime.stage import Plan
from tests.golden import GOLDEN

SPEC = (
    GOLDEN
    + """\
model net: transformer { layers = 1, d_model = 8, context = 4 }
train fit { process = golden(), model = net, steps = 10 }
analysis beliefs: regression { of = fit, target = belief, at = [concat] }
analysis geometry: distances { of = beliefs.concat, against = [belief] }
expect fit.gap < 1
"""
)


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


def test_a_probe_that_is_left_out_is_part_of_what_leaves_it_out() -> None:
    text = SPEC + "analysis less: regression { of = fit, target = next_token, at = concat, without = beliefs }\n"
    before = plan_of(text)
    assert "analysis beliefs" in next(stage for stage in before.stages if stage.id == "analysis less").needs
    for changed, value in (("beliefs__weights", "uniform"), ("less__directions", "readout")):
        after = hashes(plan_of(text, **{changed: value}))
        assert hashes(before)["analysis less"] != after["analysis less"]
        assert hashes(before)["train fit"] == after["train fit"]


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


RENAMED = SPEC.replace("fit", "fit2").replace("golden()", "gilded()").replace("hmm golden", "hmm gilded").replace("net", "small")


def test_a_renamed_train_is_the_same_train() -> None:
    before, after = hashes(plan_of()), hashes(plan_of(RENAMED))
    assert before["train fit"] == after["train fit2"]
    assert before["analysis beliefs"] == after["analysis beliefs"]
    assert before["analysis geometry"] == after["analysis geometry"]
    assert before["process golden"] == after["process gilded"]
    assert before["figures of fit"] != after["figures of fit2"], "a figure's caption says the name"


def test_a_renamed_analysis_is_the_same_analysis() -> None:
    """So are those that read it; figures and the report show names."""
    before, after = hashes(plan_of()), hashes(plan_of(SPEC.replace("beliefs", "known").replace("geometry", "far")))
    assert before["analysis beliefs"] == after["analysis known"]
    assert before["analysis geometry"] == after["analysis far"]
    assert before["figures of beliefs"] != after["figures of known"]


NUMBERS = {"train fit", "analysis beliefs", "analysis geometry"}
EDITS: list[tuple[str, str, str, set[str]]] = [
    # what is edited, from, to, and which of the stages that make numbers change
    ("probability", "p = 1/2", "p = 1/3", {"process golden", *NUMBERS}),
    ("arrow", "B -[0]-> A", "B -[1]-> A", {"process golden", *NUMBERS}),
    ("equal probability", "p = 1/2", "p = 2/4", set()),
    ("network", "d_model = 8", "d_model = 16", NUMBERS),
    ("context", "context = 4", "context = 5", NUMBERS),
    ("default written out", "d_model = 8", "d_model = 8, heads = 1", set()),
    ("steps", "steps = 10", "steps = 11", NUMBERS),
    ("seed", "steps = 10", "steps = 10, seed = 1", NUMBERS),
    ("threads", "steps = 10", "steps = 10, threads = 2", NUMBERS),
    ("rate", "steps = 10", "steps = 10, optimizer = adamw { lr = 1e-2 }", NUMBERS),
    ("checkpoints", "steps = 10", "steps = 10, checkpoints = every { steps = 5 }", NUMBERS),
    ("analysis", "at = [concat]", "at = [concat], intercept = false", {"analysis beliefs", "analysis geometry"}),
    ("control", "at = [concat]", "at = [concat], controls = [untrained]", {"analysis beliefs", "analysis geometry"}),
    ("analysis after another", "against = [belief]", "against = [belief, next_token]", {"analysis geometry"}),
    ("order of fields", "steps = 10", "steps=10; seed = 0", set()),
    ("claim", "fit.gap < 1", "fit.gap < 2", set()),
    ("comment", "expect", "# what it must show\nexpect", set()),
    ("title", "expect", 'experiment { title = "other" }\nexpect', set()),
    ("unused model", "expect", "model other: transformer { layers = 2 }\nexpect", set()),
    ("another train", "expect", "train more { process = golden(), model = net, steps = 5 }\nexpect", set()),
]


@pytest.mark.parametrize(("old", "new", "changed"), [edit[1:] for edit in EDITS], ids=[edit[0] for edit in EDITS])
def test_a_hash_changes_exactly_when_the_number_may(old: str, new: str, changed: set[str]) -> None:
    assert old in SPEC
    before, after = hashes(plan_of()), hashes(plan_of(SPEC.replace(old, new)))
    numbers = {"process golden", *NUMBERS}
    assert {stage_id for stage_id in numbers if before[stage_id] != after[stage_id]} == changed


def test_the_device_that_auto_means_is_what_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "_has_mps", lambda: False)
    for there, means in ((False, "cpu"), (True, "cuda")):
        monkeypatch.setattr(device, "_has_cuda", lambda there=there: there)
        assert device.device_type("auto") == means
    with_cuda = hashes(plan_of())
    monkeypatch.setattr(device, "_has_cuda", lambda: False)
    assert hashes(plan_of())["train fit"] != with_cuda["train fit"]


def test_the_device_is_the_one_that_torch_would_choose() -> None:
    from hmmdsl.training.device import choose_device

    assert device.device_type("auto") == choose_device("auto").type


def test_the_text_of_the_spec_changes_the_report_alone() -> None:
    experiment = compile_text(SPEC, "golden.hmm", kinds(), settings={}).experiment
    one, other = hashes(make_plan(experiment, SPEC)), hashes(make_plan(experiment, SPEC + "# a comment\n"))
    assert {stage_id for stage_id in one if one[stage_id] != other[stage_id]} == {"report"}


def test_versions_change_what_they_can_change(monkeypatch: pytest.MonkeyPatch) -> None:
    before = hashes(plan_of())
    real = stage_module.versions

    def other(packages: tuple[str, ...], numbers: bool) -> dict[str, str]:
        return {**real(packages, numbers), **({"matplotlib": "0"} if "matplotlib" in packages else {})}

    monkeypatch.setattr(stage_module, "versions", other)
    after = hashes(plan_of())
    assert {stage_id for stage_id in before if before[stage_id] != after[stage_id]} == {
        stage_id for stage_id in before if stage_id.startswith(("figures", "report"))
    }


def test_source_code_changes_what_runs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    before = hashes(plan_of())
    real = stage_module.source_hash

    def edited(roots: tuple[str, ...], beside: tuple[str, ...] = ()) -> str:
        touched = "hmmdsl.analysis.fitting.least_squares" in modules_of(roots)
        return real(roots, beside) + ("edited" if touched else "")

    monkeypatch.setattr(stage_module, "source_hash", edited)
    after = hashes(plan_of())
    changed = {stage_id for stage_id in before if before[stage_id] != after[stage_id]}
    assert {"analysis beliefs", "analysis geometry"} <= changed
    assert not changed & {"train fit", "process golden", "figures of fit", "figures of golden"}
