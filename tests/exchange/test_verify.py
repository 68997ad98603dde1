"""What decides whether a run has been proved again."""

from __future__ import annotations

from hmmdsl.exchange.agreement import compare, tolerances
from hmmdsl.exchange.verify import Verification
from hmmdsl.schema.experiment import Verdict

RESULTS = {"fit": {"gap": 1e-4}}
HOLDS = Verdict(label="", claim="fit.gap < 1", holds=True, measured={"fit.gap": 1e-4})
OTHER = ("torch: 1 then, 2 now",)


def test_other_numbers_fail_on_the_same_machine_and_not_on_another() -> None:
    differs = compare(RESULTS, {"fit": {"gap": 2e-4}}, tolerances(elsewhere=True))
    assert not Verification("a", (HOLDS,), (), differs, ()).holds
    assert Verification("a", (HOLDS,), (), differs, OTHER).holds


def test_a_tolerance_that_was_given_decides_on_every_machine() -> None:
    differs = compare(RESULTS, {"fit": {"gap": 2e-4}}, tolerances(elsewhere=True, relative=0.1))
    assert not Verification("a", (HOLDS,), (), differs, OTHER, asked=True).holds
    close = compare(RESULTS, {"fit": {"gap": 2e-4}}, tolerances(elsewhere=True, relative=0.6))
    assert Verification("a", (HOLDS,), (), close, OTHER, asked=True).holds


def test_a_claim_that_fails_fails_everywhere() -> None:
    fails = HOLDS.model_copy(update={"holds": False})
    same = compare(RESULTS, RESULTS, tolerances(elsewhere=False))
    assert not Verification("a", (fails,), (), same, ()).holds
    assert not Verification("a", (fails,), (), same, OTHER).holds
