"""A few seconds of what `python -m tests.fuzz` does for hours, and every case that it ever found to go wrong."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from tests.fuzz.cases import KINDS, Experiments, Specs, kept_by_fmt, written
from tests.fuzz.running import Failure, run

CASES = {"specs": 400, "yaml": 60, "json": 60, "npz": 60, "packs": 40, "stores": 12}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_damaged_is_refused_with_a_message(kind: str) -> None:
    failures = [heard for heard in run(kind, 2026, CASES[kind]) if isinstance(heard, Failure)]
    assert not failures, "\n\n".join(f"{each.number}: {each.how}\n{each.case!r}" for each in failures)


@pytest.mark.parametrize(
    "spec",
    [
        "hmm ring {\n  states s[00..10^93]\n  tokens t[0..3]\n  for i in 0..3 { s[i] -[t[i]]-> s[(i + 1) mod 3] }\n}\n",
        "hmm ring {\n  states s[0..3]\n  tokens 0\n  for i in 0..10^400 { s[i] -[0]-> s[i + 1] }\n}\n",
        "hmm x {\n  states A\n  tokens 0, 1\n  A -> A\n  A } 0 : 1/2\n  A emits 1 : 1/4\nemits\n",
    ],
    ids=["a range of states that Python cannot count", "a loop that Python cannot count", "a statement that is `emits` alone"],
)
def test_what_once_went_wrong(spec: str, tmp_path: Path) -> None:
    Specs(tmp_path).tried(spec.encode())


def test_an_analysis_of_a_process_whose_table_is_wrong_is_told_of_the_table(tmp_path: Path) -> None:
    experiments = Experiments(tmp_path)
    plain = next(each for each in experiments.seeds if "even_on_B" in each["analyses"])
    table = plain["processes"][plain["analyses"]["even_on_B"]["on"]]
    table["states"] = table["states"] * 2
    experiments.tried(written(plain))


@pytest.mark.parametrize("wrapped", ["-" * 110 + "1", "if " * 100 + "true" + " then true else false" * 100])
def test_what_nests_deeper_written_than_read_stays_as_it_is(wrapped: str) -> None:
    kept_by_fmt(f"param x = {wrapped}\n".encode())


def test_cases_are_made_again_from_their_numbers(tmp_path: Path) -> None:
    specs = Specs(tmp_path)
    first, again = (specs.made(random.Random("specs 1 17")) for _ in range(2))
    assert first == again


DIES = """
import os, sys
opened = []
def hook(event, arguments):
    if event == "open" and str(arguments[0]).endswith("case.json"):
        opened.append(arguments)
        if len(opened) == 21:
            os.abort()
sys.addaudithook(hook)
"""


def test_a_worker_that_dies_is_a_failure_and_the_next_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sitecustomize.py").write_text(DIES)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    first, *others = [heard for heard in run("json", 3, 12) if isinstance(heard, Failure)]
    assert "ended with -6" in first.how
    assert others == []
