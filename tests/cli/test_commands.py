"""The quick commands, through the real command line: what is printed, what is written, which exit code."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from hmmdsl.cli.app import app
from hmmdsl.cli.options import print_json
from tests.command_line import Command, command_line

SPECS = Path(__file__).parents[2] / "specs"

TINY = """\
hmm coin(p = 1/2) {
  states A
  tokens 0, 1
  A -[0]-> A : p
  A -[1]-> A : rest
}
model net: transformer { layers = 1, d_model = 8, context = 3 }
train fit { process = coin(), model = net, steps = 3 }
expect fit.loss < 1
"""

WRONG = {
    "syntax": (TINY + "model { {\n", 1),
    "several mistakes": (TINY.replace("coin()", "cion()").replace("layers", "layrs") + "expect fit.gpa < 1\n", 2),
    "unknown name": (TINY.replace("coin()", "cion()"), 1),
    "a row that sums to more than one": (TINY.replace(": rest", ": 3/4"), 1),
    "a negative probability": (TINY.replace("A : p", "A : 0 - p"), 1),
    "two rests in a row": (TINY.replace("A : p", "A : rest"), 1),
    "no unique stationary start": (TINY.replace("states A", "states A, B").replace("}\nmodel", "  B -[0]-> B\n}\nmodel"), 1),
    "division by zero": (TINY.replace("A : p", "A : p / 0"), 1),
    "a huge power": (TINY.replace("A : p", "A : 10^10^10"), 1),
    "a loop over a billion": (TINY.replace("  A -[0]", "  for i in 0..1_000_000_000 { A -[0]-> A : 0 }\n  A -[0]"), 1),
    "deep parentheses": (TINY.replace("A : p", "A : " + "(" * 10_000 + "p" + ")" * 10_000), 1),
    "a NUL byte": (TINY + "\0", 1),
    "unknown field": (TINY.replace("layers", "n_layers"), 1),
    "unknown kind": (TINY.replace("transformer", "transformr"), 1),
    "wrong type": (TINY.replace("layers = 1", 'layers = "one"'), 1),
    "heads that don't fit": (TINY.replace("layers = 1", "heads = 3"), 1),
    "a tree too large": (TINY.replace("context = 3", "context = 60") + "", 1),
    "an import that is missing": ('import "none.hmm" as none\n' + TINY, 1),
    "an import outside the folder": ('import "../other.hmm" as other\n' + TINY, 1),
    "an import of itself": ('import "spec.hmm" as me\n' + TINY, 1),
    "an expectation on nothing": (TINY.replace("fit.loss", "fit.lss"), 1),
}


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What `hmmdsl check --json` says of every wrong spec, and what it prints of each to a reader."""
    folder = tmp_path_factory.mktemp("wrong")
    for mistake, (text, _) in WRONG.items():
        (folder / mistake).mkdir()
        (folder / mistake / "spec.hmm").write_text(text)
    files = [f"{mistake}/spec.hmm" for mistake in WRONG]
    done = command_line(folder, "check", *files, "--json")
    assert done.returncode == 2, done.stderr
    assert not done.stderr
    assert [path.name for path in folder.rglob("*") if path.is_file()] == ["spec.hmm"] * len(WRONG)
    return dict(zip(WRONG, json.loads(done.stdout), strict=True))


@pytest.mark.parametrize("mistake", WRONG)
def test_a_wrong_spec_is_told_at_its_place_with_a_cure(mistake: str, checked: dict[str, dict[str, Any]]) -> None:
    errors = [each for each in checked[mistake]["diagnostics"] if each["severity"] == "error"]
    assert len(errors) >= WRONG[mistake][1]
    for error in errors:
        assert error["code"].startswith("E")
        assert error["message"][:1].islower() or not error["message"][:1].isalpha()
        assert error["help"]


@pytest.mark.parametrize("mistake", ["several mistakes", "a tree too large"])
def test_a_wrong_spec_does_not_run_and_nothing_is_written(mistake: str, tmp_path: Path, command: Command) -> None:
    text, errors = WRONG[mistake]
    (tmp_path / "spec.hmm").write_text(text)
    done = command("run", "spec.hmm")
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("error[E") >= errors
    assert "--> spec.hmm:" in done.stderr
    assert [entry.name for entry in tmp_path.iterdir()] == ["spec.hmm"]


def test_bytes_that_are_not_text_and_files_too_large_are_told(tmp_path: Path, command: Command) -> None:
    (tmp_path / "latin.hmm").write_bytes("# café\n".encode("latin-1"))
    (tmp_path / "large.hmm").write_text("#" * 10_000_000)
    done = command("check", "latin.hmm", "large.hmm", "missing.hmm", ".")
    assert done.returncode == 2
    assert done.stderr.count("error[E") == 4


def test_check_says_what_a_spec_holds(command: Command) -> None:
    done = command("check", *sorted(SPECS.glob("*.hmm")))
    assert done.returncode == 0, done.stderr
    assert "1 process, 1 train on 1,046 histories" in done.stdout
    assert len(done.stdout.splitlines()) == len(list(SPECS.glob("*.hmm")))


def test_check_counts_the_processes_of_a_file_that_runs_nothing(tmp_path: Path, command: Command) -> None:
    (tmp_path / "two.hmm").write_text("import std.processes (even)\nprocess pair = product(left = even(), right = even())\n")
    assert "two.hmm: 2 processes, 0 trains" in command("check", "two.hmm").stdout


def test_check_tells_programs_the_same(tmp_path: Path, command: Command) -> None:
    (tmp_path / "good.hmm").write_text(TINY)
    (tmp_path / "wrong.hmm").write_text(TINY.replace("fit.loss", "fit.lss"))
    done = command("check", "good.hmm", "wrong.hmm", "--json")
    good, wrong = json.loads(done.stdout)
    assert done.returncode == 2
    assert (good["ok"], good["histories"], good["claims"]) == (True, {"fit": 14}, 1)
    assert (wrong["ok"], wrong["diagnostics"][0]["code"][0]) == (False, "E")


def test_new_writes_a_spec_that_is_checked_and_formatted(tmp_path: Path, command: Command) -> None:
    assert command("new", "golden").returncode == 0
    assert command("check", "golden.hmm").stderr == ""
    assert command("fmt", "golden.hmm", "--check").returncode == 0


def test_new_overwrites_nothing(tmp_path: Path, command: Command) -> None:
    (tmp_path / "golden.hmm").write_text("mine")
    done = command("new", "golden")
    assert done.returncode == 2
    assert (tmp_path / "golden.hmm").read_text() == "mine"


def test_fmt_changes_the_layout_once_and_then_nothing(tmp_path: Path, command: Command) -> None:
    spec = tmp_path / "spec.hmm"
    spec.write_text(TINY.replace("  states A", "     states    A   # the only one"))
    os.chmod(spec, 0o640)
    assert command("fmt", "spec.hmm", "--check").returncode == 1
    assert "+  states A" in command("fmt", "spec.hmm", "--diff").stdout
    assert command("fmt", "spec.hmm").returncode == 0
    assert "# the only one" in spec.read_text()
    assert spec.stat().st_mode & 0o777 == 0o640
    assert command("fmt", "spec.hmm", "--check").returncode == 0
    assert [entry.name for entry in tmp_path.iterdir()] == ["spec.hmm"]


def test_fmt_reads_stdin_and_leaves_a_wrong_file_alone(tmp_path: Path, command: Command) -> None:
    done = command("fmt", "-", given="model   net:transformer{layers=1}\n")
    assert (done.returncode, done.stdout) == (0, "model net: transformer { layers = 1 }\n")
    (tmp_path / "spec.hmm").write_text("model {{\n")
    assert command("fmt", "spec.hmm").returncode == 2
    assert (tmp_path / "spec.hmm").read_text() == "model {{\n"


def test_fmt_writes_nothing_that_it_cannot_read(command: Command) -> None:
    deep = "param n = " + "-" * 110 + "1\n"
    assert command("fmt", "-", given=deep).stdout == deep


@pytest.mark.parametrize("phase", ["tree", "experiment", "plan"])
def test_every_phase_prints(phase: str, command: Command) -> None:
    done = command("show", SPECS / "rrxor.hmm", "--phase", phase)
    assert done.returncode == 0, done.stderr
    assert "rrxor" in done.stdout
    json.loads(command("show", SPECS / "rrxor.hmm", "--phase", phase, "--json").stdout)


def test_settings_and_profiles_reach_the_experiment(command: Command) -> None:
    done = command("show", SPECS / "rrxor.hmm", "--phase", "experiment", "--json", "--profile", "smoke", "--set", "fit.seed=7")
    train = json.loads(done.stdout)["trains"]["fit"]
    assert (train["seed"], train["steps"]) == (7, 50)


@pytest.mark.parametrize("arguments", [["--set", "fit.stepz=1"], ["--set", "fit.steps"], ["--profile", "smoky"]])
def test_a_wrong_setting_is_told(arguments: list[str], tmp_path: Path, command: Command) -> None:
    done = command("run", SPECS / "rrxor.hmm", *arguments)
    assert done.returncode == 2
    assert "error" in done.stderr
    assert not list(tmp_path.iterdir())


def test_show_tells_programs_what_a_process_is(command: Command) -> None:
    done = command("show", "std.processes.rrxor", "--json")
    found = json.loads(done.stdout)
    assert (found["beliefs"]["count"], found["beliefs"]["closed"]) == (36, True)
    assert found["entropy_rate"]["bits"] == pytest.approx(2 / 3, abs=1e-9)
    assert found["statistical_complexity"]["bits"] == pytest.approx(2.251629, abs=1e-6)


def test_show_draws_a_process(tmp_path: Path, command: Command) -> None:
    done = command("show", SPECS / "rrxor.hmm", "rrxor", "--out", "pictures")
    assert done.returncode == 0, done.stderr
    assert {path.suffix for path in (tmp_path / "pictures").iterdir()} == {".png", ".svg"}


@pytest.mark.parametrize("target", ["std.processes.rrxr", "std.nothing", "none.hmm"])
def test_showing_what_is_not_there_is_an_error_in_words(target: str, command: Command) -> None:
    assert command("show", target).returncode == 2


def test_explain_tells_of_one_message_or_of_all(command: Command) -> None:
    assert "E0301" in command("explain").stdout
    one = command("explain", "e0301").stdout
    assert "Wrong:" in one
    assert "Right:" in one
    assert command("explain", "E9999").returncode == 2


def test_help_tells_the_fields_of_a_record(command: Command) -> None:
    assert "d_model" in command("help", "transformer").stdout
    assert "regression" in command("help").stdout
    assert command("help", "transformr").returncode == 2


def test_the_version_and_a_wrong_command(command: Command) -> None:
    assert command("--version").stdout.startswith("hmmdsl ")
    assert command("chek").returncode == 2


def test_an_unforeseen_fault_is_one_line_and_not_a_traceback(command: Command, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import hmmdsl.cli.check as c\ndef fault(path, *more):\n    raise KeyError('lost')\nc.check_file = fault\n"
    )
    path = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")]))
    done = command("check", "spec.hmm", PYTHONPATH=path, TMPDIR=str(tmp_path))
    assert done.returncode == 70
    assert "internal error: KeyError: 'lost'" in done.stderr
    assert "Traceback" not in done.stderr
    (kept,) = tmp_path.glob("hmmdsl-fault-*.txt")
    assert str(kept) in done.stderr
    assert "in fault\n    raise KeyError('lost')" in kept.read_text()
    assert kept.stat().st_mode & 0o077 == 0


def test_memory_that_runs_out_is_no_fault(command: Command, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import hmmdsl.cli.check as c\ndef full(path, *more):\n    raise MemoryError\nc.check_file = full\n"
    )
    path = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")]))
    done = command("check", "spec.hmm", PYTHONPATH=path)
    assert done.returncode == 3
    assert "memory ran out during `hmmdsl check`" in done.stderr


def test_words_are_drawn_and_the_seed_determines_them(command: Command) -> None:
    done = command("sample", "std.processes.rrxor", "--words", "3", "--length", "5", "--seed", "1")
    assert done.returncode == 0
    assert [len(line) for line in done.stdout.splitlines()] == [5, 5, 5]
    assert command("sample", "std.processes.rrxor", "--words", "3", "--length", "5", "--seed", "1").stdout == done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("sample", "std.processes"),
        ("sample", "std.processes.rrxor", "--words", "0"),
        ("sample", "std.processes.rrxor", "--format", "npz"),
        ("sample", "std.processes.rrxor", "--out", "none/words.txt"),
        ("export", "std.processes.rrxor", "--out", "rrxor.xml"),
        ("import", "none.json"),
    ],
)
def test_what_cannot_be_sampled_or_exchanged_exits_with_2(command: Command, arguments: tuple[str, ...]) -> None:
    done = command(*arguments)
    assert done.returncode == 2
    assert "rror" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_process_goes_out_and_comes_back(command: Command) -> None:
    assert command("export", "std.processes.rrxor", "--out", "rrxor.json").returncode == 0
    assert command("import", "rrxor.json", "--out", "back.hmm").returncode == 0
    ours, back = (json.loads(command("show", *of, "--json").stdout) for of in (("std.processes.rrxor",), ("back.hmm", "rrxor")))
    assert ours["statistical_complexity"] == back["statistical_complexity"]
    assert command("fmt", "back.hmm", "--check").returncode == 0


def test_every_command_from_a_fresh_interpreter(tmp_path: Path) -> None:
    """What a user does in a session, one command after another, each with nothing loaded before."""
    (tmp_path / "tiny.hmm").write_text(TINY)
    session = [
        ["new", "starter"],
        ["check", "tiny.hmm"],
        ["fmt", "tiny.hmm", "--check"],
        ["lock", "tiny.hmm"],
        ["explain", "E0301"],
        ["help", "train"],
        ["show", "tiny.hmm", "coin"],
        ["sample", "tiny.hmm", "--words", "2"],
        ["export", "tiny.hmm", "--out", "coin.json"],
        ["import", "coin.json", "--out", "back.hmm"],
        ["run", "tiny.hmm", "--quiet"],
        ["compare", "RUN", "RUN"],
        ["pack", "RUN", "-o", "tiny.hmmz"],
        ["verify", "tiny.hmmz", "--checksums-only"],
        ["unpack", "tiny.hmmz", "unpacked"],
        ["store", "verify"],
    ]
    for words in session:
        made = next(tmp_path.glob("runs/tiny-*"), Path("runs"))
        done = command_line(tmp_path, *(word.replace("RUN", str(made)) for word in words), fresh=True)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
    assert {words[0] for words in session} == set(typer.main.get_command(app).commands)


def streams(tmp_path: Path, redirected: str) -> subprocess.CompletedProcess[str]:
    """`hmmdsl check` or `fmt` by a shell that redirects its streams."""
    (tmp_path / "ok.hmm").write_text("param a = 1\n")
    line = f"{shlex.quote(sys.executable)} -m hmmdsl {redirected}"
    return subprocess.run(["sh", "-c", line], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize(
    ("redirected", "code", "said"),
    [
        ("check ok.hmm > /dev/full", 2, "the output can't be written (no space left on device)"),
        ("fmt - <&-", 2, "nothing can be read from stdin, which is closed"),
        ("check ok.hmm >&- <&-", 0, ""),
        ("check nowhere.hmm 2> /dev/full", 2, ""),
    ],
)
def test_streams_that_are_full_or_closed_end_in_a_sentence(redirected: str, code: int, said: str, tmp_path: Path) -> None:
    done = streams(tmp_path, redirected)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def test_json_escapes_what_a_terminal_would_obey_or_hide_and_means_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    content = {"a\u202eb": ["\u200b\x7f\x9b\U000e0041", "β_0 ≤ 1"]}
    print_json(content)
    printed = capsys.readouterr().out
    assert printed.replace("\n", "").isprintable()
    assert "β_0 ≤ 1" in printed
    assert json.loads(printed) == content
