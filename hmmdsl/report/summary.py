"""The report's opening: one paragraph and a few numbers, made from the results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hmmdsl.process.notation import number_text
from hmmdsl.report.claim_words import fragile_names
from hmmdsl.report.scores import ScoreTable, best
from hmmdsl.report.wording import count_text, score_text

if TYPE_CHECKING:
    from hmmdsl.report.finished import Finished
    from hmmdsl.training.trained import Trained


@dataclass(frozen=True)
class KeyNumber:
    """One number shown large, with its unit, what it is, and what to compare it with."""

    value: str
    unit: str
    meaning: str
    beside: str = ""


def training_sentence(trained: Trained) -> str:
    """What was trained, on what, and how close to optimal it came."""
    model, train = trained.model, trained.train
    data = (
        "the exact expected loss over all histories"
        if train.data.kind == "exact"
        else f"batches of {train.data.batch:,} drawn words"
    )
    return (
        f"{trained.name}: {model.summary} with "
        f"{count_text(trained.parameters, 'parameter')} was trained for {count_text(train.steps, 'step')} on {data} of "
        f"{trained.process.name} (context {model.context}). Its loss is {number_text(trained.loss, 6)} nats per token, "
        f"{number_text(trained.gap, 3)} above the optimum of {number_text(trained.optimum, 6)}."
    )


def claims_sentence(finished: Finished) -> str:
    """How many claims hold, and which are fragile."""
    count = len(finished.verdicts)
    held = sum(verdict.holds for verdict in finished.verdicts)
    if not count:
        return "The spec makes no claims."
    if held == count:
        said = f"All {count} claims hold." if count > 1 else "Its one claim holds."
    else:
        said = (
            f"{held} of {count} claims hold." if held else ("None of its claims holds." if count > 1 else "Its one claim fails.")
        )
    names = list(fragile_names(finished.verdicts))
    return f"{said} Fragile: {'; '.join(names)}." if names else said


def summary_paragraphs(finished: Finished, tables: list[ScoreTable]) -> list[str]:
    """Training and representation, each a sentence or two; that there are no claims, if so."""
    sentences = [training_sentence(trained) for trained in finished.trained.values()]
    sentences += [f"{table.name}: {table.headline}" for table in tables if table.headline]
    return sentences if finished.verdicts else [*sentences, claims_sentence(finished)]


def key_numbers(finished: Finished, tables: list[ScoreTable]) -> list[KeyNumber]:
    """Claims held, the gap, and the best scores beside their untrained controls: at most five."""
    numbers = []
    if finished.verdicts:
        held = sum(verdict.holds for verdict in finished.verdicts)
        fragile = sum(1 for _ in fragile_names(finished.verdicts))
        numbers.append(
            KeyNumber(f"{held} / {len(finished.verdicts)}", "", "claims hold", f"{fragile} fragile" if fragile else "")
        )
    if finished.trained:
        first = next(iter(finished.trained.values()))
        optimum = f"optimum {number_text(first.optimum, 4)}"
        numbers.append(KeyNumber(number_text(first.gap, 3), "nats", "above the optimal loss", optimum))
    for table in tables:
        row = best(table.rows)
        if row is None:
            continue
        place = f"{table.name}.{row.point}" if row.point != table.name else table.name
        if row.held_out is not None:
            numbers.append(
                KeyNumber(score_text(row.held_out), "", f"R² held out{_by(row.by)}, {place}", _beside(row.held_out_controls))
            )
        else:
            numbers.append(KeyNumber(score_text(row.trained), "", f"R² in sample, {place}", _beside(row.controls)))
    return numbers[:5]


def _by(by: str) -> str:
    """What was held out together, where it was more than a history."""
    return "" if by == "history" else f" by {by}"


def _beside(controls: Mapping[str, float | None]) -> str:
    return " · ".join(f"{name} {score_text(value)}" for name, value in controls.items())
