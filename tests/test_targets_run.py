"""Every target of every kind of process, through the real command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.command_line import Command

SPEC = """
import std.processes (mess3, rrxor, coin, bloch_walk)

process tasks = mixture(A = mess3(0.05, 0.85), B = mess3(0.15, 0.70), weights = [1/2, 1/2])
process pair  = product(left = coin(1/3), right = rrxor())
process which = switch(top = coin(), heads = coin(1/3), tails = coin(2/3), end = 0.1)

model net: transformer { layers = 1, heads = 1, d_model = 8, context = 3 }

train one   { process = tasks, model = net, steps = 3 }
train two   { process = pair, model = net, steps = 3, checkpoints = ends }
train three { process = which, model = net, steps = 3 }
train four  { process = bloch_walk(), model = net, steps = 3 }

analysis mixed: regression {
  of = one, at = final_norm, target = [belief, state, future(2), component, within.A, next_token]
  controls = [held_out { folds = 3 }, untrained, shuffled { repeats = 2 }, noise]
}
analysis factors: regression { of = two, at = [final_norm], target = [factor.left, factor.right, state] }
analysis beliefs: regression { of = two, at = final_norm }
analysis far: distances { of = beliefs, against = [belief, future(1), future { k = 3 }, next_token] }
analysis switched: regression { of = three, at = final_norm, target = [component, within.heads, factor.next, state] }
analysis quantum: regression { of = four, at = final_norm, target = [belief, future(2)] }
analysis hidden: regression { of = two, at = final_norm, target = state }
analysis later: emergence { of = hidden }

expect "no map is better than the belief": mixed.state.r2 <= mixed.state.ceiling
expect mixed.state.accuracy <= mixed.state.best_accuracy + 1e-12
expect mixed.state.r2_of_ceiling ~= mixed.belief.r2 ± 1e-9
expect mixed.state.held_out.r2_of_ceiling ~= mixed.belief.held_out.r2 ± 1e-9
expect mixed.state.shuffled.accuracy.max <= mixed.state.shuffled.best_accuracy.max
expect mixed.future_2.r2 > mixed.future_2.held_out.r2
expect "one token ahead is the next token": far.future_1.r2 ~= far.next_token.r2 ± 1e-9
expect "the last checkpoint is the analysis": later.checkpoint[1].accuracy ~= hidden.accuracy ± 1e-12
expect quantum.future_2.r2 > 0
expect "a factor that never changes has no R²": factors.factor.left.final_norm.r2 > -1e300
"""


@pytest.mark.slow
@pytest.mark.usefixtures("shared_store")
def test_every_target_runs_with_its_controls_figures_and_claims(command: Command, tmp_path: Path) -> None:
    (tmp_path / "targets.hmm").write_text(SPEC)
    done = command("run", "targets.hmm", "--quiet", "--json")
    found = json.loads(done.stdout)
    folder = tmp_path / found["folder"]
    claims = json.loads((folder / "claims.json").read_text())
    assert [claim["holds"] for claim in claims] == [True] * 9 + [False]  # undefined fails its claim
    results = json.loads((folder / "results.json").read_text())
    assert results["factors"]["factor"]["left"]["final_norm"]["r2"] is None
    assert set(results["switched"]) == {"component", "within", "factor", "state"}
    assert all(0 < one["accuracy"] <= 1 for one in results["mixed"]["state"]["position"])
    assert {path.name for path in (folder / "figures").iterdir() if "mixed" in path.name} >= {"mixed.accuracy.svg"}
