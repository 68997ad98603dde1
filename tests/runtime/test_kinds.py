"""Every kind of network from its spec through training and every analysis."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from hmmdsl.analysis import kinds
from hmmdsl.cli.progress import progress_on
from hmmdsl.language.diagnostics import SpecError
from hmmdsl.language.elaborate import compile_text
from hmmdsl.runtime.compute import Computed, compute
from hmmdsl.runtime.log import RunLog
from hmmdsl.runtime.plan import make_plan
from hmmdsl.runtime.stage import COMPUTED, NUMBERS, Cache, Makes, RunContext
from hmmdsl.runtime.store.store import Store
from hmmdsl.schema.analysis import Surroundings
from hmmdsl.schema.results import Group, ResultSchema, Series
from tests.runtime.trained_runs import PROCESS, RECORDS, spec_of

pytestmark = pytest.mark.trains


DRAWN = "lstm"
"""The kind whose figures are drawn here: it has every point that a network can have. `recurrent.hmm` draws those of all."""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Of the runs of all kinds: their process is described once."""
    return Store.private(tmp_path_factory.mktemp("kinds") / "store")


def computed(text: str, store: Store, makes: tuple[Makes, ...] = NUMBERS) -> Computed:
    compiled = compile_text(text, "spec.hmm", kinds())
    context = RunContext(Cache(store), progress_on(sys.stderr, True), RunLog(None))
    return compute(compiled, make_plan(compiled.experiment), context, makes=makes)


def assert_shaped(result: object, schema: ResultSchema) -> None:
    if isinstance(schema, Group):
        assert isinstance(result, dict)
        assert result.keys() == schema.members.keys()
        for name, member in schema.members.items():
            assert_shaped(result[name], member)
    elif isinstance(schema, Series):
        assert isinstance(result, list)
        assert schema.length is None or len(result) == schema.length
        for each in result:
            assert_shaped(each, schema.element)


@pytest.mark.parametrize("data", ["exact", "sampled { batch = 8 }"])
@pytest.mark.parametrize("kind", RECORDS)
def test_every_kind_trains_and_is_analysed(kind: str, data: str, store: Store, tmp_path: Path) -> None:
    text = spec_of(kind, data=data)
    first = computed(text, store, COMPUTED if (kind, data) == (DRAWN, "exact") else NUMBERS)
    found = first.results
    compiled = compile_text(text, "spec.hmm", kinds())
    experiment = compiled.experiment
    assert found["fit"]["parameters"] == experiment.models["net"].parameters(2)
    around = Surroundings(compiled.processes, experiment.models, experiment.trains, experiment.analyses)
    for name, analysis in experiment.analyses.items():
        assert_shaped(found[name], analysis.results(around))
    if data == "exact":
        again = computed(spec_of(kind, data=data).partition("analysis")[0], Store.private(tmp_path / "again"))
        assert again.results["fit"] == found["fit"]
        one, other = ((run.entry("train fit").folder / "step_4.safetensors").read_bytes() for run in (first, again))
        assert one == other


def problems(model: str, at: str) -> list[tuple[str, str]]:
    text = f"{PROCESS}model net: {model}\ntrain fit {{ process = golden_mean(), model = net }}\n"
    text += f"analysis beliefs: regression {{ of = fit, at = {at} }}\n"
    try:
        compile_text(text, "spec.hmm", kinds())
    except SpecError as error:
        return [(each.code, each.help) for each in error.diagnostics if each.severity == "error"]
    return []


@pytest.mark.parametrize(
    ("model", "at", "code", "told"),
    [
        ("gru { context = 8 }", "final_norm", "E0830", "`embedding`, `blocks` and `concat`"),
        ("gru { context = 8 }", "cells", "E0830", "`embedding`, `blocks` and `concat`"),
        ("gru { norm = rms_norm, context = 8 }", "cell { index = 0 }", "E0830", "`final_norm`"),
        ("transformer { context = 8 }", "[blocks, cells]", "E0830", "`final_norm` and `concat`"),
        ("mlp { context = 8 }", "embedding", "E0830", "`blocks` and `concat`"),
        ("mlp { context = 8 }", "concat { of = [embedding, blocks] }", "E0830", "`blocks` and `concat`"),
        ("ngram { n = 2, context = 8 }", "blocks", "E0830", "baseline"),
        ("ngram { n = 2, context = 8 }", "concat", "E0830", "baseline"),
        ("lstm { layers = 2, context = 8 }", "cell { index = 2 }", "E0821", "`cells`"),
        ("rnn { context = 8 }", "block { index = 1 }", "E0821", "`blocks`"),
    ],
)
def test_a_point_that_the_network_lacks_is_told_with_those_it_has(model: str, at: str, code: str, told: str) -> None:
    ((found, cure),) = problems(model, at)
    assert found == code
    assert told in cure


@pytest.mark.parametrize("model", [record for kind, record in RECORDS.items() if kind != "ngram"])
def test_blocks_and_concat_are_points_of_every_network_that_has_any(model: str) -> None:
    assert problems(model, "[blocks, concat]") == []


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("rnn { hidden_size = 8 }", "d_model"),
        ("rnn { num_layers = 2 }", "layers"),
        ("rnn { n_ctx = 8 }", "context"),
        ('rnn { nonlinearity = "relu" }', "activation"),
        ("ssm { state_size = 8 }", "d_state"),
        ("mlp { embedding_dim = 8 }", "d_embed"),
        ("mlp { window_size = 8 }", "window"),
        ("gru { heads = 2 }", "only a `transformer` has heads"),
        ("lstm { bidirectional = true }", "forwards"),
    ],
)
def test_the_ecosystems_names_lead_to_ours(theirs: str, ours: str) -> None:
    with pytest.raises(SpecError) as caught:
        compile_text(f"{PROCESS}model net: {theirs}\ntrain fit {{ process = golden_mean(), model = net }}\n", "s.hmm", kinds())
    assert ours in caught.value.diagnostics[0].help


def test_a_narrow_recurrent_network_is_warned_of_and_a_table_is_not() -> None:
    def codes(model: str) -> list[str]:
        text = f"import std.processes (rrxor)\nmodel net: {model}\ntrain fit {{ process = rrxor(), model = net }}\n"
        return [each.code for each in compile_text(text, "s.hmm", kinds()).diagnostics]

    assert codes("gru { d_model = 3, context = 5 }") == ["W0951"]
    assert codes("gru { d_model = 4, context = 5 }") == []
    assert codes("ngram { n = 2, context = 5 }") == []
