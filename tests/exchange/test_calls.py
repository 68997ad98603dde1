"""Arguments of processes on the command line: calls, `--set`, expressions; and what is said where they are wrong."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from hmmdsl.exchange.finding import find_process, find_processes
from hmmdsl.exchange.portrait import portraits
from hmmdsl.language.diagnostics import SpecError
from hmmdsl.process.process import Process
from hmmdsl.runtime.failures import OutputError

WRITTEN = """\
param eps = 1/10

# A walk. Somebody 1999.
hmm walk(p = 1/2, q = 1/2) {
  states A, B
  tokens 0, 1
  A -[0]-> B : p
  A -[1]-> A : rest
  B -[0]-> B : q
  B -[1]-> A : rest
}

process worn = leak(walk(), eps)
process needy(n) = leak(walk(), n)
"""


@pytest.fixture
def mine(tmp_path: Path) -> str:
    path = tmp_path / "mine.hmm"
    path.write_text(WRITTEN)
    return str(path)


def first(process: Process) -> object:
    return process.operators[0][0, 0]


@pytest.mark.parametrize(
    ("target", "name", "settings"),
    [
        ("std.processes.coin", None, {"p": "1/3"}),
        ("std.processes", "coin", {"p": "1/3"}),
        ("std.processes", "coin", {"coin.p": "1/3"}),
        ("std.processes.coin(p = 1/3)", None, {}),
        ("std.processes", "coin(1/3)", {}),
        ("coin(2/6)", None, {}),
        ("minimize(coin(1/3))", None, {}),
    ],
)
def test_an_argument_may_be_set_or_called(target: str, name: str | None, settings: dict[str, str]) -> None:
    assert first(find_process(target, name, settings)[1]) == Fraction(1, 3)


def test_processes_of_a_file_take_arguments_too(mine: str) -> None:
    assert find_process(mine, "walk", {"p": "1/3"})[1].operators[0][0, 1] == Fraction(1, 3)
    assert find_process(mine, "needy", {"n": "0"})[1].operators == find_process(mine, "walk")[1].operators
    assert find_process(mine, "worn", {"eps": "0"})[1].operators == find_process(mine, "walk")[1].operators
    pair = find_process(mine, "product(walk = walk(1/3), coin = coin())")[1]
    assert pair.states == ("(A, C)", "(B, C)")
    assert pair.operators[0][0, 1] == Fraction(1, 6)
    assert find_process(mine, "walk(q = 1/3)")[1].name == "walk"


@pytest.mark.parametrize(
    ("call", "tokens"),
    [
        ("relabel(coin(), [heads -> walk, tails -> worn])", ("walk", "worn")),
        ("relabel(walk(), [0 -> walk, 1 -> coin])", ("walk", "coin")),
        (
            "product(walk = walk(), worn = relabel(worn, [0 -> needy, 1 -> walk]))",
            ("(0, needy)", "(0, walk)", "(1, needy)", "(1, walk)"),
        ),
        ("minimize(relabel(lib.coin(), [heads -> std, tails -> lib]))", ("std", "lib")),
        ("needy(n = eps)", ("0", "1")),
    ],
)
def test_a_word_of_an_expression_means_a_process_only_where_a_process_can_stand(
    tmp_path: Path, call: str, tokens: tuple[str, ...]
) -> None:
    path = tmp_path / "mine.hmm"
    path.write_text(f"import std.processes as lib\n{WRITTEN}")
    assert find_process(str(path), call)[1].tokens == tokens


def test_a_process_of_the_file_stands_before_one_of_the_library(tmp_path: Path) -> None:
    path = tmp_path / "mine (1).hmm"
    path.write_text("hmm coin { states A; tokens a; A -[a]-> A : 1 }\n")
    assert find_process(str(path), "coin()")[1].tokens == ("a",)
    assert find_process(str(path))[0] == "coin"
    assert find_process(str(path), "std.processes.coin()")[1].tokens == ("heads", "tails")
    assert find_process(str(path), "std.processes.coin( p = 1/3)")[0] == "coin( p = 1/3)"


def test_an_argument_can_not_end_before_its_place() -> None:
    assert first(find_process("std.processes", "coin", {"p": "1/3 # a third"})[1]) == Fraction(1, 3)
    with pytest.raises(SpecError):
        find_process("std.processes", "mess3", {"x": "0.1, alpha = 0.2"})


@pytest.mark.parametrize(
    ("call", "settings", "where"),
    [
        ("minimize(wlk())", {}, "wlk"),
        ("walk.p(1/3)", {}, "p"),
        ("walk[0].q(1/3)", {}, "[0].q"),
        ("minimize(std.processes.coin.p(1/3))", {}, "p"),
        ("product(a = walk(1/3), b = walk(eps / 0))", {}, "eps / 0"),
        ("relabel(walk(), [0 -> walk, 2 -> coin])", {}, "2"),
        ("walk", {"q": "1/3", "p": "1 + sqrt(-1)"}, "sqrt(-1)"),
    ],
)
def test_a_mistake_is_told_at_its_place_as_it_was_typed(mine: str, call: str, settings: dict[str, str], where: str) -> None:
    with pytest.raises(SpecError) as raised:
        find_process(mine, call, settings)
    (told,) = raised.value.diagnostics
    assert told.span is not None
    assert told.span.text == where
    assert told.span.source.text == (call if not settings else "walk(q = 1/3, p = 1 + sqrt(-1))")


def test_a_called_process_is_shown_by_its_call_and_keeps_its_source(mine: str) -> None:
    (shown,) = portraits([mine, "walk"], {"q": "1/3"}, None)
    assert (shown.name, shown.about) == ("walk(q = 1/3)", "A walk. Somebody 1999.")
    beside = portraits(["std.processes", "mess3(x = 0.1)", "mess3"], {}, None)
    assert [each.name for each in beside] == ["mess3(x = 0.1)", "mess3"]


@pytest.mark.parametrize(
    ("target", "name", "settings", "message"),
    [
        ("std.processes.mess3", None, {"alpa": "0.1"}, "no parameter `alpa`: did you mean `alpha`"),
        ("std.processes.mess3", None, {"zzzz": "0.1"}, "it has `x`, `alpha`"),
        ("std.processes.butterfly", None, {"x": "0.1"}, "it has none"),
        ("std.processes", None, {"x": "0.1"}, "name it, as in"),
        ("std.processes.mess4(0.1)", None, {}, "no process 'mess4': did you mean `mess3`"),
        ("std.processes.mess4", None, {"x": "1"}, "the nearest is mess3"),
        ("std.processes.mess3(0.1)", None, {"x": "0.1"}, "write them all into the call"),
        ("frobnicate(1)", None, {}, "has no process 'frobnicate'"),
        ("1 + (2)", None, {}, "makes no process"),
        ("none.hmm", "walk(1)", {}, "there is no file none.hmm"),
    ],
)
def test_a_wrong_argument_is_told_with_the_nearest_that_is_right(
    target: str, name: str | None, settings: dict[str, str], message: str
) -> None:
    with pytest.raises(OutputError, match=message):
        find_processes(target, name, settings)


def test_arguments_and_the_file_s_own_params_do_not_mix(mine: str) -> None:
    with pytest.raises(OutputError, match="set one of the two"):
        find_process(mine, "walk", {"p": "1/3", "eps": "0"})
    with pytest.raises(OutputError, match="no parameter `r`"):
        find_process(mine, "walk", {"walk.r": "1/3"})


@pytest.mark.parametrize(
    ("call", "code"), [("coin(2)", "E0302"), ("coin(r = 1)", "E0208"), ("coin(1", "E0101"), ("coin(1;2)", "E0128")]
)
def test_a_call_is_checked_as_in_a_spec(call: str, code: str) -> None:
    with pytest.raises(SpecError) as raised:
        find_process(f"std.processes.{call}")
    assert raised.value.diagnostics[0].code == code


def test_the_command_line_exits_with_2(command: Callable[..., CompletedProcess[str]]) -> None:
    done = command("sample", "std.processes.coin", "--set", "p=1", "--words", "1", "--length", "3")
    assert (done.returncode, done.stdout) == (0, "heads heads heads\n")
    wrong = command("export", "std.processes.coin", "--set", "bias=1")
    assert wrong.returncode == 2
    assert "no parameter `bias`: it has `p`" in wrong.stderr


def test_the_only_process_of_a_file_needs_no_name_to_be_set(tmp_path: Path) -> None:
    path = tmp_path / "one.hmm"
    path.write_text("hmm flip(eps = 1/10) { states A; tokens 0, 1; A -[0]-> A : eps; A -[1]-> A : rest }\n")
    for setting in ("eps", "flip.eps"):
        called, made = find_process(str(path), None, {setting: "1/5"})
        assert (called, made.operators[0][0, 0]) == ("flip(eps = 1/5)", Fraction(1, 5))
    path.write_text("param eps = 1/4\n" + path.read_text() + "process mine = flip(eps)\n")
    assert find_processes(str(path), None, {"eps": "1/3"})["mine"].operators[0][0, 0] == Fraction(1, 3)
