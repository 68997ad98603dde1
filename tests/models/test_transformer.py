"""The network on words, on trees, and beside an independent implementation."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
from torch import nn

from hmmdsl.models.layout import tree_layout, tree_layouts
from hmmdsl.models.transformer import TransformerNetwork
from hmmdsl.process.history_tree import ancestors, build_history_tree, words_of
from hmmdsl.process.process import Process
from hmmdsl.process.sampling import sample_words
from hmmdsl.schema.models.transformer import Transformer
from tests.models.networks import wide

SMALL = {"layers": 2, "d_model": 12, "d_head": 4, "d_mlp": 20, "context": 6, "initial_sd": 0.4}


OPTIONS = [
    {"norm": norm, "positions": positions, "heads": heads, "attention_only": attention_only, "bos": bos}
    for norm, positions, heads, attention_only, bos in product(
        ["layer_norm", "rms_norm", "none"], ["learned", "sinusoidal", "rotary", "none"], [1, 3], [False, True], [False, True]
    )
]


@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: "-".join(map(str, options.values())))
def test_a_tree_and_its_words_give_the_same_numbers(options: dict[str, object], rrxor: Process) -> None:
    spec = Transformer(**SMALL, **options, activation="gelu")
    network = wide(spec, 2)
    tree = build_history_tree(rrxor, spec.context, spec.bos)
    whole = slice(tree.levels[-2], None)
    words, path = torch.tensor(words_of(tree)[whole]), torch.tensor(ancestors(tree)[whole])
    layout = tree_layout(tree)
    assert np.array_equal(layout.history, np.arange(len(tree)))
    torch.testing.assert_close(network.on_tree(layout)[path], network(words), atol=1e-5, rtol=1e-5)
    on_tree = network.residuals_on_tree(layout)
    assert list(on_tree) == list(spec.points())
    for point, x in network.residuals(words).items():
        torch.testing.assert_close(on_tree[point][path], x, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("most", [1, 7, 50])
@pytest.mark.parametrize("bos", [False, True])
def test_a_tree_in_parts_gives_the_same_numbers(most: int, bos: bool, mess3: Process) -> None:
    tree = build_history_tree(mess3, 4, bos)
    network = wide(Transformer(**{**SMALL, "context": 4}, bos=bos), 3)
    whole = network.on_tree(tree_layout(tree))
    seen = []
    for part in tree_layouts(tree, "cpu", most):
        torch.testing.assert_close(network.on_tree(part), whole[part.history], atol=1e-5, rtol=1e-5)
        seen.extend(part.history)
    assert sorted(seen) == list(range(len(tree)))


def test_a_long_context_spans_many_blocks(mess3: Process) -> None:
    spec = Transformer(**{**SMALL, "context": 9}, positions="rotary")
    network, tree = wide(spec, 3), build_history_tree(mess3, 9)
    some = np.random.default_rng(0).integers(tree.levels[-2], len(tree), 200)
    with torch.no_grad():
        on_tree = network.on_tree(tree_layout(tree))[torch.tensor(ancestors(tree)[some])]
        torch.testing.assert_close(on_tree, network(torch.tensor(words_of(tree)[some])), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("positions", ["learned", "rotary"])
def test_no_position_sees_what_comes_after(positions: str) -> None:
    network = wide(Transformer(**SMALL, positions=positions), 3)
    words = torch.tensor([[0, 1, 2, 0, 1, 2], [0, 1, 2, 2, 2, 0]])
    first, second = network(words)
    torch.testing.assert_close(first[:3], second[:3])
    assert not torch.allclose(first[3:], second[3:])


def test_bos_adds_one_position_before_the_first_token() -> None:
    network = TransformerNetwork(Transformer(**SMALL, bos=True), 3)
    words = torch.zeros(5, 4, dtype=torch.int64)
    assert network(words).shape == (5, 5, 3)
    assert network.token.shape[0] == 4
    assert network.position.shape[0] == SMALL["context"] + 1


@pytest.mark.parametrize("activation", ["relu", "gelu"])
@pytest.mark.parametrize("heads", [1, 4])
def test_the_same_weights_in_torchs_own_encoder_give_the_same_numbers(activation: str, heads: int) -> None:
    spec = Transformer(layers=3, heads=heads, d_model=16, d_mlp=24, context=7, activation=activation, initial_sd=0.3)
    network = wide(spec, 5)
    layers = []
    for block in network.blocks:
        layer = nn.TransformerEncoderLayer(16, heads, 24, 0.0, activation, 1e-5, batch_first=True, norm_first=True)
        layer.load_state_dict(
            {
                "self_attn.in_proj_weight": block.attention.qkv.weight.T,
                "self_attn.in_proj_bias": block.attention.qkv.bias,
                "self_attn.out_proj.weight": block.attention.out.weight.T,
                "self_attn.out_proj.bias": block.attention.out.bias,
                "linear1.weight": block.mlp.up.weight.T,
                "linear1.bias": block.mlp.up.bias,
                "linear2.weight": block.mlp.down.weight.T,
                "linear2.bias": block.mlp.down.bias,
                "norm1.weight": block.norm_attention.weight,
                "norm1.bias": block.norm_attention.bias,
                "norm2.weight": block.norm_mlp.weight,
                "norm2.bias": block.norm_mlp.bias,
            }
        )
        layers.append(layer)
    words = torch.tensor(np.random.default_rng(0).integers(0, 5, (6, 7)))
    x = network.token[words] + network.position
    causal = torch.full((7, 7), -torch.inf).triu(1)
    for i, layer in enumerate(layers):
        x = layer(x, src_mask=causal)
        torch.testing.assert_close(network.residuals(words)[f"block[{i}]"], x, atol=1e-5, rtol=1e-5)
    logits = nn.functional.layer_norm(x, (16,), network.norm.weight, network.norm.bias) @ network.unembedding.T
    torch.testing.assert_close(network(words), logits + network.unembedding_bias, atol=1e-5, rtol=1e-5)


def test_rotary_attention_depends_on_distance_alone() -> None:
    """A network of rotary positions sees a word the same wherever it stands, as long as it sees nothing else."""
    network = wide(Transformer(**SMALL, positions="rotary"), 3)
    from hmmdsl.models.layout import Layout

    token, mask = torch.tensor([0, 1, 2]), torch.full((1, 3, 3), -torch.inf).triu(1)
    here, there = (network.logits(Layout(token, torch.arange(3) + shift, None, mask, 3)) for shift in (0, 3))
    torch.testing.assert_close(here, there, atol=1e-5, rtol=1e-5)


def test_initialization_follows_its_seed_and_leaves_the_global_state_alone() -> None:
    spec = Transformer(layers=4, d_model=64, d_head=8)
    before = torch.get_rng_state()
    first, again, other = (TransformerNetwork(spec, 2, seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(before, torch.get_rng_state())
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["token"], other["token"])
    assert first["blocks.0.mlp.up.weight"].std() == pytest.approx(0.02, rel=0.05)
    assert first["blocks.0.mlp.down.weight"].std() == pytest.approx(0.02 / 8**0.5, rel=0.05)


def test_words_may_be_shorter_than_the_context(rrxor: Process) -> None:
    network = wide(Transformer(**SMALL), 2)
    words = torch.tensor(sample_words(rrxor, 20, 6, 0))
    torch.testing.assert_close(network(words[:, :3]), network(words)[:, :3], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("options", [{}, {"heads": 3, "positions": "rotary"}, {"norm": "none", "bos": True}], ids=str)
def test_going_on_from_a_point_gives_the_same_numbers(options: dict[str, object], rrxor: Process) -> None:
    spec = Transformer(**SMALL, **options)
    network, layout = wide(spec, 2), tree_layout(build_history_tree(rrxor, spec.context, spec.bos))
    points = dict(network.stream(layout))
    logits = network.logits(layout)
    for i, (point, x) in enumerate(points.items()):
        before = x.clone()
        assert [name for name, _ in network.stream_after(point, layout, x)] == list(points)[i + 1 :]
        torch.testing.assert_close(network.logits_from(point, layout, x), logits, atol=0, rtol=0)
        assert torch.equal(x, before)
