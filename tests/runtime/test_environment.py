"""An environment tells versions and machine, and no secrets."""

from __future__ import annotations

import json
import os
import platform
from pathlib import Path

import pytest

from hmmdsl.analysis import kinds
from hmmdsl.language.elaborate import compile_text
from hmmdsl.runtime import environment as of_here
from hmmdsl.runtime.engines.engine import lost_too_often
from hmmdsl.runtime.environment import check_instructions, differences, environment
from hmmdsl.runtime.failures import OutputError
from hmmdsl.runtime.plan import make_plan
from hmmdsl.runtime.stage import tasks_of
from tests.command_line import Command


def test_it_names_versions_threads_and_devices() -> None:
    found = environment({"fit": "cpu"}, {"fit": 1})
    assert {"hmmdsl", "python", "torch", "numpy", "processor"} <= set(found)
    assert found["devices"] == {"fit": "cpu"}
    assert found["threads"] == {"fit": 1}


def test_it_names_neither_the_machine_nor_a_path_nor_a_user() -> None:
    text = json.dumps(environment({"fit": "cpu"}, {"fit": 1}))
    assert os.path.expanduser("~") not in text
    assert os.getcwd() not in text
    assert platform.node() not in text


def test_differences_are_told_in_words() -> None:
    now = environment({"fit": "cpu"}, {"fit": 1})
    assert differences(now, now) == []
    assert differences({**now, "torch": "1.0"}, now) == [f"torch: 1.0 then, {now['torch']} now"]


OLD = frozenset({"avx", "avx2", "fma"})


@pytest.mark.parametrize(
    ("variable", "asked"),
    [("ATEN_CPU_CAPABILITY", "avx512"), ("OPENBLAS_CORETYPE", "SkylakeX"), ("OPENBLAS_CORETYPE", "Cooperlake")],
)
def test_instructions_that_the_processor_lacks_are_refused(monkeypatch: pytest.MonkeyPatch, variable: str, asked: str) -> None:
    monkeypatch.setattr(of_here, "_flags", lambda: OLD)
    monkeypatch.setenv(variable, asked)
    with pytest.raises(OutputError, match=rf"{variable}={asked} asks for .*avx512vl.*unset {variable}"):
        check_instructions()
    monkeypatch.setattr(of_here, "_flags", lambda: OLD | {f"avx512{name}" for name in ("f", "vl", "bw", "dq", "_bf16")})
    check_instructions()
    monkeypatch.setattr(of_here, "_flags", frozenset)  # a system that does not tell
    check_instructions()


@pytest.mark.parametrize(
    ("variable", "asked"), [("ATEN_CPU_CAPABILITY", "avx2"), ("ATEN_CPU_CAPABILITY", "default"), ("OPENBLAS_CORETYPE", "Haswell")]
)
def test_instructions_that_it_has_are_not(monkeypatch: pytest.MonkeyPatch, variable: str, asked: str) -> None:
    monkeypatch.setattr(of_here, "_flags", lambda: OLD)
    monkeypatch.setenv(variable, asked)
    check_instructions()


SPEC = """
import std.processes (golden_mean)
model net: rnn { layers = 1, d_model = 2, context = 2 }
train fit { process = golden_mean(), model = net, steps = 1 }
"""


def on_an_old_processor() -> None:
    of_here._flags = lambda: OLD
    os.environ["ATEN_CPU_CAPABILITY"] = "avx512"


def test_run_and_show_refuse_before_anything_is_computed(command: Command, tmp_path: Path) -> None:
    (tmp_path / "spec.hmm").write_text(SPEC)
    for words in (["run", "spec.hmm", "--store", "store"], ["show", "std.processes.even"]):
        done = command(*words, prepare=on_an_old_processor)
        assert done.returncode == 2
        assert "ATEN_CPU_CAPABILITY=avx512 asks for instructions that this processor lacks" in done.stderr
    assert not any((tmp_path / "runs").iterdir())


@pytest.mark.parametrize(("how", "cure"), [("killed by SIGILL", "unset ATEN_CPU_CAPABILITY"), ("killed by SIGKILL", "--workers")])
def test_what_ended_a_worker_names_its_cure(how: str, cure: str) -> None:
    compiled = compile_text(SPEC, "spec.hmm", kinds())
    task = next(iter(tasks_of(make_plan(compiled.experiment), compiled.experiment, compiled.processes)))
    failure = lost_too_often(task, how, 3)
    assert how in failure.message
    assert cure in failure.help
