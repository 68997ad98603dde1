"""The documentation says what is true: its specs compile, its tables are whole, its links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hmmdsl.analysis import kinds
from hmmdsl.cli.manual import records_page
from hmmdsl.language.diagnostics import Diagnostics, SpecError
from hmmdsl.language.elaborate import compile_file, compile_text
from hmmdsl.language.messages.render import render
from hmmdsl.language.parser import parse
from hmmdsl.language.source import Source

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SPECS = sorted((ROOT / "specs").rglob("*.hmm"))
ROW = re.compile(r"^\| \[`\w+`\]\(\.\./(specs/\S+)\) \|[^|]*\|([^|]*)\| (\d+) \|[^|]*\|$", re.MULTILINE)
"""A row of docs/specs.md: the file, the source, the number of claims."""
BLOCK = re.compile(r"^```(hmm(?: fragment)?)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(fence: str) -> list[tuple[str, str]]:
    return [(page.name, text) for page in PAGES for kind, text in BLOCK.findall(page.read_text()) if kind == fence]


@pytest.mark.parametrize(("page", "text"), blocks("hmm"))
def test_every_spec_in_the_documentation_compiles(page: str, text: str) -> None:
    compiled = compile_text(text, page, kinds())
    assert not [d for d in compiled.diagnostics if d.severity == "error"]


@pytest.mark.parametrize(("page", "text"), blocks("hmm fragment"))
def test_every_fragment_in_the_documentation_parses(page: str, text: str) -> None:
    diagnostics = Diagnostics()
    parse(Source(page, text), diagnostics)
    assert not diagnostics.errors


def test_the_tutorial_is_one_spec_that_compiles() -> None:
    text = (ROOT / "docs" / "tutorial.md").read_text()
    compiled = compile_text("\n".join(body for _, body in BLOCK.findall(text)), "golden.hmm", kinds())
    assert set(compiled.experiment.trains) == {"fit"}
    assert len(compiled.claims) == 3


def test_the_tutorial_s_mistake_is_told_as_it_shows() -> None:
    text = (ROOT / "docs" / "tutorial.md").read_text()
    (shown,) = (block for block in re.findall(r"^```text\n(.*?)^```$", text, re.MULTILINE | re.DOTALL) if "E0301" in block)
    wrong = BLOCK.findall(text)[0][1].replace(": 1 - p\n", ": 1 - p/2\n")
    with pytest.raises(SpecError) as told:
        compile_text(wrong, "golden.hmm", kinds())
    assert render(told.value.diagnostics[0]) == shown.rstrip()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        if not target.startswith("https://"):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_records_page_is_what_the_schemas_say() -> None:
    assert (ROOT / "docs" / "records.md").read_text() == records_page(), "run `hmmdsl help --markdown > docs/records.md`"


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.stem)
def test_every_spec_is_named_with_its_claims_and_sources(spec: Path) -> None:
    compiled = compile_file(spec, kinds())
    rows = {file: (source, int(claims)) for file, source, claims in ROW.findall((ROOT / "docs" / "specs.md").read_text())}
    file = str(spec.relative_to(ROOT))
    assert file in rows, "give it a row in docs/specs.md"
    source, claims = rows[file]
    assert claims == len(compiled.claims)
    cite = compiled.experiment.about.cite
    for cited in [cite] if isinstance(cite, str) else cite:
        for identifier in re.findall(r"(?:arXiv|doi):\S+", cited):
            assert identifier in source
    assert f"`{spec.stem}`" in (ROOT / "README.md").read_text(), "name it under `The experiments` in README.md"
