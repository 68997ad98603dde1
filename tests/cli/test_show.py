"""What `hmmdsl show` prints: one process in full, several side by side, a module as a list; and its page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hmmdsl.exchange.finding import comments_of
from hmmdsl.exchange.kept_facts import facts_of, kept_facts
from hmmdsl.exchange.portrait import Shown, draw, portraits, print_portraits, write_page
from hmmdsl.process.notation import number_text
from hmmdsl.runtime.failures import OutputError

WRITTEN = """\
# A walk with a name like markup: it could be taken for [bold].
# Somebody 1999, Journal 1, 2.
hmm walk {
  states A, B
  tokens "[b]"
  A -["[b]"]-> B
  B -["[b]"]-> A
}

hmm other { states A; tokens 0, 1; A -[0]-> A : 1/4; A -[1]-> A : rest }
"""


@pytest.fixture(scope="module")
def library() -> tuple[Shown, ...]:
    return portraits(["std.processes"], {}, None)


def test_the_library_is_a_list_of_one_line_each(library: tuple[Shown, ...], capsys: pytest.CaptureFixture[str]) -> None:
    print_portraits(library)
    header, *lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(library) == len({each.name for each in library})
    assert "entropy rate (bits)" in header
    assert "source" in header
    for line, each in zip(lines, library, strict=True):
        assert line.startswith(each.name)
        assert each.facts.entropy_rate.text in line
        assert each.source[:20] in line


def test_kept_facts_are_true(library: tuple[Shown, ...]) -> None:
    """If not, `python -m hmmdsl.exchange.kept_facts` writes them anew."""
    kept = [kept_facts(each.process) for each in library]
    # Of definitions with functions a last bit may differ from one machine to another; then they are computed.
    assert sum(each is not None for each in kept) >= sum(each.process.exact for each in library)
    for each, facts in zip(library, kept, strict=True):
        if facts is None:
            continue
        found = facts_of(each.portrait)
        assert facts.beliefs == found.beliefs, each.name
        for name in ("entropy_rate", "statistical_complexity", "excess_entropy"):
            one, other = getattr(facts, name), getattr(found, name)
            assert (one.bits is None) == (other.bits is None), (each.name, name)
            if one.bits is not None:
                assert one.bits == pytest.approx(other.bits, abs=1e-9 + one.error_bits + other.error_bits), (each.name, name)
                assert one.error_bits == pytest.approx(other.error_bits, rel=1, abs=1e-9), (each.name, name)


def test_a_list_of_the_library_computes_no_theory(capsys: pytest.CaptureFixture[str]) -> None:
    fresh = portraits(["std.processes"], {}, None)
    print_portraits(fresh)
    assert "zero_one_random" in capsys.readouterr().out
    assert not [each.name for each in fresh if "portrait" in each.__dict__ and each.process.exact]


def test_fractions_past_reading_are_decimals(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chain = "\n".join(f"  s[{i}] -[0]-> s[{(i + 1) % 6}] : {i + 1}/{1009 + 2 * i}; s[{i}] -[1]-> s[0] : rest" for i in range(6))
    (tmp_path / "mine.hmm").write_text(f"hmm long {{\n  states s[0..6]\n  tokens 0, 1\n{chain}\n}}\n")
    (shown,) = portraits([str(tmp_path / "mine.hmm")], {}, None)
    print_portraits([shown])
    stationary = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("stationary"))
    assert shown.portrait.stationary is not None
    assert stationary.removeprefix("stationary").strip() == ", ".join(number_text(w, 6) for w in shown.portrait.stationary)


def test_a_long_row_of_beliefs_by_depth_ends_with_the_last(capsys: pytest.CaptureFixture[str]) -> None:
    (shown,) = portraits(["std.processes", "simple_nonunifilar"], {}, None)
    print_portraits([shown])
    sizes = shown.portrait.beliefs.growth
    assert f"…, {sizes[-1]:,} after {len(sizes) - 1} tokens" in capsys.readouterr().out


def test_every_library_process_says_where_it_is_from(library: tuple[Shown, ...]) -> None:
    assert all(each.about for each in library)
    by_name = {each.name: each for each in library}
    assert by_name["golden_mean"].source == "Crutchfield & Young 1989, Physical Review Letters 63, 105."
    assert by_name["rrxor"].as_json()["about"].startswith("Random-Random-XOR")


def test_named_processes_stand_side_by_side(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.hmm").write_text(WRITTEN)
    shown = portraits(["std.processes", "even", "rrxor", str(tmp_path / "mine.hmm"), "other"], {}, None)
    assert [each.name for each in shown] == ["even", "rrxor", "other"]
    print_portraits(shown, beside=True)
    out = capsys.readouterr().out
    assert re.search(r"even +rrxor +other", out)
    assert re.search(r"A -\[0\]-> A : 1/2 +S -\[0\]-> S0 : 1/2 +A -\[0\]-> A : 1/4", out)


def test_names_are_no_markup(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.hmm").write_text(WRITTEN)
    print_portraits(portraits([str(tmp_path / "mine.hmm"), "walk"], {}, None))
    out = capsys.readouterr().out
    assert 'A -["[b]"]-> B : 1' in out
    assert "taken for [bold]" in out
    assert comments_of(str(tmp_path / "mine.hmm")).keys() == {"walk"}


def test_what_is_piped_holds_the_drawings_within_the_columns(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    print_portraits(portraits(["std.processes", "even"], {}, None))
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 80
    assert "\x1b" not in out
    assert "4 beliefs after up to" in out
    assert "0 : 1/2 → A" in out
    print_portraits(portraits(["std.processes", "even", "coin"], {}, None), beside=True)
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 80


def test_a_called_process_is_drawn_into_files_of_plain_names(tmp_path: Path) -> None:
    paths = list(draw(portraits(["std.processes.coin(p = 1/3)"], {}, None), tmp_path))
    assert {path.parent for path in paths} == {tmp_path}
    assert {path.name.split(".")[0] for path in paths} == {"coin_p_1_3"}


def test_equal_names_are_told_apart(tmp_path: Path) -> None:
    for name in ("one.hmm", "two.hmm"):
        (tmp_path / name).write_text(WRITTEN)
    one, two = (str(tmp_path / name) for name in ("one.hmm", "two.hmm"))
    assert [each.name for each in portraits([one, "other", two, "other"], {}, None)] == ["other", f"other of {two}"]


def test_the_page_holds_all_that_are_shown(tmp_path: Path) -> None:
    shown = portraits(["std.processes", "even", "coin"], {}, None)
    write_page(shown, tmp_path / "two.html")
    page = (tmp_path / "two.html").read_text()
    assert page.count('<article class="portrait"') == 2
    assert "Hidden states of even" in page
    assert not re.search(r"(?:src|href)=\"https?:", page)
    with pytest.raises(OutputError, match="can't be written"):
        write_page(shown, tmp_path / "none" / "two.html")


def test_of_many_states_that_are_never_reached_the_first_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.hmm").write_text(
        "hmm left(n = 40) { states s[0..n]; tokens 0; for i in 0..n { s[i] -[0]-> s[0] } }\nprocess walk = left()\n"
    )
    shown = portraits([str(tmp_path / "mine.hmm"), "walk"], {}, None)
    print_portraits(shown)
    said = " ".join(capsys.readouterr().out.split())
    assert "never reached: s[1], s[2], s[3], s[4], s[5], s[6], s[7], s[8], s[9], s[10], s[11], s[12], … (39)" in said
    page = tmp_path / "page.html"
    write_page(shown, page)
    assert (
        "Never reached: s[1], s[2], s[3], s[4], s[5], s[6], s[7], s[8], s[9], s[10], s[11], s[12] and 27 more."
        in page.read_text()
    )


def test_a_reducible_process_says_where_it_settles(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A gambler with stakes 0 to 3 begins with 1: ruined with probability 2/3, after 2 rounds on average."""
    (tmp_path / "mine.hmm").write_text(
        "hmm ruin() { states s[0..4]; tokens l, w; s[0] -[l]-> s[0]; s[3] -[w]-> s[3]; start s[1]\n"
        "  for i in 1..3 { s[i] -[l]-> s[i - 1] : 1/2; s[i] -[w]-> s[i + 1] : 1/2 } }\nprocess gambler = ruin()\n"
    )
    shown = portraits([str(tmp_path / "mine.hmm"), "gambler"], {}, None)
    settling = shown[0].as_json()["settling"]
    assert settling["probabilities"] == pytest.approx([2 / 3, 1 / 3])
    assert settling["mean_tokens"] == pytest.approx(2)
    print_portraits(shown)
    said = " ".join(capsys.readouterr().out.split())
    assert "settles into one of 2 classes, with probability 0.666667, 0.333333; after 2 tokens on average" in said
    assert portraits(["std.processes.even"], {}, None)[0].as_json()["settling"] is None
