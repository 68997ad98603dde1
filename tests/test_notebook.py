"""The Python face: what it gives is what the theory says, it imports little, its page is true."""

from __future__ import annotations

import doctest
import math
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import hmmdsl
from hmmdsl.notebook import NotebookProcess

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def rrxor() -> NotebookProcess:
    return hmmdsl.process("std.processes", "rrxor")


def test_the_page_s_examples_give_what_they_show() -> None:
    found = doctest.testfile(str(ROOT / "docs" / "python.md"), module_relative=False)
    assert found.attempted > 20
    assert not found.failed


def test_importing_it_imports_nothing_heavy() -> None:
    program = (
        "import sys, hmmdsl\n"
        "assert not {'torch', 'numpy', 'lark', 'pydantic', 'matplotlib'} & set(sys.modules)\n"
        "assert callable(hmmdsl.process)\n"
        "from hmmdsl.process.process import Process\n"
        "assert hmmdsl.process('std.processes.coin').process == Process('coin', *(getattr(hmmdsl.process('std.processes.coin')"
        ".process, name) for name in ('tokens', 'states', 'operators', 'start')))\n"
        "assert 'torch' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_beliefs_and_probabilities_are_those_of_the_history_tree(rrxor: NotebookProcess) -> None:
    from hmmdsl.process.history_tree import words_of

    tree = rrxor.history_tree(5)
    for word, belief, next_token, probability in zip(words_of(tree), tree.belief, tree.next_token, tree.probability, strict=True):
        read = [int(x) for x in word if x >= 0]
        np.testing.assert_allclose(rrxor.belief(read), belief, atol=1e-14)
        np.testing.assert_allclose(rrxor.next_token(read), next_token, atol=1e-14)
        assert math.isclose(rrxor.probability(read), probability)
        assert math.isclose(math.exp(rrxor.log_probability_nats(read)), probability)


def test_words_may_be_written_in_three_ways(rrxor: NotebookProcess) -> None:
    assert rrxor.indices("0 1 1") == rrxor.indices("011") == rrxor.indices(["0", "1", "1"]) == rrxor.indices([0, 1, 1])
    assert rrxor.indices(np.array([0, 1, 1])) == (0, 1, 1)  # type: ignore[arg-type]
    assert rrxor.text([0, 1, 1]) == "011"
    coin = hmmdsl.process("std.processes", "coin")
    assert coin.indices("tails heads") == (1, 0)
    assert coin.indices("tails") == (1,)
    assert coin.text([1, 0]) == "tails heads"
    for wrong in ("012", [2], [-1], [True], [0.5]):
        with pytest.raises(ValueError, match="is no token"):
            rrxor.indices(wrong)  # type: ignore[arg-type]


def test_a_long_word_does_not_underflow() -> None:
    mess3 = hmmdsl.process("std.processes", "mess3", x=0.07)
    word = mess3.sample(1, 3000, seed=1)[0].tolist()
    rate = -mess3.log_probability_nats(word) / 3000
    assert abs(rate - mess3.entropy_rate().value_nats) < 0.05


@pytest.mark.parametrize("third", ["1/3", Fraction(1, 3)])
def test_parameters_are_exact(third: str | Fraction) -> None:
    process = hmmdsl.process("std.processes", "rrxor", p=third, q=0.25)
    assert process.process.exact
    assert process.process.operators[0][0, 1] == Fraction(1, 3)
    assert process.exact_probability("000") == hmmdsl.process("std.processes.rrxor", p="1/3", q="1/4").exact_probability("000")


def test_a_spec_s_process_takes_parameters_too(tmp_path: Path) -> None:
    path = tmp_path / "mine.hmm"
    path.write_text("hmm coin(p) {\n  states A\n  tokens 0, 1\n  A -[0]-> A : p\n  A -[1]-> A : rest\n}\n")
    assert hmmdsl.process(path, "coin", p=0.1).exact_probability("01") == Fraction(9, 100)
    lists = hmmdsl.process("std.processes", "matching_parens", opens=[1, "1/3", 0.25])
    assert len(lists.states) == 4


def test_mistakes_are_told(tmp_path: Path, rrxor: NotebookProcess) -> None:
    with pytest.raises(hmmdsl.SpecError, match="E0208"):
        hmmdsl.process("std.processes", "rrxor", r=1)
    with pytest.raises(hmmdsl.SpecError):
        hmmdsl.process("std.processes", "rrxor", p="1/2)\nimport")
    with pytest.raises(hmmdsl.SpecError, match="between 0 and 1"):
        hmmdsl.process("std.processes", "rrxor", p=2)
    with pytest.raises(hmmdsl.OutputError, match="the nearest is rrxor"):
        hmmdsl.process("std.processes", "rrxr")
    with pytest.raises(hmmdsl.OutputError, match="there is no file"):
        hmmdsl.process(tmp_path / "none.hmm", "coin", p=1)
    with pytest.raises(hmmdsl.OutputError, match="name"):
        hmmdsl.process("specs/rrxor.hmm", p=1)
    with pytest.raises(ValueError, match="give a shorter context"):
        rrxor.history_tree(60)
    with pytest.raises(AttributeError, match="nothing"):
        hmmdsl.nothing  # type: ignore[attr-defined]  # noqa: B018


def test_a_notebook_shows_facts_and_picture_and_escapes_names(capsys: pytest.CaptureFixture[str], rrxor: NotebookProcess) -> None:
    cell = rrxor._repr_html_()
    assert "0.666666667 bits" in cell
    assert "data:image/png;base64," in cell
    assert "<script" not in NotebookProcess("<script>", rrxor.process)._repr_html_()
    rrxor.show()
    assert "0.666666667 bits" in capsys.readouterr().out
