"""Records: what a value means is decided by its field, and each mistake is told at its place."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmmdsl.schema.fields import fields_of
from hmmdsl.schema.models.transformer import Transformer
from hmmdsl.schema.train import SGD, AdamW, Cosine, Every, ExactData, SampledData, Train
from tests.language.record_specs import ALL, BELIEFS, FIT, NET, RRXOR, RUN, at, compiled, messages, only


def train(fields: str) -> Train:
    return compiled(RRXOR + NET + f"train fit {{ process = rrxor(), model = net, {fields} }}").experiment.trains["fit"]


def model(fields: str) -> Transformer:
    text = RRXOR + f"model net: transformer {{ {fields} }}\n" + FIT
    return compiled(text).experiment.models["net"]


class TestValues:
    def test_numbers_are_constant_expressions(self) -> None:
        text = "param n = 3\n" + RRXOR + "model net: transformer { layers = 2 * n - 1, d_model = 2^5 }\n" + FIT
        network = compiled(text).experiment.models["net"]
        assert (network.layers, network.d_model) == (5, 32)

    def test_the_same_word_means_what_its_field_says(self) -> None:
        text = "param none = 3\n" + RRXOR + "model net: transformer { norm = none, positions = none }\n" + FIT
        network = compiled(text).experiment.models["net"]
        assert (network.norm, network.positions) == ("none", "none")

    def test_a_bare_tag_is_a_record_with_its_defaults(self) -> None:
        assert train("data = sampled").data == SampledData() == train("data = sampled {}").data
        assert train("data = exact").data == ExactData()

    def test_tagged_records_choose_their_schema(self) -> None:
        assert train("optimizer = sgd { lr = 1/100, momentum = 0.9 }").optimizer == SGD(lr=0.01, momentum=0.9)
        assert train("schedule = cosine { floor = 1/4 }").schedule == Cosine(floor=0.25)
        assert train("checkpoints = every { steps = 10 }").checkpoints == Every(steps=10)
        assert train("optimizer = adamw { betas = [1/2, 0.99] }").optimizer == AdamW(betas=(0.5, 0.99))
        assert train("optimizer = adamw { betas = linspace(0, 1/2, 2) }").optimizer == AdamW(betas=(0.0, 0.5))
        assert train("checkpoints = [1, 10], steps = 10").checkpoints == (1, 10)
        assert train("checkpoints = 2 * linspace(0, 4, 5), steps = 10").checkpoints == (0, 2, 4, 6, 8)

    def test_a_field_that_may_be_left_out_takes_none(self) -> None:
        assert train("clip = none").clip is None
        assert train("clip = 1").clip == 1.0

    def test_truth_values_may_be_constants(self) -> None:
        assert model("bos = 1 < 2").bos is True
        assert model("bos = false").bos is False

    def test_a_list_mixes_words_and_tagged_records(self) -> None:
        analysis = compiled(
            RUN + "analysis a: regression { of = fit, at = [embedding, concat { of = [blocks] }] }"
        ).experiment.analyses["a"]
        assert [point.kind for point in analysis.at] == ["embedding", "concat"]  # type: ignore[attr-defined]

    def test_one_or_several_is_not_none(self) -> None:
        assert only(RUN + "analysis a: regression { of = fit, target = [] }").code == "E0513"

    def test_a_field_that_takes_one_or_several(self) -> None:
        one = compiled(RUN + "analysis a: regression { of = fit, target = belief }").experiment.analyses["a"]
        many = compiled(RUN + "analysis a: regression { of = fit, target = [belief, next_token] }").experiment.analyses["a"]
        assert one.target == "belief"  # type: ignore[attr-defined]
        assert many.target == ("belief", "next_token")  # type: ignore[attr-defined]


class TestProcesses:
    def test_a_call_is_entered_under_its_text(self) -> None:
        text = RRXOR + NET + "train fit { process = rrxor(1/3), model = net }"
        assert list(compiled(text).processes) == ["rrxor(p=1/3)"]

    def test_equal_calls_share_one_process(self) -> None:
        text = RRXOR + NET + "train a { process = rrxor(1/3), model = net }\ntrain b { process = rrxor(p = 1/3), model = net }"
        result = compiled(text)
        assert len(result.processes) == 1
        assert result.experiment.trains["a"].process == result.experiment.trains["b"].process

    def test_a_named_process_keeps_its_name(self) -> None:
        text = RRXOR + "process skewed = rrxor(1/3)\n" + NET + "train fit { process = skewed, model = net }"
        result = compiled(text)
        assert list(result.processes) == ["skewed"]
        assert result.experiment.trains["fit"].process == "skewed"

    def test_the_standard_library_is_offered(self) -> None:
        found = only(NET + "train fit { process = rrxor(), model = net }")
        assert found.code == "E0510"
        assert "import std.processes (rrxor)" in found.help


@pytest.mark.parametrize(
    ("fields", "code", "place"),
    [
        ("layers = 0", "E0505", "0"),
        ("layers = -1 + 0", "E0505", "-1 + 0"),
        ("layers = 10^100", "E0505", "10^100"),
        ("layers = 5/2", "E0507", "5/2"),
        ("layers = sqrt(2)", "E0507", "sqrt(2)"),
        ('layers = "4"', "E0504", '"4"'),
        ("layers = [4]", "E0504", "[4]"),
        ("layers = many", "E0504", "many"),
        ("layers = true", "E0504", "true"),
        ("layers = relu { }", "E0504", "relu { }"),
        ("layers = 1i", "E0504", "1i"),
        ("layers = 1/0", "E0401", "1/0"),
        ("activation = rel", "E0506", "rel"),
        ("activation = 3", "E0504", "3"),
        ("bos = yes", "E0504", "yes"),
        ("bos = 1", "E0504", "1"),
        ("bos = 1 + 1", "E0504", "1 + 1"),
        ("n_layers = 4", "E0501", "n_layers"),
        ("kind = transformer", "E0501", "kind"),
        ("layers = 1, layers = 2", "E0509", "layers"),
        ("heads = 3", "E0801", "3"),
        ("d_head = 5, positions = rotary", "E0802", "rotary"),
        ("layers(4)", "E0515", "layers(4)"),
        ("layers[0] = 4", "E0514", "[0]"),
        ("layers.x = 4", "E0521", "x"),
        ("initial_sd = 10^1000", "E0505", "10^1000"),
    ],
)
def test_a_wrong_field_of_a_network(fields: str, code: str, place: str) -> None:
    text = RRXOR + f"model net: transformer {{ {fields} }}\n" + FIT + "expect fit.gap < 1"
    found = only(text)
    assert (found.code, at(found)) == (code, place)
    assert found.help


@pytest.mark.parametrize(
    ("fields", "code", "place"),
    [
        ("model = net", "E0503", "fit"),
        ("process = rrxor(), model = nett", "E0510", "nett"),
        ("process = rrxo(), model = net", "E0510", "rrxo"),
        ("process = net, model = net", "E0511", "net"),
        ("process = rrxor(), model = rrxor", "E0511", "rrxor"),
        ("process = rrxor(), model = fit", "E0511", "fit"),
        ("process = 3, model = net", "E0504", "3"),
        ("process = pi, model = net", "E0510", "pi"),
        ("process = rrxor, model = net", "E0207", "rrxor"),
        ("process = rrxor(2), model = net", "E0302", "p"),
        ('process = rrxor(), model = "net"', "E0504", '"net"'),
        ("process = rrxor(), model = net.layers", "E0504", "net.layers"),
        ("process = rrxor(), model = net, optimizer = adm { lr = 1 }", "E0508", "adm"),
        ("process = rrxor(), model = net, optimizer = adm", "E0508", "adm"),
        ("process = rrxor(), model = net, optimizer = adamw(lr = 1)", "E0504", "adamw(lr = 1)"),
        ("process = rrxor(), model = net, optimizer = 3", "E0504", "3"),
        ("process = rrxor(), model = net, optimizer = adamw { lr = 0 }", "E0505", "0"),
        ("process = rrxor(), model = net, optimizer = adamw { betas = [0.9] }", "E0513", "[0.9]"),
        ("process = rrxor(), model = net, optimizer = adamw { betas = [0.9, 2] }", "E0519", "adamw { betas = [0.9, 2] }"),
        ("process = rrxor(), model = net, optimizer = adamw { betas = 0.9 }", "E0504", "0.9"),
        ("process = rrxor(), model = net, data = sampled { batch_size = 3 }", "E0501", "batch_size"),
        ("process = rrxor(), model = net, optimizer = adamw { betas = linspace(0, 1, 3) }", "E0513", "linspace(0, 1, 3)"),
        ("process = rrxor(), model = net, optimizer = adamw { betas = max(0.1, 0.9) }", "E0504", "max(0.1, 0.9)"),
        ("process = rrxor(), model = net, checkpoints = every", "E0503", "every"),
        ("process = rrxor(), model = net, checkpoints = []", "E0513", "[]"),
        ("process = rrxor(), model = net, checkpoints = linspace(0, 1, 3)", "E0507", "linspace(0, 1, 3)"),
        ("process = rrxor(), model = net, steps = 9, checkpoints = [3, 10]", "E0519", "[3, 10]"),
        (
            "process = rrxor(), model = net, steps = 100_000_000, checkpoints = every { steps = 1 }",
            "E0519",
            "every { steps = 1 }",
        ),
        ("process = rrxor(), model = net, clip = 0", "E0505", "0"),
        ("process = rrxor(), model = net, clip = low", "E0504", "low"),
    ],
)
def test_a_wrong_field_of_a_training_run(fields: str, code: str, place: str) -> None:
    found = messages(RRXOR + NET + f"train fit {{ {fields} }}\nexpect fit.gap < 1")
    assert [(d.code, at(d)) for d in found][:1] == [(code, place)] or code == "E0302"
    assert [d for d in found if d.code.startswith(("E05", "E07"))][1:] == []


@pytest.mark.parametrize(
    ("other", "ours", "text"),
    [
        ("n_layers", "layers", "model net: transformer { n_layers = 4 }"),
        ("n_heads", "heads", "model net: transformer { n_heads = 4 }"),
        ("n_ctx", "context", "model net: transformer { n_ctx = 4 }"),
        ("act_fn", "activation", "model net: transformer { act_fn = relu }"),
        ("d_vocab", "the vocabulary comes from the process", "model net: transformer { d_vocab = 2 }"),
        ("epochs", "steps", RRXOR + NET + "train fit { process = rrxor(), model = net, epochs = 3 }"),
        (
            "learning_rate",
            "lr",
            RRXOR + NET + "train fit { process = rrxor(), model = net, optimizer = adamw { learning_rate = 1 } }",
        ),
        ("learning_rate", "adamw { lr", RRXOR + NET + "train fit { process = rrxor(), model = net, learning_rate = 1 }"),
        ("batch_size", "batch", RRXOR + NET + "train fit { process = rrxor(), model = net, data = sampled { batch_size = 1 } }"),
        ("fit_intercept", "intercept", RUN + "analysis a: regression { of = fit, fit_intercept = false }"),
    ],
)
def test_words_of_other_libraries_lead_to_ours(other: str, ours: str, text: str) -> None:
    found = only(text)
    assert found.code == "E0501"
    assert at(found) == other
    assert ours in found.help


class TestReferences:
    def test_the_nearest_result_is_offered(self) -> None:
        found = only(ALL + "analysis g: distances { of = beliefs.concatt }")
        assert (found.code, at(found)) == ("E0516", "concatt")
        assert "concat" in found.help

    def test_declarations_may_stand_in_any_order(self) -> None:
        text = "analysis g: distances { of = beliefs.concat }\n" + BELIEFS + FIT + NET + RRXOR
        assert list(compiled(text).experiment.analyses) == ["beliefs", "g"]

    def test_a_circle_is_told_once(self) -> None:
        found = messages(RUN + "analysis a: distances { of = b }\nanalysis b: distances { of = a }")
        assert [d.code for d in found] == ["E0517"]

    def test_a_wrong_network_is_told_once(self) -> None:
        text = RRXOR + "model net: transformer { layers = 0 }\n" + FIT + BELIEFS + "expect beliefs.concat.r2 > fit.gap"
        assert [d.code for d in messages(text)] == ["E0505"]

    def test_a_wrong_analysis_is_told_once(self) -> None:
        text = (
            RUN + "analysis a: regression { of = fit, at = [blcks] }\nanalysis g: distances { of = a.concat }\nexpect g.r2 > 0.9"
        )
        assert [d.code for d in messages(text)] == ["E0508"]

    def test_a_wrong_param_is_told_once(self) -> None:
        text = "param s = 1/0\n" + RRXOR + NET + "train fit { process = rrxor(), model = net, steps = s }\nexpect fit.gap < s"
        assert [d.code for d in messages(text)] == ["E0401"]

    def test_a_declaration_lost_to_a_syntax_error_is_not_unknown(self) -> None:
        text = RRXOR + "model net: transformer { layers = = 4 }\n" + FIT + "expect fit.gap < 1"
        assert all(d.code.startswith("E01") for d in messages(text))


words = st.sampled_from(
    [
        "relu",
        "none",
        "adamw",
        "exact",
        "net",
        "fit",
        "rrxor",
        "rrxor()",
        "true",
        "many",
        "beliefs.concat",
        "beliefs.block[0]",
        "pi",
    ]
)
numbers = st.one_of(
    st.integers(-(10**30), 10**30).map(str),
    st.floats(0, 1e300).map(repr),
    st.sampled_from(["1/3", "2^0.5", "1/0", "1i", "-1", "10^400"]),
)
leaves = st.one_of(
    words, numbers, st.sampled_from(['"text"', "0..3", "a -> b", "(1, 2)", "if 1 < 2 then 3 else 4", "f(x)", "not true"])
)
values = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: "[" + ", ".join(items) + "]"),
        st.tuples(st.sampled_from(["adamw", "exact", "sampled", "concat", "every", "held_out", "zebra"]), inner).map(
            lambda pair: f"{pair[0]} {{ lr = {pair[1]} }}"
        ),
    ),
    max_leaves=4,
)
keys = st.sampled_from(
    [
        *fields_of(Transformer),
        *fields_of(Train),
        "of",
        "at",
        "target",
        "controls",
        "ridge",
        "against",
        "on",
        "optimizer.lr",
        "zebra",
        "data.batch",
    ]
)


@given(
    st.sampled_from(
        ["model x: transformer", "train x", "analysis x: regression", "analysis x: distances", "experiment", "zebra x"]
    ),
    st.lists(st.tuples(keys, values), max_size=4),
)
@settings(max_examples=150, deadline=None)
def test_whatever_a_record_holds_the_answer_is_diagnostics(header: str, fields: list[tuple[str, str]]) -> None:
    text = ALL + header + " {\n" + "\n".join(f"{key} = {value}" for key, value in fields) + "\n}\n"
    for found in messages(text):
        assert found.message
        assert found.code[1:].isdigit()
