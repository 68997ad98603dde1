"""What a finished run prints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from hmmdsl.analysis import kinds
from hmmdsl.cli.summary import Row, main_rows, number_text, print_claims, print_run
from hmmdsl.language.elaborate import compile_text
from hmmdsl.runtime.plan import make_plan
from hmmdsl.runtime.run import Run
from hmmdsl.schema.analysis import Surroundings
from hmmdsl.schema.experiment import Judged, Margin, Verdict
from hmmdsl.schema.results import Group, Quantity, ResultSchema, Series

R2 = Quantity("1", "variance explained")
SCORE = Group({"r2": R2, "mse": Quantity("1", "mean squared error")})
CONTROL = Group({"r2": Group({"mean": R2, "sd": R2}), "held_out": Group({"r2": Group({"mean": R2, "sd": R2})})})
POINT = Group({**SCORE.members, "position": Series(SCORE, 10), "untrained": SCORE, "shuffled": CONTROL})


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (142_946, "142,946"), (0.95197, "0.9520"), (2.2251e-05, "2.225\xa0×\xa010⁻⁵"), (-0.0018, "−0.0018")],
)
def test_numbers_have_four_digits(value: float | None, text: str) -> None:
    assert number_text(value) == text


def test_every_score_stands_beside_its_controls() -> None:
    schema = Group({"embedding": POINT, "block": Series(POINT, 2)})
    control = {"r2": {"mean": 0.1, "sd": 0.01}, "held_out": {"r2": {"mean": 0.0, "sd": 0.01}}}
    result = {"r2": 0.9, "mse": 0.01, "position": [], "untrained": {"r2": 0.4, "mse": 0.1}, "shuffled": control}
    rows = list(main_rows(schema, {"embedding": result, "block": [result, result]}))
    assert [row.path for row in rows] == ["embedding", "block[0]", "block[1]"]
    assert rows[0].numbers == {
        "r2": 0.9,
        "mse": 0.01,
        "untrained.r2": 0.4,
        "shuffled.r2.mean": 0.1,
        "shuffled.held_out.r2.mean": 0.0,
    }


def test_a_fragile_claim_is_named_whether_it_holds_or_not(capsys: pytest.CaptureFixture[str]) -> None:
    near, far = Margin(value=0.001, spread=0.01, source="seeds"), Margin(value=-0.2, spread=0.01, source="seeds")
    term = Judged(expression="mean(s.fit.r2)", numbers=(0.5,), lower=(0.25,), upper=(0.75,))
    told = Verdict(label="near", claim="mean(s.fit.r2) > 0.499", holds=True, measured={}, judged=(term,), margin=near)
    verdicts = (told, told.model_copy(update={"label": "far", "holds": False, "margin": far}))
    print_claims(Console(width=200), verdicts)
    printed = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert printed[0] == "✓ holds  fragile  near: mean(s.fit.r2) > 0.499"
    assert printed[1] == "mean(s.fit.r2) = 0.5 [0.25, 0.75]"
    assert printed[2] == "holds by 0.001, 0.1 spreads over seeds: fragile, another seed may turn it"
    assert printed[3] == "✗ FAILS  far: mean(s.fit.r2) > 0.499"
    assert printed[-2:] == ["fails by 0.2, 20 spreads over seeds", "fragile: near"]
    print_claims(Console(width=200), verdicts[:1], only_failed=True)
    assert "fragile: near" in capsys.readouterr().out
    print_claims(Console(width=200), [told.model_copy(update={"margin": Margin(value=0.5)})])
    printed = capsys.readouterr().out
    assert "holds by 0.5, one seed" in printed
    assert printed.endswith("one seed: `--seeds 5` tells how far it moves\n")


EVERY_KIND = """
import std.processes (rrxor)
model net: transformer { layers = 2, d_model = 16, context = 4 }
train fit { process = rrxor(), model = net, steps = 3, checkpoints = every { steps = 1 } }
analysis beliefs: regression { of = fit, at = [blocks], controls = [untrained, held_out, shuffled { repeats = 4 }] }
analysis grow: emergence { of = beliefs }
analysis steer: intervention { probe = beliefs.block[0], controls = [untrained, random { repeats = 4 }] }
analysis aims: intervention { probe = beliefs.block[0], to = [counterfactual, uniform] }
analysis swap: patching { of = fit, source = "0 1 1", base = "0 0 1", controls = [random, untrained] }
analysis lags: attention { of = fit }
analysis curve: learning { of = fit }
analysis bits: information { of = fit, k = 1, at = [blocks] }
analysis components: pca { of = fit, at = concat }
"""


def made_up(schema: ResultSchema) -> Any:
    match schema:
        case Quantity():
            return 0.5
        case Series(element, length):
            return [made_up(element) for _ in range(length or 2)]
        case Group(members):
            return {name: made_up(member) for name, member in members.items()}


@pytest.fixture(scope="module")
def tables() -> dict[str, list[Row]]:
    compiled = compile_text(EVERY_KIND, "every", kinds())
    experiment = compiled.experiment
    around = Surroundings(compiled.processes, experiment.models, experiment.trains, experiment.analyses)
    schemas = {name: analysis.results(around) for name, analysis in experiment.analyses.items()}
    return {name: list(main_rows(schema, made_up(schema))) for name, schema in schemas.items()}


@pytest.mark.parametrize(
    ("analysis", "path", "columns"),
    [
        ("steer", "after", ["old", "new"]),
        ("steer", "untrained.after", ["old", "new"]),
        ("steer", "random (mean)", ["old", "new"]),
        ("aims", "uniform.after", ["old", "new"]),
        (
            "swap",
            "block[1] (restored)",
            ["position[0]", "position[1]", "position[2]", "whole", "whole.random.restored.mean", "whole.untrained.restored"],
        ),
        ("lags", "layer[1].head[0]", ["rate", "rate_error", "deviation"]),
        ("grow", "checkpoint[0].block[1]", ["r2", "mse"]),
        ("grow", "checkpoint[3].block[1]", ["r2", "mse"]),
        ("curve", "network", ["aic_difference", "held_out_ratio", "lengths"]),
        ("components", "captured", ["beliefs", "hankel"]),
    ],
)
def test_each_kind_of_analysis_shows_its_outcome(
    tables: dict[str, list[Row]], analysis: str, path: str, columns: list[str]
) -> None:
    (row,) = (row for row in tables[analysis] if row.path == path)
    assert list(row.numbers) == columns


def test_what_has_a_table_has_no_second_one(tables: dict[str, list[Row]]) -> None:
    for name, rows in tables.items():
        paths = [row.path for row in rows]
        assert len(paths) == len(set(paths)) > 0, name
    assert [row.path for row in tables["beliefs"]] == ["block[0]", "block[1]"]
    assert [row.path for row in tables["bits"]][1:] == ["block[0]", "block[1]"]


def test_a_stranger_s_label_moves_no_cursor_and_turns_no_text_around(capsys: pytest.CaptureFixture[str]) -> None:
    hostile = "fails\x1b[1A\x1b]52;c;eA==\x07\u202e holds"
    print_claims(
        Console(width=200, force_terminal=True, color_system=None),
        [Verdict(label=hostile, claim=hostile, holds=False, measured={}, reason=hostile, margin=Margin(value=-1.0))],
    )
    printed = capsys.readouterr().out
    assert printed.count("fails\N{REPLACEMENT CHARACTER}[1A") == 3
    assert not {"\x1b", "\x07", "\u202e"} & set(printed)


def test_what_a_run_took_is_wall_clock_time_and_not_the_sum_of_workers(capsys: pytest.CaptureFixture[str]) -> None:
    compiled = compile_text('experiment { title = "nothing" }', "empty", kinds())
    plan = make_plan(compiled.experiment)
    side_by_side = {"train one": 60.0, "train two": 60.0}
    print_run(Run(Path("runs/empty"), plan, {}, (), side_by_side, wall_seconds=61.0), compiled, quiet=True)
    printed = capsys.readouterr().out
    assert "61 s" in printed
    assert "2:00" not in printed
