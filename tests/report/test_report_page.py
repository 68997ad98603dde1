"""The report: whole, self-contained, safe with hostile text, and honest about what holds."""

from __future__ import annotations

import json
import re
import struct
from html.parser import HTMLParser
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from hmmdsl.process.portraying import portrait
from hmmdsl.report.document import fill
from hmmdsl.report.figures import Drawing, draw_figures, learning_curve, training_caption
from hmmdsl.report.page import report_html, write_report
from hmmdsl.report.portrait_section import PortraitText, portrait_text
from hmmdsl.report.process_page import process_page, processes_page
from hmmdsl.report.style import applied, save
from hmmdsl.schema.experiment import Verdict
from tests.report.drawn_processes import coin, golden_mean
from tests.report.finished_runs import FakeRun, bare_run, full_run, trained

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{ 7 * 7 }}"
VOID = {"meta", "img", "br", "hr", "input", "link"}


class Page(HTMLParser):
    """Reads a page and remembers what its elements are; an element closed out of turn is an error."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in ("script", "style"):
            self.text.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of each element of this name."""
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def run() -> FakeRun:
    return full_run()


@pytest.fixture(scope="module")
def drawings(run: FakeRun, tmp_path_factory: pytest.TempPathFactory) -> tuple[Drawing, ...]:
    return draw_figures(run.finished, run.inputs, tmp_path_factory.mktemp("run"))


def test_the_page_is_balanced_and_every_id_is_used_once(run: FakeRun, drawings: tuple[Drawing, ...]) -> None:
    page = Page(report_html(run.finished, drawings))
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = {
        (attributes.get("href") or "")[1:] for attributes in page.all("a") if (attributes.get("href") or "").startswith("#")
    }
    assert targets <= set(ids)


def test_the_page_asks_the_network_for_nothing(run: FakeRun, drawings: tuple[Drawing, ...]) -> None:
    page = Page(report_html(run.finished, drawings))
    for tag, attributes in page.elements:
        assert not {"srcset", "style", "background", "poster", "action"} & set(attributes)
        assert tag not in {"link", "iframe", "object", "embed", "base", "video", "audio"}
        if "src" in attributes:
            assert re.match(r"data:image/(svg\+xml|png);base64,", attributes["src"] or "")
    outward = [attributes["href"] for attributes in page.all("a") if not (attributes["href"] or "").startswith("#")]
    assert outward == ["https://arxiv.org/abs/2405.15943"]
    policy = next(a["content"] or "" for a in page.all("meta") if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy


def test_text_of_a_spec_is_never_markup(drawings: tuple[Drawing, ...]) -> None:
    verdict = Verdict(label=HOSTILE, claim=HOSTILE, holds=False, measured={HOSTILE: 1.0}, reason=HOSTILE)
    run = full_run(title=HOSTILE, verdicts=(verdict,), spec=f"# {HOSTILE}\nexperiment {{ title = {HOSTILE!r} }}\n")
    text = report_html(run.finished, drawings)
    page = Page(text)
    assert len(page.all("script")) == 1
    assert all("onerror" not in attributes for _, attributes in page.elements)
    assert "".join(page.text).count("<script>alert(1)</script>") >= 5
    assert "{{ 7 * 7 }}" in text


def test_each_claim_says_in_a_word_whether_it_holds_and_what_was_measured(run: FakeRun) -> None:
    text = "".join(Page(report_html(run.finished)).text)
    for verdict in run.finished.verdicts:
        assert verdict.claim in text
        assert verdict.label in text
        assert verdict.reason in text
    assert "3 of 4 claims hold. Fragile: wider is better." in text
    assert "by net.d_model 8 → 0.61 [0.5, 0.7] 32 → 0.62 [0.6, 0.65]" in text
    assert "Holds by 0.01, 0.1 spreads over seeds: fragile" in text
    assert re.search(r"✗\s+fails\s+fit\.gap < 1e-6\s+fit\.gap\s+10⁻⁵\s+1e-05 is not below 1e-06", text)
    assert "0.1, undefined, 0.3" in text


def test_scores_stand_beside_their_controls_in_sample_and_held_out(run: FakeRun) -> None:
    text = report_html(run.finished)
    row = re.search(r"<tr><th scope=\"row\"><code>concat</code></th>(.*?)</tr>", text)
    assert row is not None
    assert re.findall(r">([^<]+)</td>", row[1]) == ["0.950", "0.650", "0.700", "0.560", "0.540", "0.115", "−0.020", "–"]


def test_every_figure_has_a_caption_and_an_alternative_text(run: FakeRun, drawings: tuple[Drawing, ...]) -> None:
    page = Page(report_html(run.finished, drawings))
    pictures = page.all("img")
    assert len(pictures) == len(drawings) == len(page.all("figcaption"))
    assert all(len(picture["alt"] or "") > 20 for picture in pictures)
    text = "".join(page.text)
    assert all(drawing.caption in text for drawing in drawings)


def test_results_have_units_and_the_paths_of_claims(run: FakeRun) -> None:
    text = "".join(Page(report_html(run.finished)).text)
    assert re.search(r"fit\.gap\s*10⁻⁵\s*nats", text)
    assert "beliefs.block[3].untrained.held_out.r2" in text
    assert "beliefs.block[0].position[..].r2" in text


def test_the_listing_gives_the_spec_back(run: FakeRun) -> None:
    text = report_html(run.finished)
    start, end = text.index('<code id="spec-text">'), text.index("</code></pre>", text.index('<code id="spec-text">'))
    listing = "".join(Page(text[start:end] + "</code>").text)
    assert listing == run.finished.spec


def test_a_run_of_nothing_has_a_page(tmp_path: Path) -> None:
    path = write_report(bare_run(), tmp_path)
    page = Page(path.read_text(encoding="utf-8"))
    assert "The spec makes no claims." in "".join(page.text)
    assert draw_figures(bare_run(), {}, tmp_path) == ()
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.html"]


def test_a_run_without_a_spec_or_figures_has_a_page() -> None:
    page = Page(report_html(full_run(spec=None, verdicts=()).finished))
    assert not page.all("img")
    assert "hmmdsl run experiment.yaml" in "".join(page.text)


def test_the_same_run_draws_the_same_bytes(run: FakeRun, drawings: tuple[Drawing, ...], tmp_path: Path) -> None:
    for before, again in zip(drawings, draw_figures(run.finished, run.inputs, tmp_path), strict=True):
        assert before.png.read_bytes() == again.png.read_bytes()
        assert before.svg.read_bytes() == again.svg.read_bytes()
    assert not [path for path in (tmp_path / "figures").iterdir() if path.suffix not in (".png", ".svg")]


def test_a_portrait_reads_the_same_from_the_store() -> None:
    text = portrait_text(portrait(golden_mean()))
    assert PortraitText.from_json(json.loads(json.dumps(text.as_json()))) == text


@pytest.mark.parametrize("values", [[0.0, 0.25, 1.0], [-3.0, 0.0, 3.0], [0.0, 1e6, 4e6]])
def test_tick_labels_say_what_formulas_would(values: list[float], tmp_path: Path) -> None:
    def drawn(plain: bool) -> list[str]:
        with applied():
            figure = Figure(figsize=(5, 3), layout="constrained")
            axes = figure.add_subplot()
            axes.plot(values, values)
            if plain:
                save(figure, tmp_path, "line")
            figure.draw_without_rendering()
            return [label.get_text() for label in axes.get_xticklabels()]

    assert drawn(plain=True) == [re.sub(r"\$\\mathdefault\{(.*)\}\$", r"\1", label) for label in drawn(plain=False)]


def test_a_figure_is_drawn_once_for_each_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn, draw = [], Figure.draw
    monkeypatch.setattr(Figure, "draw", lambda figure, renderer: (drawn.append(figure), draw(figure, renderer)))
    with applied():
        figure = Figure(figsize=(3, 2), layout="constrained")
        figure.subplots().plot([1, 2])
        png, _ = save(figure, tmp_path, "line")
    assert drawn == [figure, figure]
    assert struct.unpack(">II", png.read_bytes()[16:24]) == (600, 400)  # the width and height that a PNG's header gives


def test_a_process_has_a_page_of_its_own() -> None:
    page = Page(process_page(golden_mean()))
    text = "".join(page.text)
    assert "0.666666667" in text
    assert "nats per token" in text
    assert len(page.all("img")) == 4
    assert all((picture["src"] or "").startswith("data:image/png;base64,") for picture in page.all("img"))


def test_several_processes_stand_side_by_side_on_their_page() -> None:
    page = processes_page([(process.name, process, None) for process in (golden_mean(), coin())])
    (table,) = re.findall(r'<table class="plain compared">.*?</table>', page, re.DOTALL)
    rows = {
        name: re.findall(r"<td>(.*?)</td>", cells) for name, cells in re.findall(r'<th scope="row">(.*?)</th>(.*)</tr>', table)
    }
    first, second = rows["entropy rate"]
    assert first == "0.666666667 bits = 0.462098120 nats <small>per token</small>"
    assert second == "1.000000000 bits = 0.693147181 nats <small>per token</small>"
    assert rows["causal states"] == ["2", "1"]
    assert 'href="#process-coin"' in table
    assert 'id="process-coin"' in page
    assert "compared" not in re.sub(r"<style>.*?</style>", "", process_page(golden_mean()), flags=re.DOTALL)


def test_a_noisy_curve_is_drawn_and_its_caption_says_that_batches_scatter() -> None:
    run = trained("sampled")
    with applied():
        assert len(learning_curve(run).axes) == 2
    assert "scatter" in training_caption(run)
    assert "scatter" not in training_caption(trained())


def test_characters_that_turn_or_hide_others_are_seen_on_the_page() -> None:
    page = fill("process.html", title="a\u202eb\u200bc\x1b]52;c;x\x07<b>", portraits=[], compared=[])
    assert "a\ufffdb\ufffdc\ufffd]52;c;x\ufffd&lt;b&gt;" in page
    assert not {"\u202e", "\u200b", "\x1b", "\x07"} & set(page)
