"""What the report says of held-out scores: what was held out, and so what a score shows."""

from __future__ import annotations

from typing import Any

import pytest

from hmmdsl.report.scores import Scores, _headline, _story


def _scored(by: str, held_out: float, noise: float, shared: float, sd: float = 0.01) -> Scores:
    sharing: dict[str, Any] = {"distinct": 35.0, "in_fold": 7.0, "shared": shared}
    beside = {"noise": noise, "planted": 1.0}
    return Scores("concat", 0.95, {"noise": 0.5, "planted": 1.0}, held_out, beside, sd, sharing, by)


def test_where_folds_share_beliefs_a_score_shows_that_histories_are_told_apart() -> None:
    row = _scored("history", 0.83, 0.0, 6.9)
    assert "Of 7.0 beliefs in a fold 6.9 are also in its training folds" in _story([row])
    assert "not that the geometry extends" in _story([row])
    assert "by = belief" in _story([row])
    assert "a planted linear image of the target 100.0" in _story([row])
    assert "on histories that it never saw" in _headline([row])


@pytest.mark.parametrize(("held_out", "extends"), [(-0.48, False), (0.9, True)])
def test_where_whole_beliefs_are_held_out_a_score_is_judged_beside_random_features(held_out: float, extends: bool) -> None:
    row = _scored("belief", held_out, -0.4, 0.0)
    assert "No belief in a fold is also in its training folds" in _story([row])
    assert ("does not extend" not in _story([row])) == extends
    assert "on beliefs that it never saw" in _headline([row])
