"""What a training run keeps for its analyses, and how much of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hmmdsl.process.history_tree import build_history_tree
from hmmdsl.process.process import Process
from hmmdsl.schema.base import Exact, SampledHistories
from hmmdsl.schema.models.transformer import Transformer
from hmmdsl.schema.train import Train
from hmmdsl.training import objective
from hmmdsl.training.loop import train_network
from hmmdsl.training.trained import Recent, Trained, kept_bytes


def _size(value: bytes) -> int:
    return len(value)


def test_a_value_is_made_once_while_it_is_kept() -> None:
    made: list[str] = []

    def make(name: str) -> bytes:
        made.append(name)
        return bytes(40)

    recent = Recent(limit=100)
    for name in ("a", "b", "a", "c", "a", "b"):
        recent.get(name, lambda name=name: make(name), _size)  # type: ignore[misc]
        assert recent.size <= 100
    assert made == ["a", "b", "c", "b"]  # c took the place of b, which was not asked for longest


def test_what_is_larger_than_the_limit_is_handed_out_and_not_kept() -> None:
    recent = Recent(limit=100)
    recent.get("small", lambda: bytes(60), _size)
    assert len(recent.get("large", lambda: bytes(101), _size)) == 101
    assert recent.size == 60


def test_an_owner_lives_as_long_as_what_is_kept_under_its_identity() -> None:
    recent = Recent(limit=100)
    first = [object()]
    key = id(first[0])
    recent.get(key, lambda: b"first", _size, (first[0],))
    first.clear()
    fresh = [object() for _ in range(100)]
    assert key not in {id(one) for one in fresh}


def test_a_machine_keeps_a_share_of_its_memory() -> None:
    assert 0 < kept_bytes() <= 2**31


@pytest.fixture
def trained(golden_mean: Process, tmp_path: Path) -> Trained:
    train = Train(process="p", model="net", steps=2)
    return train_network("fit", train, Transformer(layers=1, d_model=8, context=4), golden_mean, tmp_path)


def test_activations_are_computed_once_for_each_checkpoint_and_tree(trained: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    compute = objective.activations_on_tree

    def counted(*arguments: object) -> object:
        asked.append(1)
        return compute(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(objective, "activations_on_tree", counted)
    last = trained.activations()
    assert trained.activations(trained.steps[-1], trained.tree) is last
    assert len(asked) == 1
    before = trained.activations(0)
    assert len(asked) == 2
    assert not np.array_equal(before["final_norm"], last["final_norm"])
    other = build_history_tree(trained.process, 4)
    assert np.array_equal(trained.activations(tree=other)["final_norm"], last["final_norm"])
    assert len(asked) == 3
    assert not last["final_norm"].flags.writeable
    without = replace(trained, recent=Recent(limit=0))
    assert np.array_equal(without.activations()["final_norm"], last["final_norm"])
    without.activations()
    assert len(asked) == 5


def test_the_same_histories_are_the_same_tree(trained: Trained) -> None:
    words = SampledHistories(words=20)
    drawn = trained.histories(trained.process, words, 7)
    assert trained.histories(trained.process, words, 7) is drawn
    assert trained.histories(trained.process, words, 8) is not drawn
    assert trained.histories(trained.process, Exact(), 1) is trained.histories(trained.process, Exact(), 2)
    assert drawn.nbytes > drawn.belief.nbytes
