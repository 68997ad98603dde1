"""Every objective, a start from another train, and frozen parts, through the real command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from tests.command_line import Command

SPEC = """
import std.processes (rrxor)

process renamed = relabel(rrxor(), [0 -> heads, 1 -> tails])
model net: transformer { layers = 1, heads = 1, d_model = 8, context = 3 }
model judge: gru { d_model = 6 }

train moved  { process = renamed, model = net, start_from = source, freeze = [body], steps = 3, seed = 1 }
train source { process = rrxor(), model = net, steps = 4 }
train far    { process = rrxor(), model = net, objective = future(2), steps = 3 }
train drawn  { process = rrxor(), model = net, objective = future { k = 2 }, data = sampled { batch = 4 }, steps = 3 }
train writer { process = rrxor(), model = net, objective = adversarial { discriminator = judge, d_steps = 2 }, steps = 3 }

analysis positions: loss { of = far }
analysis beliefs: regression { of = moved, at = blocks, controls = [untrained] }
analysis generated: regression { of = writer, at = blocks }
analysis later: emergence { of = positions }

expect "two tokens are harder to foresee than one": far.optimum > positions.optimum
expect "the joint gap is no less than the marginal's": far.gap >= positions.gap
expect "only what tokens own was trained": moved.parameters == 2 * 8 + 2 * 8 + 2
expect "the last checkpoint is the analysis": later.checkpoint[1].gap ~= positions.gap ± 1e-12
"""


@pytest.mark.slow
@pytest.mark.usefixtures("shared_store")
def test_every_objective_runs_and_a_train_starts_where_another_ended(command: Command, tmp_path: Path) -> None:
    (tmp_path / "objectives.hmm").write_text(SPEC)
    done = command("run", "objectives.hmm", "--quiet", "--json")
    found = json.loads(done.stdout)
    folder = tmp_path / found["folder"]
    claims = json.loads((folder / "claims.json").read_text())
    assert [claim["holds"] for claim in claims] == [True] * 4
    begun = load_file(folder / "checkpoints" / "moved" / "step_0.safetensors")
    ended = load_file(folder / "checkpoints" / "moved" / "step_3.safetensors")
    source = load_file(folder / "checkpoints" / "source" / "step_4.safetensors")
    body = [name for name in begun if name.startswith(("blocks", "norm", "position"))]
    assert body
    assert all((begun[name] == source[name]).all() and (ended[name] == source[name]).all() for name in body)
    assert not (ended["token"] == begun["token"]).all()
    facts = json.loads((folder / "facts.json").read_text())
    assert "marginal" in facts["positions"]["objective"]
    other = json.loads(command("run", "objectives.hmm", "--quiet", "--json", "--set", "source.seed=5").stdout)
    moved = load_file(tmp_path / other["folder"] / "checkpoints" / "moved" / "step_0.safetensors")
    assert not (moved["blocks.0.attention.qkv.weight"] == begun["blocks.0.attention.qkv.weight"]).all()
