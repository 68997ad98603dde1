"""What a terminal shows of a process: every belief at its place, every transition of the mixed states, within the width."""

from __future__ import annotations

import io
import re
from fractions import Fraction

import numpy as np
import pytest
from rich.console import Console

from hmmdsl.exchange.finding import find_processes
from hmmdsl.process.algebra.product import product
from hmmdsl.process.mixed_states import mixed_state_presentation
from hmmdsl.process.portraying import portrait
from hmmdsl.process.process import Process
from hmmdsl.report.text.automaton import automaton_lines, belief_names
from hmmdsl.report.text.canvas import BLANK, Canvas
from hmmdsl.report.text.pictures import entropy_curve, pictures
from hmmdsl.report.text.plain import diagrams_as_json
from hmmdsl.report.text.simplex import belief_picture

LIBRARY = find_processes("std.processes")


def sheet(process: Process, width: int) -> list[str]:
    return [row.plain for row in belief_picture(process, width)[1]]


def test_a_dot_lies_where_it_was_put_and_nowhere_else() -> None:
    canvas = Canvas(3, 2)
    canvas.dots(np.array([[0.0, 0.0], [5.0, 7.0], [99.0, 0.0], [-1.0, 3.0]]))
    assert [row.plain for row in canvas.rows()] == [f"{chr(BLANK + 0x01)}  ", f"  {chr(BLANK + 0x80)}"]


def test_a_text_is_moved_to_where_it_fits() -> None:
    canvas = Canvas(6, 1)
    canvas.write(0, 4, "long")
    assert canvas.rows()[0].plain == "  long"


@pytest.mark.parametrize("name", ["coin", "even", "rrxor", "butterfly", "thue_morse_16", "moon", "days_of_week"])
def test_every_kind_of_process_fits_its_width(name: str) -> None:
    process = LIBRARY[name]
    about = portrait(process, depth=4)
    for width in (30, 80):
        stream = io.StringIO()
        Console(file=stream, width=width, legacy_windows=False).print(pictures(process, about, width))
        lines = stream.getvalue().splitlines()
        assert max(map(len, lines)) <= width
        assert any("mixed states" in line for line in lines)
    assert pictures(process, about, 20) is None


def test_two_states_lie_on_a_line_at_their_probabilities() -> None:
    """Even: the beliefs are A alone, (2/3, 1/3), (1/2, 1/2) and B alone."""
    rows = sheet(LIBRARY["even"], 44)
    marks = [column for column, letter in enumerate(rows[0]) if letter in "●•·"]
    left, right = marks[0], marks[-1]
    assert [(column - left) / (right - left) for column in marks] == pytest.approx([0, 1 / 3, 1 / 2, 1], abs=0.03)
    assert rows[1].split() == ["A", "B"]


def test_the_triangle_has_its_corners_and_the_cloud_is_as_symmetric_as_mess3() -> None:
    rows = sheet(LIBRARY["mess3"], 44)
    assert rows[0].split() == ["s[2]"]
    assert rows[-1].split() == ["s[0]", "s[1]"]
    dots = [
        [bool((ord(letter) - BLANK) & bit) if ord(letter) >= BLANK else False for letter in row for bit in half]
        for row in rows[1:-1]
        for half in ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
    ]
    lit = np.array(dots)
    columns = np.flatnonzero(lit.any(axis=0))
    mirrored = lit[:, columns[0] : columns[-1] + 1]
    assert np.mean(mirrored == mirrored[:, ::-1]) > 0.95
    assert 0.2 < lit.mean() < 0.5  # the triangle is half of its box


def test_a_qubit_s_beliefs_lie_within_the_rim_of_their_disk() -> None:
    rows = sheet(LIBRARY["bloch_walk"], 40)
    assert rows[0].strip() == "d[2]"
    assert any(row.rstrip().endswith("d[1]") for row in rows)
    inked = [len(row.strip()) for row in rows[1:-1] if row.strip()]
    assert max(inked) == inked[len(inked) // 2] or max(inked) - inked[len(inked) // 2] <= 2


def test_the_automaton_lists_every_belief_with_all_that_follows() -> None:
    title, lines = automaton_lines(LIBRARY["golden_mean"], 80)
    assert "mixed states" in title
    assert [re.sub(r" +", " ", line.plain).strip() for line in lines] == [
        "start (2/3, 1/3) 0 : 2/3 → A 1 : 1/3 → B",
        "A* 0 : 1/2 → A 1 : 1/2 → B",
        "B* 0 : 1 → A",
    ]


@pytest.mark.parametrize("name", ["rrxor", "zero_one_random", "odd", "nemo"])
def test_the_listed_probabilities_are_those_of_the_presentation(name: str) -> None:
    presentation = mixed_state_presentation(LIBRARY[name])
    names = belief_names(presentation)
    assert len(set(names)) == len(names) == len(presentation)
    listed: dict[str, Fraction] = {}
    current = ""
    for line in automaton_lines(LIBRARY[name], 80)[1]:
        if not line.plain.startswith(" "):
            current = line.plain.split()[0].rstrip("*")
        for share in re.findall(r"\S+ : (\S+) → \S+", line.plain):
            listed[current] = listed.get(current, Fraction(0)) + Fraction(share)
    assert listed == dict.fromkeys(names, Fraction(1))


def test_what_does_not_close_shows_its_growth() -> None:
    title, lines = automaton_lines(LIBRARY["mess3"], 60)
    assert "not closed" in title
    assert [line.plain.split()[:2] for line in lines[:3]] == [["0", "1"], ["1", "4"], ["2", "13"]]
    bars = [line.plain.count("█") for line in lines]
    assert bars == sorted(bars)


def test_the_curve_falls_from_the_first_entropy_to_the_rate() -> None:
    title, lines = entropy_curve([1.0, 0.5, 0.25], 0.25, 40)
    assert "0.250000" in title
    marks = [(row, line.plain.index("●")) for row, line in enumerate(lines) if "●" in line.plain]
    assert marks == sorted(marks)
    assert len(marks) == 3
    assert lines[0].plain.startswith("1.000")
    flat = entropy_curve([0.0, 0.0], 0.0, 40)[1]
    assert sum(line.plain.count("●") for line in flat) == 2


def test_programs_get_the_same_as_data() -> None:
    found = diagrams_as_json(LIBRARY["even"])
    assert {"from": "B", "token": "1", "to": "A", "probability": "1"} in found["transitions"]
    assert found["mixed_states"]["names"] == ["start", "A", "b1", "B"]
    assert found["mixed_states"]["beliefs"][2] == ["1/2", "1/2"]
    assert sum(found["belief_cloud"]["probability"]) == pytest.approx(1, abs=1e-12)
    assert [place[0] for place in found["belief_cloud"]["place"]] == pytest.approx(
        [b[1] for b in found["belief_cloud"]["beliefs"]]
    )
    assert diagrams_as_json(LIBRARY["mess3"])["mixed_states"] is None
    assert diagrams_as_json(LIBRARY["bloch_walk"])["belief_cloud"]["plane"] == "disk"


def test_of_a_large_product_only_what_its_factors_tell_is_drawn() -> None:
    """Its joint matrices would have 14 million entries."""
    (mess3,) = find_processes("std.processes", "mess3").values()
    five = product(dict.fromkeys("abcde", mess3))
    assert pictures(five, portrait(five), 100) is not None
    assert diagrams_as_json(five) == {"transitions": None, "mixed_states": None, "belief_cloud": None}
