"""The report: one HTML file that opens anywhere, with the claims, the figures, all numbers, the spec and how to run it again."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hmmdsl.files.writing import write_whole
from hmmdsl.report.claim_words import Term, is_fragile, margin_text, seeds_text, terms, unrepeated
from hmmdsl.report.document import data_uri, fill
from hmmdsl.report.figures import Picture
from hmmdsl.report.portrait_section import PortraitSection, portrait_section
from hmmdsl.report.results_table import result_tables
from hmmdsl.report.scores import ScoreTable, score_tables
from hmmdsl.report.summary import claims_sentence, key_numbers, summary_paragraphs
from hmmdsl.report.sweeps.section import sweep_section
from hmmdsl.report.wording import citation, seconds_text

if TYPE_CHECKING:
    from hmmdsl.report.figures import Drawing
    from hmmdsl.report.finished import Finished
    from hmmdsl.schema.experiment import Verdict


@dataclass(frozen=True)
class ClaimRow:
    """A claim, whether it holds, what it compared, and by how much it holds; `fragile` if another seed may turn it."""

    label: str
    claim: str
    holds: bool
    fragile: bool
    reason: str
    terms: tuple[Term, ...]
    seeds: str
    margin: str


@dataclass(frozen=True)
class FigureSection:
    """A section of figures, with the regressions' score tables where they belong."""

    anchor: str
    title: str
    intro: str
    pictures: tuple[Picture, ...]
    tables: tuple[ScoreTable, ...] = ()


@dataclass(frozen=True)
class _Plan:
    anchor: str
    title: str
    intro: str
    shows: tuple[tuple[str, str | None], ...]
    """(kind, figure) of what belongs here; figure None: all of that kind that no earlier section took."""


_SECTIONS = (
    _Plan(
        "geometry",
        "Belief geometry",
        "Left, what an optimal observer believes after each history: a point of the simplex of hidden states. Right, the same "
        "histories as the network represents them: its activations under one affine map. Colour is the true belief.",
        (("regression", "geometry"),),
    ),
    _Plan(
        "layers",
        "Where it is represented, beside the controls",
        "A score alone says little: an untrained network and random features score too. In sample, the fit has seen every "
        "history it is scored on; held out, none of them.",
        (("regression", None),),
    ),
    _Plan(
        "distances",
        "Distances",
        "Pairs of beliefs: how far apart they are in truth, and in the network’s representation.",
        (("distances", None),),
    ),
    _Plan("training", "Training", "How the loss comes down to its optimum, in nats per token.", (("train", None),)),
    _Plan("emergence", "Emergence", "The same measurement at the checkpoints of training.", (("emergence", None),)),
    _Plan(
        "positions",
        "Loss by position",
        "After l tokens an optimal observer loses the myopic entropy of the next token; the gap is what the network loses "
        "beyond it.",
        (("loss", None),),
    ),
)


def write_report(finished: Finished, folder: Path, drawings: Sequence[Drawing] = ()) -> Path:
    """Write `folder/report.html` with these figures inside it, beside itself first and then renamed into place.

    Returns its path. Raises OSError if the folder cannot be written.
    """
    path = folder / "report.html"
    write_whole(path, report_html(finished, drawings), durable=False)
    return path


def report_html(finished: Finished, drawings: Sequence[Drawing] = ()) -> str:
    """The report's text."""
    experiment = finished.experiment
    tables = score_tables(finished)
    about = experiment.about
    cites = (about.cite,) if isinstance(about.cite, str) else about.cite
    authors = (about.authors,) if isinstance(about.authors, str) else about.authors
    return fill(
        "page.html",
        name=experiment.name,
        title=about.title or experiment.name,
        citations=[citation(text) for text in cites if text],
        authors=", ".join(name for name in authors if name),
        notes=about.notes,
        verdict=claims_sentence(finished),
        all_hold=all(verdict.holds for verdict in finished.verdicts),
        key_numbers=key_numbers(finished, tables),
        paragraphs=summary_paragraphs(finished, tables),
        claims=[_claim_row(verdict) for verdict in finished.verdicts],
        fragile=any(is_fragile(verdict) for verdict in finished.verdicts),
        locked=finished.locked,
        one_seed=any(unrepeated(verdict) for verdict in finished.verdicts),
        sections=_sections(drawings, tables),
        sweeps=[
            sweep_section(table, [_picture(d) for d in drawings if d.kind == table.kind and d.owner == table.name])
            for table in finished.sweeps
        ],
        portraits=_portraits(finished, drawings),
        results=result_tables(finished),
        spec=None if finished.spec is None else spec_lines(finished.spec),
        environment=list(_flat(finished.environment)),
        seeds=[(name, train.seed, train.threads) for name, train in experiment.trains.items()],
        seconds=[
            (stage, "from the store" if stage in finished.cached else seconds_text(taken))
            for stage, taken in finished.seconds.items()
        ],
        total=seconds_text(sum(finished.seconds.values())),
    )


def _claim_row(verdict: Verdict) -> ClaimRow:
    return ClaimRow(
        verdict.label,
        verdict.claim,
        verdict.holds,
        is_fragile(verdict),
        verdict.reason,
        tuple(terms(verdict)),
        _sentence(seeds_text(verdict)),
        _sentence(margin_text(verdict)),
    )


def _sentence(said: str) -> str:
    return f"{said[0].upper()}{said[1:]}." if said else ""


def _sections(drawings: Sequence[Drawing], tables: Sequence[ScoreTable]) -> list[FigureSection]:
    """The sections that have something to show, in the order of the story; kinds that no section knows come last, one each."""
    left = [drawing for drawing in drawings if drawing.kind not in ("process", "sweep", "seeds")]
    sections = []
    known = {kind for plan in _SECTIONS for kind, _ in plan.shows}
    others = dict.fromkeys(drawing.kind for drawing in left if drawing.kind not in known)
    plans = [*_SECTIONS, *(_Plan(f"kind-{k}", kind.capitalize(), "", ((kind, None),)) for k, kind in enumerate(others))]
    for plan in plans:
        taken = [d for d in left if any(d.kind == kind and figure in (None, d.figure) for kind, figure in plan.shows)]
        left = [drawing for drawing in left if drawing not in taken]
        shown = tuple(tables) if plan.anchor == "layers" else ()
        if taken or shown:
            pictures = tuple(_picture(drawing) for drawing in taken)
            sections.append(FigureSection(plan.anchor, plan.title, plan.intro, pictures, shown))
    return sections


def _picture(drawing: Drawing) -> Picture:
    title = drawing.owner if drawing.kind != "process" else ""
    return Picture(
        data_uri(drawing.svg, drawing.png),
        drawing.alt,
        drawing.caption,
        title,
        "/".join(drawing.png.parts[-3 if drawing.kind == "sweep" else -2 :]),  # as it lies in the run folder
        drawing.kind != "process" or drawing.figure == "msp",
        Picture.pixels(drawing.inches[0]),
        Picture.pixels(drawing.inches[1]),
    )


def _portraits(finished: Finished, drawings: Sequence[Drawing]) -> list[PortraitSection]:
    """One for each process that something was trained on or that was read."""
    portraits = []
    for owner, text in finished.portraits.items():
        pictures = tuple(_picture(d) for d in drawings if d.kind == "process" and d.owner == owner)
        portraits.append(portrait_section(owner, text, pictures))
    return portraits


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Nested mappings as (name, text) rows."""
    for name, value in values.items():
        path = f"{prefix} {name}".strip()
        if isinstance(value, Mapping):
            yield from _flat(value, path)
        else:
            yield path, ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


@dataclass(frozen=True)
class Span:
    """Text in one css class (empty: none)."""

    css: str
    text: str


def spec_lines(text: str) -> list[list[Span]]:
    """The lines of a spec, each as spans; together they give the text back, line ends apart."""
    from hmmdsl.language.formatting.highlight import highlight

    lines: list[list[Span]] = [[]]
    for css, piece in highlight(text.replace("\r\n", "\n")):
        name = "hl-" + re.sub(r"[^a-z0-9]+", "-", css.lower()) if css else ""
        first, *rest = piece.split("\n")
        if first:
            lines[-1].append(Span(name, first))
        lines.extend([Span(name, part)] if part else [] for part in rest)
    if lines and not lines[-1]:
        lines.pop()
    return lines
