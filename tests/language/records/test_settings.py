"""Params, profiles and `--set`: file, then profile, then settings; what leads nowhere is told with what is near."""

from __future__ import annotations

from fractions import Fraction

import pytest

from hmmdsl.language.messages.render import render
from hmmdsl.schema.train import SGD, AdamW, ExactData, SampledData
from tests.language.record_specs import ALL, BELIEFS, FIT, NET, RRXOR, RUN, at, compiled, messages, only

SMOKE = RUN + "profile smoke { fit.steps = 50, fit.optimizer.lr = 0.1 }\n"


class TestOrder:
    def test_the_file_speaks_first(self) -> None:
        assert compiled(SMOKE).experiment.trains["fit"].steps == 1200

    def test_a_profile_overrides_the_file(self) -> None:
        fit = compiled(SMOKE, profile="smoke").experiment.trains["fit"]
        assert (fit.steps, fit.optimizer.lr) == (50, 0.1)

    def test_settings_override_both(self) -> None:
        fit = compiled(SMOKE, {"fit.steps": "2 + 1"}, "smoke").experiment.trains["fit"]
        assert (fit.steps, fit.optimizer.lr) == (3, 0.1)


class TestFields:
    def test_a_field_inside_a_record_keeps_the_others(self) -> None:
        text = RRXOR + NET + "train fit { process = rrxor(), model = net, optimizer = adamw { lr = 1, weight_decay = 0.5 } }"
        assert compiled(text, {"fit.optimizer.lr": "1e-2"}).experiment.trains["fit"].optimizer == AdamW(lr=0.01, weight_decay=0.5)

    def test_a_field_inside_a_default(self) -> None:
        text = RRXOR + NET + "train fit { process = rrxor(), model = net }"
        assert compiled(text, {"fit.optimizer.lr": "1e-2"}).experiment.trains["fit"].optimizer == AdamW(lr=0.01)

    def test_a_field_inside_a_bare_tag(self) -> None:
        text = RRXOR + NET + "train fit { process = rrxor(), model = net, data = exact }"
        assert compiled(text, {"fit.data.withhold": "1/4"}).experiment.trains["fit"].data == ExactData(withhold=0.25)

    def test_another_kind_replaces_the_record(self) -> None:
        settings = {"fit.optimizer": "sgd { momentum = 0.5 }", "fit.optimizer.lr": "1"}
        assert compiled(RUN, settings).experiment.trains["fit"].optimizer == SGD(lr=1.0, momentum=0.5)
        assert compiled(RUN, {"fit.data": "sampled { batch = 8 }"}).experiment.trains["fit"].data == SampledData(batch=8)

    def test_lists_references_and_networks(self) -> None:
        settings = {"beliefs.at": "[concat]", "net.layers": "2", "fit.process": "rrxor(1/3)"}
        result = compiled(ALL, settings)
        assert len(result.experiment.analyses["beliefs"].at) == 1  # type: ignore[attr-defined]
        assert result.experiment.models["net"].layers == 2
        assert list(result.processes) == ["rrxor(p=1/3)"]

    def test_the_experiment_s_own_fields(self) -> None:
        assert compiled(RUN, {"experiment.title": '"short"'}).experiment.about.title == "short"
        text = 'experiment { title = "long" }\n' + RUN
        assert compiled(text, {"experiment.title": '"short"'}).experiment.about.title == "short"

    def test_claims_see_what_is_set(self) -> None:
        found = only(ALL + "expect beliefs.block[3].r2 > 0", {"net.layers": "2"})
        assert found.code == "E0703"


class TestParams:
    TEXT = "param eps = 0.02\nparam twice = 2 * eps\n" + RRXOR + NET + "train fit { process = rrxor(twice), model = net }\n"

    def test_a_param_has_its_value(self) -> None:
        assert compiled(self.TEXT).experiment.params == {"eps": "1/50", "twice": "1/25"}

    def test_what_depends_on_a_param_follows_it(self) -> None:
        result = compiled(self.TEXT, {"eps": "0.1"})
        assert result.experiment.params == {"eps": "1/10", "twice": "1/5"}
        assert next(iter(result.processes.values())).operators[0][0, 1] == Fraction(1, 5)

    def test_a_profile_may_set_a_param(self) -> None:
        assert compiled(self.TEXT + "profile wide { eps = 1/4 }", profile="wide").experiment.params["twice"] == "1/2"

    def test_a_claim_may_use_a_param(self) -> None:
        assert compiled(self.TEXT + "expect fit.gap < eps").claims[0].constants == {"eps": Fraction(1, 50)}


@pytest.mark.parametrize(
    ("name", "value", "code", "place"),
    [
        ("fitt.steps", "1", "E0520", "fitt"),
        ("fit", "1", "E0520", "fit"),
        ("eps", "1", "E0520", "eps"),
        ("rrxor.p", "1/3", "E0520", "rrxor"),
        ("fit..steps", "1", "E0520", "fit..steps"),
        ("", "1", "E0520", ""),
        ("fit[0]", "1", "E0520", "fit[0]"),
        ("fit.stepz", "1", "E0501", "stepz"),
        ("fit.steps", "0", "E0505", "0"),
        ("fit.steps", "many", "E0504", "many"),
        ("fit.steps.lr", "1", "E0521", "lr"),
        ("fit.optimizer.lrr", "1", "E0501", "lrr"),
        ("fit.optimizer", "adm", "E0508", "adm"),
        ("fit.model", "nett", "E0510", "nett"),
        ("fit.steps", "1/0", "E0401", "1/0"),
        ("net.heads", "3, d_model = 64", "E0102", ","),
    ],
)
def test_a_wrong_setting_is_told_at_its_place(name: str, value: str, code: str, place: str) -> None:
    found = messages(RUN, {name: value})
    assert len(found) == 1
    assert found[0].span is not None
    assert found[0].span.source.name == "--set"
    if code.startswith("E01"):
        assert found[0].code.startswith("E01")
    else:
        assert (found[0].code, at(found[0])) == (code, place)
    assert f"{name}={value}" in render(found[0])


class TestProfiles:
    def test_an_unknown_profile_is_told_with_the_nearest(self) -> None:
        found = only(SMOKE, profile="smok")
        assert found.code == "E0522"
        assert "smoke" in found.help
        assert only(RUN, profile="smoke").code == "E0522"

    def test_mistakes_of_a_profile_that_is_not_used_are_told(self) -> None:
        text = RUN + "profile smoke { fit.stepz = 50, fit.optimizer.lr = 0, net.heads = 3, net.d_head = none, zebra = 1 }"
        assert sorted(d.code for d in messages(text)) == ["E0501", "E0505", "E0520", "E0801"]

    def test_a_profile_that_is_not_used_changes_nothing(self) -> None:
        text = RUN + "profile other { fit.process = rrxor(1/3) }"
        assert list(compiled(text).processes) == ["rrxor"]

    def test_a_mistake_of_the_file_is_not_told_again_for_each_profile(self) -> None:
        text = RRXOR + NET + "train fit { process = rrxor(), model = net, steps = 0 }\n"
        text += "profile a { fit.seed = 1 }\nprofile b { fit.seed = 2 }"
        assert [d.code for d in messages(text)] == ["E0505"]

    def test_two_profiles_of_one_name(self) -> None:
        assert only(SMOKE + "profile smoke { fit.steps = 3 }").code == "E0202"

    def test_a_field_set_twice_in_one_profile(self) -> None:
        assert only(RUN + "profile smoke { fit.steps = 3, fit.steps = 4 }").code == "E0509"

    def test_a_profile_has_a_name_and_no_kind(self) -> None:
        assert only(RUN + "profile { fit.steps = 3 }").code == "E0221"
        assert only(RUN + "profile smoke: quick { fit.steps = 3 }").code == "E0222"


def test_the_setting_is_shown_as_it_was_typed() -> None:
    shown = render(only(RRXOR + NET + FIT + BELIEFS, {"fit.steps": "many"}))
    assert "--set:1:11" in shown
    assert "fit.steps=many" in shown
