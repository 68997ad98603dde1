"""Imports: what they bring, where they may lead, and how their mistakes are told."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from hmmdsl.language.modules import imports
from tests.language.process_specs import Declared, declared

TOSS = "hmm toss(p = 1/2) {\n states C\n tokens 0, 1\n C -[0]-> C : p\n C -[1]-> C : rest\n}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    inside = tmp_path / "specs"
    inside.mkdir()
    (inside / "mine.hmm").write_text(TOSS + "param bias = 1/4\nprocess biased = toss(bias)\n")
    return inside


def read(text: str, folder: Path) -> Declared:
    return declared(text, folder, folder / "spec.hmm")


def test_names_and_files_bring_processes_and_params(folder: Path) -> None:
    found = read('import "mine.hmm" as mine\nimport "mine.hmm" as same\nprocess a = mine.toss(same.bias)', folder)
    assert not found.codes
    assert found.process("a").operators[0] == {(0, 0): Fraction(1, 4)}
    assert found.process("mine.biased").operators == found.process("same.toss(mine.bias)").operators
    assert [source.name for source in found.modules.sources] == ["mine.hmm"]


def test_paths_begin_at_the_importing_file(folder: Path) -> None:
    (folder / "parts").mkdir()
    (folder / "parts" / "a.hmm").write_text('import "b.hmm" as b\nimport "../mine.hmm" as mine\nprocess c = b.toss(mine.bias)')
    (folder / "parts" / "b.hmm").write_text(TOSS)
    found = read('import "parts/a.hmm" as a', folder)
    assert not found.codes
    assert found.process("a.c").name == "c"


def test_imports_are_not_passed_on(folder: Path) -> None:
    (folder / "a.hmm").write_text('import "mine.hmm" as mine\nprocess c = mine.toss()')
    assert read('import "a.hmm" as a\nprocess d = a.mine', folder).codes == ["E0605"]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ('import "mime.hmm" as m', "E0601"),
        ('import "" as m', "E0601"),
        ('import "sub" as m', "E0601"),
        ('import "../outside.hmm" as m', "E0603"),
        ('import "../specs/../outside.hmm" as m', "E0603"),
        ('import "/etc/hosts" as m', "E0603"),
        ('import "link.hmm" as m', "E0603"),
        ('import "spec.hmm" as m', "E0602"),
        ("import std.proceses (mess3)", "E0604"),
        ("import os (path)", "E0604"),
        ("import std.processes (mess)", "E0605"),
        ('import "mine.hmm" as m\nprocess a = m.tos()', "E0605"),
        ("import std.processes", "E0607"),
        ("import std.processes (mess3) as m", "E0607"),
        ("import std.processes (mess3, mess3)", "E0202"),
        ("import std.processes (mess3)\nparam mess3 = 1", "E0202"),
    ],
)
def test_each_mistake_is_told_apart(folder: Path, line: str, code: str) -> None:
    (folder / "sub").mkdir()
    (folder.parent / "outside.hmm").write_text(TOSS)
    (folder / "link.hmm").symlink_to(folder.parent / "outside.hmm")
    (folder / "spec.hmm").write_text(line)
    found = read(line, folder)
    assert found.only.code == code
    assert found.only.help


def test_unknown_names_get_the_nearest(folder: Path) -> None:
    assert read("import std.proceses (mess3)", folder).only.help == "did you mean `std.processes`?"
    assert read("import std.processes (mess)", folder).only.help == "did you mean `mess3`?"
    assert read('import "mime.hmm" as m', folder).only.help == "did you mean `mine.hmm`?"


def test_a_circle_is_shown(folder: Path) -> None:
    (folder / "a.hmm").write_text('import "b.hmm" as b')
    (folder / "b.hmm").write_text('import "a.hmm" as a')
    found = read('import "a.hmm" as a', folder)
    assert found.only.code == "E0602"
    assert "a.hmm → b.hmm → a.hmm" in found.only.message
    assert [note.message for note in found.only.notes] == ["imported here", "imported here"]


def test_a_mistake_in_an_imported_file_has_its_place_and_the_way_there(folder: Path) -> None:
    (folder / "bad.hmm").write_text(TOSS.replace("rest", "1/4"))
    found = read('import "bad.hmm" as bad\nprocess a = bad.toss()', folder)
    assert found.only.code == "E0301"
    assert found.only.span is not None
    assert found.only.span.source.name == "bad.hmm"
    assert found.only.notes[-1].message == "imported here"
    assert found.only.notes[-1].span is not None
    assert found.only.notes[-1].span.source.name == "spec.hmm"


def test_syntax_errors_and_bad_files_are_told_in_their_place(folder: Path) -> None:
    (folder / "bad.hmm").write_text("param a = \nparam b = 1")
    found = read('import "bad.hmm" as bad\nparam c = bad.a + bad.b', folder)
    assert all(code.startswith("E01") for code in found.codes)
    (folder / "latin.hmm").write_bytes("# é".encode("latin-1"))
    assert read('import "latin.hmm" as l', folder).codes == ["E0005"]


def test_what_cannot_be_imported_makes_no_further_complaints(folder: Path) -> None:
    assert read('import "no.hmm" as no\nprocess a = no.toss()\nparam b = no.bias + 1', folder).codes == ["E0601"]
    assert read("import std.no (toss)\nprocess a = toss()\nprocess b = toss(1/3)", folder).codes == ["E0604"]


def test_a_text_without_a_folder_imports_std_only() -> None:
    assert declared('import "mine.hmm" as mine').codes == ["E0601"]
    assert not declared("import std.processes (rrxor)\nprocess a = rrxor()").codes


def test_the_number_and_size_of_files_are_limited(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for k in range(4):
        (folder / f"f{k}.hmm").write_text(TOSS)
    lines = "\n".join(f'import "f{k}.hmm" as f{k}' for k in range(4))
    monkeypatch.setattr(imports, "FILES", 3)
    assert read(lines, folder).codes == ["E0606"]
    monkeypatch.setattr(imports, "FILES", 64)
    monkeypatch.setattr(imports, "CHARACTERS", 2 * len(TOSS))
    assert read(lines, folder).codes == ["E0606", "E0606"]
