"""What holds of every kind of network: one set of numbers on words and on trees, and what the records say beforehand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hmmdsl.models.build import build_network
from hmmdsl.models.layout import tree_layout, tree_layouts
from hmmdsl.process.history_tree import ancestors, build_history_tree, words_of
from hmmdsl.process.process import Process
from hmmdsl.schema.model import MODELS
from hmmdsl.schema.models.base import Model
from tests.models.networks import KINDS, wide
from tests.process.random_processes import processes

every_kind = pytest.mark.parametrize("spec", KINDS.values(), ids=KINDS)


def test_every_kind_is_tested() -> None:
    assert {spec.kind for spec in KINDS.values()} == set(MODELS)


@every_kind
@settings(max_examples=12, deadline=None)
@given(process=processes(), bos=st.booleans(), most=st.integers(1, 40))
def test_a_tree_its_parts_and_its_words_give_the_same_numbers(spec: Model, process: Process, bos: bool, most: int) -> None:
    spec = spec.model_copy(update={"bos": bos})
    network = wide(spec, len(process.tokens))
    tree = build_history_tree(process, spec.context, bos)
    whole = slice(tree.levels[-2], None)
    words, path = torch.tensor(words_of(tree)[whole]), torch.tensor(ancestors(tree)[whole])
    with torch.no_grad():
        layout = tree_layout(tree)
        logits, on_tree = network.on_tree(layout), network.residuals_on_tree(layout)
        torch.testing.assert_close(logits[path], network(words), atol=1e-5, rtol=1e-5)
        assert {point: x.shape[1] for point, x in on_tree.items()} == spec.points()
        assert list(on_tree) == list(spec.points())
        for point, x in network.residuals(words).items():
            torch.testing.assert_close(on_tree[point][path], x, atol=1e-5, rtol=1e-5)
        for part in tree_layouts(tree, "cpu", most):
            torch.testing.assert_close(network.on_tree(part), logits[part.history], atol=1e-5, rtol=1e-5)
            for point, x in network.residuals_on_tree(part).items():
                torch.testing.assert_close(x, on_tree[point][part.history], atol=1e-5, rtol=1e-5)


@every_kind
def test_the_forward_pass_goes_on_from_any_point_but_what_layers_carry(spec: Model, mess3: Process) -> None:
    network, layout = wide(spec, 3), tree_layout(build_history_tree(mess3, 4))
    with torch.no_grad():
        logits = network.logits(layout)
        for point, x in network.stream(layout):
            if point.startswith("cell"):
                with pytest.raises(ValueError, match="goes on from cell"):
                    network.logits_from(point, layout, x)
                continue
            torch.testing.assert_close(network.logits_from(point, layout, x), logits, atol=1e-6, rtol=1e-6)
            assert not torch.allclose(network.logits_from(point, layout, 1.5 * x.flip(1)), logits, atol=1e-3)


@every_kind
def test_gradients_on_a_tree_are_those_on_its_words(spec: Model, mess3: Process) -> None:
    tree = build_history_tree(mess3, spec.context)
    whole = slice(tree.levels[-2], None)
    words, path = torch.tensor(words_of(tree)[whole]), torch.tensor(ancestors(tree)[whole])
    target = torch.tensor(np.random.default_rng(0).normal(size=(*path.shape, 3)), dtype=torch.float64)
    gradients = []
    for on_tree in (True, False):
        network = wide(spec, 3).double()
        layout = tree_layout(tree)
        object.__setattr__(layout, "mask", layout.mask.double())
        logits = network.on_tree(layout)[path] if on_tree else network(words)
        (logits * target).sum().backward()
        gradients.append({name: p.grad for name, p in network.named_parameters() if p.grad is not None})
    assert gradients[0].keys() == gradients[1].keys()
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradient, gradients[1][name], atol=1e-9, rtol=1e-9)


@every_kind
@pytest.mark.parametrize("bos", [False, True])
@pytest.mark.parametrize("vocabulary", [1, 4])
def test_the_record_counts_the_parameters(spec: Model, bos: bool, vocabulary: int) -> None:
    spec = spec.model_copy(update={"bos": bos})
    network = build_network(spec, vocabulary)
    assert sum(parameter.numel() for parameter in network.parameters()) == spec.parameters(vocabulary)


@every_kind
def test_no_position_sees_what_comes_after(spec: Model) -> None:
    network = wide(spec, 3)
    first, second = network(torch.tensor([[0, 1, 2, 0, 1], [0, 1, 2, 2, 0]]))
    torch.testing.assert_close(first[:3], second[:3])
    if spec.kind != "ngram" or spec.n > 1:
        assert not torch.allclose(first[3:], second[3:])


@every_kind
def test_the_empty_history_is_a_position_with_bos(spec: Model) -> None:
    network = wide(spec.model_copy(update={"bos": True}), 3)
    words = torch.tensor([[0, 1, 2], [2, 1, 0]])
    logits = network(words)
    assert logits.shape == (2, 4, 3)
    torch.testing.assert_close(logits[0, 0], logits[1, 0])


@every_kind
def test_a_seed_gives_the_weights_and_leaves_the_global_state_alone(spec: Model) -> None:
    before = torch.get_rng_state()
    first, again, other = (build_network(spec, 3, seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(before, torch.get_rng_state())
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)
    assert all(torch.isfinite(value).all() for value in first.values())


@pytest.mark.parametrize("kind", [kind for kind in MODELS if kind != "ngram"])
def test_initial_weights_keep_activations_at_a_moderate_size(kind: str) -> None:
    """Neither vanishing nor exploding over a long history, whatever the kind."""
    spec = MODELS[kind](context=60, d_model=64)
    words = torch.tensor(np.random.default_rng(0).integers(0, 3, (20, 60)))
    with torch.no_grad():
        points = build_network(spec, 3).residuals(words)
    for point, x in points.items():
        assert 1e-3 < x[:, -1].std() < 10, point
