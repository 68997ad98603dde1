"""Experiments as YAML: they come back equal, can be compiled themselves, and what is wrong with one is told, never thrown."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from hmmdsl.analysis import kinds
from hmmdsl.language.compiled import Compiled, param_value
from hmmdsl.language.diagnostics import Diagnostic, SpecError
from hmmdsl.language.elaborate import compile_experiment, compile_file
from hmmdsl.language.experiment_file import compile_experiment_file, read_experiment, write_experiment
from hmmdsl.process.algebra.failure import DEEPEST_PARTS
from tests.language import random_specs
from tests.language.record_specs import DESIGN, NET, RRXOR, RUN, compiled

PUBLISHED = sorted((Path(__file__).parent.parent.parent / "specs").rglob("*.hmm"))
PARAMS = 'param eps = 0.02\nparam many = [1, 1/3]\nparam root = sqrt(2)\nparam yes = true\nparam word = "1/2 of it"\n'
SPECS = {
    "design": DESIGN,
    "empty": "",
    "params": PARAMS + RUN + "expect fit.gap < eps and yes and max(many) >= 1",
    "options": RRXOR
    + NET
    + """train fit { process = rrxor(1/3), model = net, data = sampled { batch = 8 }, optimizer = sgd, clip = 1e-5
  schedule = cosine { floor = 1/7 }, checkpoints = every { steps = 100 }, histories = sampled { words = 100 } }
analysis a: regression { of = fit, at = [block { index = 2 }, concat { of = [embedding] }], ridge = 1e-3, on = rrxor(1/5) }
""",
    "replicated": RUN + 'replicate { seeds = 2..6 }\nexpect "most" in 3 of 4: fit.gap < 1\nexpect fit.gap < 2\n',
    "parts": "import std.processes (coin)\n"
    + RRXOR
    + NET
    + """process tasks = mixture(A = coin(), B = relabel(rrxor(), [0 -> heads, 1 -> tails]), weights = [1/3, 2/3])
train fit { process = product(left = noise(tasks, 0.1), right = coin()), model = net }
""",
}


def assert_comes_back(first: Compiled) -> None:
    """What is written of an experiment is read as the same experiment, with the same processes, parts and claims."""
    text = write_experiment(first.experiment)
    again = compile_experiment(read_experiment(text, "experiment.yaml", kinds()), kinds())
    assert again.experiment == first.experiment
    assert write_experiment(again.experiment) == text
    assert again.processes == first.processes
    assert {name: p.parts for name, p in again.processes.items()} == {name: p.parts for name, p in first.processes.items()}
    assert [(c.label, c.text, c.reads, dict(c.constants), c.often) for c in again.claims] == [
        (c.label, c.text, c.reads, dict(c.constants), c.often) for c in first.claims
    ]


@pytest.mark.parametrize("name", SPECS)
def test_an_experiment_comes_back_equal(name: str) -> None:
    assert_comes_back(compiled(SPECS[name]))


@pytest.mark.parametrize("spec", PUBLISHED, ids=lambda spec: spec.stem)
def test_every_published_spec_comes_back(spec: Path) -> None:
    assert_comes_back(compile_file(spec, kinds()))


def nested(operation: str, levels: int) -> str:
    """A spec of a process that is made of a process that is made of …"""
    weights = ", weights = [1/2, 1/2]" if operation == "mixture" else ""
    one = "hmm one { states A; tokens x; A -[x]-> A }\nprocess p0 = one()\n"
    chain = "".join(f"process p{k} = {operation}(a = p{k - 1}, b = one(){weights})\n" for k in range(1, levels + 1))
    return f"{one}{chain}{NET}train fit {{ process = p{levels}, model = net, steps = 1 }}\n"


@pytest.mark.parametrize("operation", ["product", "mixture"])
def test_the_language_and_the_file_nest_processes_equally_deep(operation: str) -> None:
    assert_comes_back(compiled(nested(operation, DEEPEST_PARTS)))
    with pytest.raises(SpecError, match=f"E0332.*more than {DEEPEST_PARTS} deep"):
        compiled(nested(operation, DEEPEST_PARTS + 1))
    with pytest.raises(SpecError, match="E0332"):
        compiled(nested(operation, 300))


def test_a_product_of_products_has_a_limit_of_factors_also_where_they_cost_no_tokens() -> None:
    doubled = "".join(f"process p{k} = product(a = p{k - 1}, b = p{k - 1})\n" for k in range(1, 31))
    with pytest.raises(SpecError, match="8,192 factors, more than 4,096"):
        compiled("hmm one { states A; tokens x; A -[x]-> A }\nprocess p0 = one()\n" + doubled)


def _comes_back_if_right(text: str) -> None:
    try:
        first = compiled(text)
    except SpecError:
        assume(False)
    assert_comes_back(first)


@given(random_specs.processes)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
def test_every_process_comes_back_with_its_parts(process: str) -> None:
    _comes_back_if_right(random_specs.spec(process))


@given(random_specs.records, random_specs.params)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
def test_every_record_and_sweep_comes_back(record: str, param: tuple[str, str]) -> None:
    _comes_back_if_right(random_specs.spec("mixture(A = mess3(), B = coin(), weights = [1/3, 2/3])", record, param))


def test_settings_work_on_an_experiment_file(tmp_path: Path) -> None:
    path = tmp_path / "experiment.yaml"
    path.write_text(write_experiment(compiled(DESIGN).experiment))
    given_ = {"fit.steps": "1", "fit.optimizer.lr": "1/100", "net.layers": "5", "beliefs.controls": "[noise]"}
    experiment = compile_experiment_file(path, kinds(), settings=given_).experiment
    assert experiment.trains["fit"].steps == 1
    assert experiment.trains["fit"].optimizer.lr == 0.01
    assert experiment.models["net"].layers == 5
    with pytest.raises(SpecError, match="E0501"):
        compile_experiment_file(path, kinds(), settings={"fit.stepz": "1"})
    with pytest.raises(SpecError, match="E0520"):
        compile_experiment_file(path, kinds(), settings={"fitt.steps": "1"})


def mistakes(text: str) -> list[Diagnostic]:
    try:
        compile_experiment(read_experiment(text, "experiment.yaml", kinds()), kinds())
    except SpecError as error:
        return error.diagnostics
    return []


COIN = "{name: coin, tokens: [h, t], states: [A], transitions: [[0, 0, 0, 1/2], [1, 0, 0, 1/2]], start: ['1']}"
RIGHT = f"""name: coin
processes: {{coin: {COIN}}}
models: {{net: {{kind: transformer, layers: 1, context: 4}}}}
trains: {{fit: {{process: coin, model: net}}}}
analyses: {{a: {{kind: regression, of: fit, at: [blocks, concat]}}}}
expect: [{{claim: "fit.gap < 1"}}]
"""


def test_a_hand_written_experiment_is_read() -> None:
    assert mistakes(RIGHT) == []


@pytest.mark.parametrize(
    ("old", "new", "code", "place"),
    [
        ("name: coin\n", "name: [coin\n", "E0540", None),
        ("name: coin\n", "name: \t coin: 3\n", "E0540", None),
        ("name: coin\n", "", "E0503", None),
        (RIGHT, "- 1\n- 2\n", "E0542", None),
        (RIGHT, "", "E0542", None),
        ("name: coin\n", "name: ../coin\n", "E0542", "../coin"),
        ("name: coin\n", "name: .coin\n", "E0542", ".coin"),
        ("trains: {fit:", "trains: {../fit:", "E0542", None),
        ("layers: 1", "layers: many", "E0542", "many"),
        ("layers: 1", "layers: 0", "E0542", "0"),
        ("layers: 1", "n_layers: 1", "E0501", "n_layers"),
        ("layers: 1", "layers: 1, layers: 2", "E0542", None),
        ("layers: 1", "heads: 3", "E0542", None),
        ("kind: transformer", "kind: transformr", "E0542", None),
        ("kind: regression", "kind: regresion", "E0542", None),
        ("process: coin, model: net", "process: coin", "E0503", "{process: coin}"),
        ("model: net", "model: nett", "E0510", None),
        ("model: net", "model: coin", "E0511", None),
        ("of: fit", "of: fitt", "E0510", None),
        ("of: fit", "of: net", "E0511", None),
        ("1/2], [1, 0", "1/3], [1, 0", "E0543", None),
        ("[0, 0, 0, 1/2]", "[9, 0, 0, 1/2]", "E0543", None),
        ("[0, 0, 0, 1/2]", "[0, 0, 0, half]", "E0542", "half"),
        ("models: {net", "models: {fit", "E0202", None),
        ("fit.gap < 1", "fit.gapp < 1", "E0701", "gapp"),
        ("fit.gap < 1", "fit.gap <", "E0136", None),
        ("fit.gap < 1", "a.block[1].r2 < 1", "E0703", "[1]"),
        ("name: coin\n", "name: &x coin\nabout: {title: *x}\n", "E0541", None),
        ("name: coin\n", "name: " + "[" * 200 + "]" * 200 + "\n", "E0541", None),
        ("name: coin\n", "name: !!python/object:os.system x\n", "E0542", None),
        ("name: coin\n", "name: 2020-13-45\nversion: 2\n", "E0542", None),
        ("name: coin\n", "name: !!bool maybe\n", "E0542", None),
        ("name: coin\n", "name: !!int ''\n", "E0542", None),
        ("name: coin\n", "name: !!timestamp never\n", "E0542", None),
        ("name: coin\n", "name: 1" + ":1" * 100_000 + "\n", "E0542", None),  # base sixty
        ("[0, 0, 0, 1/2]", "[0, 0, 0, .nan]", "E0542", ".nan"),
        ("start: [", "start: [.nan, ", "E0542", ".nan"),
        ("tokens: [", "tokens: [x, x, ", "E0543", None),
        ("states: [", "states: [x, x, ", "E0543", None),
    ],
)
def test_a_wrong_experiment_is_told(old: str, new: str, code: str, place: str | None) -> None:
    assert old in RIGHT
    found = mistakes(RIGHT.replace(old, new, 1))
    assert code in {d.code for d in found}, [f"{d.code}: {d.message}" for d in found]
    if place is not None:
        assert place in [d.span.text for d in found if d.span is not None]
    assert all(d.message and d.help for d in found if d.code.startswith("E05"))


def test_a_param_of_a_huge_exponent_stays_text() -> None:
    experiment = read_experiment(RIGHT + "params: {a: '1e999999999', b: '1e-9'}\n", "experiment.yaml", kinds())
    assert param_value(experiment.params["a"]) == "1e999999999"
    assert param_value(experiment.params["b"]) == Fraction(1, 10**9)


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="E0540"):
        compile_experiment_file(tmp_path / "missing.yaml", kinds())
    (tmp_path / "latin.yaml").write_bytes(b"name: \xff")
    with pytest.raises(SpecError, match="E0540"):
        compile_experiment_file(tmp_path / "latin.yaml", kinds())
    with pytest.raises(SpecError, match="E0522"):
        read_experiment(RIGHT, "experiment.yaml", kinds(), profile="smoke")


@given(st.text(max_size=40) | st.binary(max_size=40).map(lambda data: data.decode("latin-1")))
@settings(max_examples=150, deadline=None)
def test_whatever_the_text_the_answer_is_diagnostics(text: str) -> None:
    assert mistakes(text) != []


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_a_damaged_experiment_gives_diagnostics(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(RIGHT)))
    length = data.draw(st.integers(0, 20))
    put = data.draw(st.sampled_from(["", "{", "]", ":", "- ", "*a", "!x ", "null", "1e999", ".nan", "'", "\x00", "fit"]))
    for found in mistakes(RIGHT[:at] + put + RIGHT[at + length :]):
        assert found.message
