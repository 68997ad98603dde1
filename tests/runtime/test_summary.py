"""What a finished run prints."""

from __future__ import annotations

import pytest

from hmmdsl.runtime.summary import main_rows, number_text
from hmmdsl.spec.results import Group, Quantity, Series

R2 = Quantity("1", "variance explained")
SCORE = Group({"r2": R2, "mse": Quantity("1", "mean squared error")})
CONTROL = Group({"r2": Group({"mean": R2, "sd": R2}), "held_out": Group({"r2": Group({"mean": R2, "sd": R2})})})
POINT = Group({**SCORE.members, "position": Series(SCORE, 10), "untrained": SCORE, "shuffled": CONTROL})


@pytest.mark.parametrize(
    ("value", "text"), [(None, "–"), (142_946, "142,946"), (0.95197, "0.9520"), (2.2251e-05, "2.225e-05"), (-0.0018, "-0.0018")]
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
