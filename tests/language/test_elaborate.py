"""Elaboration as a whole: a right spec becomes an experiment, and of a wrong one every mistake is told, once, in one pass."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from hmmdsl.analysis import kinds
from hmmdsl.language.claims.resolution import judge
from hmmdsl.language.diagnostics import SpecError
from hmmdsl.language.elaborate import compile_file
from hmmdsl.schema.base import Exact
from tests.language.record_specs import ALL, BELIEFS, DESIGN, FIT, NET, RRXOR, RUN, at, compiled, messages, only


class TestTheDesignsExample:
    def test_it_compiles_without_a_word(self) -> None:
        result = compiled(DESIGN)
        assert result.diagnostics == []
        experiment = result.experiment
        assert experiment.name == "spec"
        assert experiment.about.cite == "arXiv:2405.15943"
        assert list(experiment.trains) == ["fit"]
        assert list(experiment.analyses) == ["beliefs", "geometry", "unseen"]
        assert list(result.processes) == ["rrxor"]
        assert result.processes["rrxor"].states == ("S", "S0", "S1", "T", "F")

    def test_its_claims_are_ready_to_be_judged(self) -> None:
        claims = compiled(DESIGN).claims
        assert claims[0].text == "geometry.belief.r2 ~= 0.95 ± 0.05"
        assert claims[2].reads == ("beliefs.concat.r2", "beliefs.block[..].r2")
        assert judge(claims[-1], {"fit": {"gap": 5e-5}}).holds
        assert not judge(claims[-1], {"fit": {"gap": 5e-3}}).holds

    def test_the_order_of_statements_means_nothing(self) -> None:
        statements = [RRXOR, NET, FIT, BELIEFS, "expect fit.gap < 1\n"]
        forwards, backwards = compiled("".join(statements)), compiled("".join(reversed(statements)))
        assert forwards.experiment == backwards.experiment


TWELVE = """
import std.processes (coin)
experiment { titel = "twelve mistakes" }                                   # E0501
param half = 1 / 0                                                         # E0401
hmm flip { states A
  tokens h, t
  A -[h]-> A : 1/2
  A -[t]-> A : 1/3                                                         # E0301
}
modle net0: transformer { }                                                # E0220
model net: transformer { layers = 2, d_model = 16, context = 6 }
model odd: transformer { heads = 3 }                                       # E0801
train fit { process = coin(), model = net, steps = 100 }
train bad { process = coin(), model = odd, steps = 0 }                     # E0505
train lost { process = coin(half), model = nett }                          # E0510
analysis a: regression { of = fit, at = [blocks, concat], weights = word } # E0506
analysis b: regression { of = fit, at = [blocks, concat] }
analysis c: distances { of = a.concat }
profile smoke { fit.stepz = 10 }                                           # E0501
expect fit.gap
expect b.block[2].r2 > a.concat.r2                                         # E0703
expect maximum(b.block[..].r2) > 0.9                                       # E0707
expect "never": bad.gap < lost.gap
"""


def test_a_file_with_twelve_mistakes_tells_those_twelve() -> None:
    found = messages(TWELVE)
    expected = ["E0220", "E0301", "E0401", "E0501", "E0501", "E0505", "E0506", "E0510", "E0703", "E0705", "E0707", "E0801"]
    assert sorted(d.code for d in found if d.severity == "error") == expected
    assert len({(d.code, d.span) for d in found}) == len(found)


class TestNames:
    def test_all_declarations_share_one_space(self) -> None:
        for extra in ("train net { process = rrxor(), model = net }", "param fit = 3", "process net = rrxor()", "hmm fit { }"):
            found = [d for d in messages(RUN + extra) if d.code == "E0202"]
            assert len(found) == 1, extra
            assert found[0].notes

    def test_a_name_that_no_file_can_have(self) -> None:
        assert [d.code for d in messages(RUN.replace("fit", "f" * 101))] == ["E0225"]
        assert compiled(RUN.replace("fit", "fähig")).experiment.trains.keys() == {"fähig"}

    def test_both_places_of_a_duplicate_are_shown(self) -> None:
        found = only(RUN + "model net: transformer { }")
        assert found.code == "E0202"
        assert found.span is not None
        assert found.notes[0].span is not None
        assert found.notes[0].span.start < found.span.start

    def test_a_second_declaration_is_checked_too(self) -> None:
        assert [d.code for d in messages(RUN + "model net: transformer { layrs = 3 }")] == ["E0202", "E0501"]

    def test_imports_bring_params_and_processes(self, tmp_path: Path) -> None:
        (tmp_path / "mine.hmm").write_text("param bound = 1/10\n" + RRXOR)
        spec = tmp_path / "spec.hmm"
        spec.write_text(
            'import "mine.hmm" as mine\n' + NET + "train fit { process = mine.rrxor(1/3), model = net }\nexpect fit.gap < 1"
        )
        result = compile_file(spec, kinds())
        assert result.sources[0].name == str(spec)
        assert len(result.processes) == 1

    def test_two_processes_of_one_name_are_kept_apart(self, tmp_path: Path) -> None:
        (tmp_path / "mine.hmm").write_text("hmm rrxor { states A\ntokens 0, 1\nA -[0]-> A : 1/2\nA -[1]-> A : rest }")
        spec = tmp_path / "spec.hmm"
        spec.write_text(
            'import "mine.hmm" as mine\nimport std.processes (rrxor)\n'
            + NET
            + "train a { process = rrxor(), model = net }\ntrain b { process = mine.rrxor(), model = net }"
        )
        result = compile_file(spec, kinds())
        assert len(result.processes) == 2
        assert {len(process.states) for process in result.processes.values()} == {1, 5}


class TestFit:
    def test_a_tree_beyond_memory_says_how_large(self) -> None:
        text = "import std.processes (mess3)\nmodel net: transformer { layers = 1, context = 64 }\n"
        found = only(text + "train fit { process = mess3(), model = net, data = exact }")
        assert (found.code, at(found)) == ("E0803", "exact")
        assert "about 10^30 histories" in found.message
        assert "sampled" in found.help

    def test_the_default_is_checked_too(self) -> None:
        text = "import std.processes (mess3)\nmodel net: transformer { layers = 1, context = 4096 }\n"
        found = only(text + "train fit { process = mess3(), model = net }")
        assert (found.code, at(found)) == ("E0803", "fit")

    def test_sampled_data_fit_any_context(self) -> None:
        text = "import std.processes (mess3)\nmodel net: transformer { layers = 1, context = 64 }\n"
        assert messages(text + "train fit { process = mess3(), model = net, data = sampled }") == []

    def test_an_analysis_of_all_histories_is_checked(self) -> None:
        text = "import std.processes (mess3)\nmodel net: transformer { layers = 1, context = 64 }\n"
        text += "train fit { process = mess3(), model = net, data = sampled }\n"
        found = only(text + "analysis a: regression { of = fit, histories = exact }")
        assert (found.code, at(found)) == ("E0803", "exact")

    def test_what_is_right_is_kept_as_written(self) -> None:
        result = compiled(RRXOR + NET + "train fit { process = rrxor(), model = net, histories = exact }")
        assert result.experiment.trains["fit"].histories == Exact()


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SpecError):
        compile_file(tmp_path / "missing.hmm", kinds())
    (tmp_path / "latin.hmm").write_bytes(b"# \xff\xfe")
    with pytest.raises(SpecError):
        compile_file(tmp_path / "latin.hmm", kinds())


def test_checking_imports_no_heavy_library(tmp_path: Path) -> None:
    spec = tmp_path / "spec.hmm"
    spec.write_text(DESIGN)
    program = (
        "import sys; from pathlib import Path; from hmmdsl.language.elaborate import compile_file; "
        "from hmmdsl.analysis import kinds; "
        f"compile_file(Path({str(spec)!r}), kinds()); "
        "print([m for m in ('torch', 'numpy', 'sklearn', 'scipy', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_empty_file_is_an_empty_experiment() -> None:
    assert compiled("").experiment.trains == {}
    assert compiled("# nothing\n").claims == ()


def test_all_of_a_long_file_is_read() -> None:
    trains = "".join(f"train fit{i} {{ process = rrxor(), model = net, seed = {i} }}\n" for i in range(300))
    claims = "".join(f"expect fit{i}.gap < 0.1\n" for i in range(300))
    result = compiled(RRXOR + NET + trains + claims)
    assert len(result.experiment.trains) == len(result.claims) == 300
    assert len(result.processes) == 1


def test_the_file_s_processes_are_all_known_by_name() -> None:
    result = compiled("import std.processes (mess3)\n" + ALL)
    assert list(result.processes) == ["rrxor"]
    assert set(result.declared) == {"mess3", "rrxor"}
