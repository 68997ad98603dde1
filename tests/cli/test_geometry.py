"""The geometry of activations through the real command line: results, claims about them, figures, and mistakes in their names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.command_line import Command
from tests.golden import GOLDEN

SPEC = (
    GOLDEN
    + """\
process pair = product(left = golden(), right = golden(1/3))

model net: transformer { layers = 1, d_model = 8, context = 3, bos = true }
train fit { process = pair, model = net, steps = 3 }

analysis factors: regression { of = fit, at = [blocks, final_norm], target = [factor.left, factor.right] }
analysis dims: pca { of = fit, by_position = true, controls = [untrained, held_out { folds = 3 }] }
analysis angles: subspaces { between = factors, repeats = 5, controls = [untrained, shuffled { repeats = 2 }] }
analysis read: subspaces { between = [factors.factor.left.block[0], factors.factor.right.final_norm], directions = readout }
analysis apart: distinctions { of = fit, at = [embedding, blocks], follow = [["(0, 0) (0, 0)", "(1, 1)"]] }

expect dims.theory.factored == 2 and dims.theory.joint == 3
expect dims.block[0].captured.joint >= dims.block[0].captured.factored
expect angles.block[0].pair.left_and_right.overlap <= 1
expect angles.final_norm.random.overlap.max < 1
expect read.overlap == read.largest_overlap
expect apart.block[0].scatter.within + apart.block[0].scatter.belief ~= 1 ± 1e-9
expect apart.embedding.followed[0] > 0
"""
)


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "geometry.hmm"
    path.write_text(SPEC)
    return path


def test_a_run_reports_claims_and_draws(spec: Path, command: Command, tmp_path: Path) -> None:
    done = command("run", spec, "--quiet", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    folder = tmp_path / json.loads(done.stdout)["folder"]
    results = json.loads((folder / "results.json").read_text())
    assert [len(results["dims"]["block"]), len(results["dims"]["embedding"]["position"])] == [1, 4]
    assert results["angles"]["block"][0]["dimension"] == [1, 1]
    names = {path.stem for path in (folder / "figures").glob("*.png")}
    assert names >= {"dims.variance", "dims.positions", "angles.overlap", "angles.angles", "apart.scatter", "apart.followed"}
    assert "participation" in (folder / "report.html").read_text()


@pytest.mark.parametrize(
    ("before", "after", "code", "cure"),
    [
        ("between = factors,", "between = factor,", "E0510", "factors"),
        ("factors.factor.left.block[0]", "factors.factor.left.block[1]", "E0516", "block"),
        ("at = [embedding, blocks]", "at = [block { index = 4 }]", "E0821", "0"),
        ('"(1, 1)"', '"(1, 2)"', "E0573", "(1, 1)"),
        ("dims.theory.joint", "dims.theory.join", "E0701", "joint"),
    ],
)
def test_names_that_are_not_there_are_told_before_the_run(
    before: str, after: str, code: str, cure: str, spec: Path, command: Command
) -> None:
    spec.write_text(SPEC.replace(before, after))
    done = command("check", spec)
    assert done.returncode == 2
    assert f"error[{code}]" in done.stderr
    assert cure in done.stderr
