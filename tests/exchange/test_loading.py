"""A finished run in Python, and its networks in other programs."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

import hmmdsl
from hmmdsl.exchange.loading import LoadedRun
from hmmdsl.exchange.network_export.transformer_lens import configuration, hooked_transformer, weights
from hmmdsl.runtime.failures import OutputError
from hmmdsl.schema.models.transformer import Transformer
from tests.command_line import command_line
from tests.models.networks import KINDS, wide

SPEC = """import std.processes (golden_mean)

model net: transformer { layers = 2, heads = 2, d_head = 3, d_model = 8, d_mlp = 8, context = 5 }
model gated: gru { d_model = 6, context = 5 }

train fit {
  process = golden_mean(), model = net
  steps   = 6, checkpoints = every { steps = 3 }
}
train recurrent { process = golden_mean(), model = gated, steps = 2 }

analysis positions: loss { of = fit }

expect fit.gap < 10
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("loading")
    (where / "small.hmm").write_text(SPEC)
    done = command_line(where, "run", "small.hmm", "--quiet", "--json")
    assert done.returncode == 0, done.stderr
    return where / json.loads(done.stdout)["folder"]


@pytest.fixture
def run(folder: Path) -> LoadedRun:
    return hmmdsl.load_run(folder)


def test_a_run_gives_its_spec_experiment_claims_and_results(run: LoadedRun, folder: Path) -> None:
    assert run.spec == SPEC
    assert set(run.experiment.trains) == {"fit", "recurrent"}
    assert [process.tokens for process in run.processes.values()] == [("0", "1")]
    assert run.results == json.loads((folder / "results.json").read_text())
    assert [claim.holds for claim in run.claims] == [True]
    assert repr(run) == f"<run {folder.name}: trained fit, recurrent; 1 of 1 claims hold>"


def test_networks_of_every_checkpoint_predict_as_the_results_say(run: LoadedRun) -> None:
    trained = run.train("fit")
    assert trained.steps == (0, 3, 6)
    tree = run.tree("fit")
    for name in ("fit", "recurrent"):
        log_p = run.train(name).log_probabilities()
        position = np.array([np.mean(tree.length == k) for k in range(1, 6)])
        assert position.sum() == pytest.approx(1)
        cross = -(tree.next_token * log_p).sum(axis=1)
        loss = np.mean([(cross * tree.probability)[tree.length == k].sum() for k in range(1, 6)])
        assert loss == pytest.approx(run.results[name]["loss"], abs=1e-12)
    first, last = run.network("fit", 0).state_dict(), run.network("fit").state_dict()
    assert any(not torch.equal(first[key], last[key]) for key in first)


def test_activations_are_those_of_the_network_on_the_histories(run: LoadedRun) -> None:
    found = run.activations("recurrent")
    assert list(found) == ["embedding", "block[0]"]
    assert found["block[0]"].shape == (len(run.tree("recurrent")), 6)
    by_hand = run.network("recurrent").residuals(torch.tensor([[1, 0, 1, 0, 0]]))["block[0]"][0]
    from hmmdsl.process.history_tree import words_of

    words = words_of(run.tree("recurrent"))
    (row,) = np.flatnonzero((words == [1, 0, 1, -1, -1]).all(axis=1))
    np.testing.assert_allclose(found["block[0]"][row], by_hand[2].numpy(), atol=1e-6)


def test_the_learning_curve_is_that_of_the_training(run: LoadedRun) -> None:
    curve = run.train("fit").curve
    assert [point.step for point in curve] == list(range(6))
    # Before the first step all histories are read with the initial weights: that loss is told by the checkpoint.
    tree, log_p = run.tree("fit"), run.train("fit").log_probabilities(step=0)
    first = float((tree.probability / tree.positions) @ -(tree.next_token * log_p).sum(axis=1))
    assert curve[0].loss == pytest.approx(first, rel=1e-5)
    assert len(run.train("recurrent").curve) == 2


def test_what_is_not_there_is_said(run: LoadedRun, tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="2 trains: name one; there are fit, recurrent"):
        run.network()
    with pytest.raises(KeyError, match="no train 'fitt'"):
        run.tree("fitt")
    with pytest.raises(KeyError, match="no checkpoint at step 4; there are 0, 3, 6"):
        run.network("fit", 4)
    with pytest.raises(KeyError, match="no analysis 'beliefs'"):
        run.arrays("beliefs")
    with pytest.raises(OutputError, match="is not a finished run"):
        hmmdsl.load_run(tmp_path)


# ---------------------------------------------------------------- other programs


def test_safetensors_hold_the_weights_and_say_what_they_are(folder: Path, tmp_path: Path, run: LoadedRun) -> None:
    done = command_line(tmp_path, "export", folder, "recurrent", "--to", "safetensors", "--step", "0")
    assert (done.returncode, done.stdout) == (0, "wrote recurrent.safetensors: a 1-layer GRU, recurrent after 0 steps\n")
    state = load_file(tmp_path / "recurrent.safetensors")
    ours = run.network("recurrent", 0).state_dict()
    assert state.keys() == ours.keys()
    assert all(torch.equal(state[key], ours[key]) for key in state)
    with safe_open(tmp_path / "recurrent.safetensors", "pt") as file:
        about = file.metadata()
    assert json.loads(about["model"])["kind"] == "gru"
    assert (json.loads(about["tokens"]), about["step"]) == (["0", "1"], "0")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--to", "safetensors"], "has 2 trains: name one"),
        (["recurrent", "--to", "transformer_lens"], "TransformerLens holds transformers, and this is a 1-layer GRU"),
        (["fit", "--to", "safetensors", "--step", "5"], "no checkpoint at step 5"),
        (["fit", "--to", "safetensors", "--out", "none/such/x.safetensors"], "can't be written"),
        (["fit", "--to", "transformer_lens", "--out", "."], "is there and something else"),
    ],
)
def test_what_cannot_be_exported_is_said(arguments: list[str], told: str, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("")
    done = command_line(tmp_path, "export", folder, *arguments)
    assert done.returncode == 2
    assert told in done.stderr
    assert [each.name for each in tmp_path.iterdir()] == ["mine.txt"]


def test_a_folder_for_transformer_lens_has_its_configuration_and_weights(folder: Path, tmp_path: Path, run: LoadedRun) -> None:
    done = command_line(tmp_path, "export", folder, "fit", "--to", "transformer_lens", "--out", "lens")
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "lens/config.json").read_text()) == configuration(run.network("fit"))
    written = load_file(tmp_path / "lens/model.safetensors")
    assert written["blocks.1.attn.W_Q"].shape == (2, 8, 3)
    assert all(torch.equal(written[key], value) for key, value in weights(run.network("fit")).items())


def from_their_formulas(network: torch.nn.Module, words: torch.Tensor) -> torch.Tensor:
    """Logits from HookedTransformer's weights, configuration and documented formulas (layer norm, learned positions, relu)."""
    given, about = weights(network), configuration(network)
    x = given["embed.W_E"][words] + given["pos_embed.W_pos"][: words.shape[1]]
    past = torch.ones(words.shape[1], words.shape[1]).tril().bool()

    def normed(x: torch.Tensor, name: str) -> torch.Tensor:
        centred = x - x.mean(-1, keepdim=True)
        return centred / (centred.pow(2).mean(-1, keepdim=True) + about["eps"]).sqrt() * given[f"{name}.w"] + given[f"{name}.b"]

    for i in range(about["n_layers"]):
        part = {name.removeprefix(f"blocks.{i}."): value for name, value in given.items() if name.startswith(f"blocks.{i}.")}
        u = normed(x, f"blocks.{i}.ln1")
        q, k, v = (torch.einsum("bpd,hde->bphe", u, part[f"attn.W_{c}"]) + part[f"attn.b_{c}"] for c in "QKV")
        scores = torch.einsum("bqhe,bkhe->bhqk", q, k) / about["d_head"] ** 0.5
        z = torch.einsum("bhqk,bkhe->bqhe", scores.masked_fill(~past, -torch.inf).softmax(-1), v)
        x = x + torch.einsum("bqhe,hed->bqd", z, part["attn.W_O"]) + part["attn.b_O"]
        hidden = (normed(x, f"blocks.{i}.ln2") @ part["mlp.W_in"] + part["mlp.b_in"]).relu()
        x = x + hidden @ part["mlp.W_out"] + part["mlp.b_out"]
    return normed(x, "ln_final") @ given["unembed.W_U"] + given["unembed.b_U"]


def test_their_formulas_with_their_weights_give_our_logits() -> None:
    network = wide(Transformer(layers=2, heads=3, d_model=10, d_head=4, d_mlp=9, context=6, initial_sd=0.4), 3)
    words = torch.tensor(np.random.default_rng(0).integers(0, 3, (5, 6)))
    with torch.no_grad():
        torch.testing.assert_close(from_their_formulas(network, words), network(words), atol=1e-5, rtol=1e-5)


NORMS, POSITIONS = ("layer_norm", "rms_norm", "none"), ("learned", "sinusoidal", "rotary", "none")


@pytest.mark.parametrize(("norm", "positions"), list(product(NORMS, POSITIONS)))
def test_a_hooked_transformer_has_the_same_logits(norm: str, positions: str) -> None:
    lens = pytest.importorskip("transformer_lens", reason="the extra transformer_lens is not installed")
    if not hasattr(lens, "HookedTransformer"):
        pytest.skip("this TransformerLens has no HookedTransformer")
    words = torch.tensor(np.random.default_rng(0).integers(0, 3, (5, 6)))
    for heads, attention_only, bos, activation in product((1, 3), (False, True), (False, True), ("relu", "gelu")):
        spec = Transformer(
            layers=2,
            heads=heads,
            d_model=12,
            d_head=4,
            d_mlp=9,
            context=6,
            norm=norm,
            positions=positions,
            attention_only=attention_only,
            bos=bos,
            activation=activation,
            initial_sd=0.4,
        )
        network = wide(spec, 3)
        given = torch.cat([torch.full((5, 1), 3), words], dim=1) if bos else words
        with torch.no_grad():
            torch.testing.assert_close(hooked_transformer(network)(given), network(words), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_an_onnx_graph_has_the_same_logits_for_any_number_of_words(kind: str) -> None:
    onnx = pytest.importorskip("onnx", reason="the extra onnx is not installed")
    pytest.importorskip("onnxscript", reason="the extra onnx is not installed")
    from onnx.reference import ReferenceEvaluator

    from hmmdsl.exchange.network_export.onnx import onnx_bytes

    network = wide(KINDS[kind], 3)
    graph = ReferenceEvaluator(onnx.load_from_string(onnx_bytes(network)))
    for count in (1, 7):
        words = np.random.default_rng(count).integers(0, 3, (count, 5))
        (logits,) = graph.run(None, {"tokens": words})
        with torch.no_grad():
            np.testing.assert_allclose(logits, network(torch.tensor(words)).numpy(), atol=1e-5)
