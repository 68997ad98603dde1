"""A finished run as tracking tools take it: settings, curves, numbers, claims, figures, all by name."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hmmdsl.report.claim_words import margin_text, terms
from hmmdsl.runtime.results_file import numbers

if TYPE_CHECKING:
    from hmmdsl.runtime.run import Run
    from hmmdsl.schema.experiment import Experiment, Verdict
    from hmmdsl.training.trained import CurvePoint


@dataclass(frozen=True)
class Record:
    """`params` are the resolved fields (`fit.optimizer.lr`) as text, `curves` the learning curves by train (nats), `results`
    every defined number by its path, `figures` images by name. `digest` is that of the experiment with its results."""

    name: str
    run: str
    folder: Path
    digest: str
    params: Mapping[str, str]
    curves: Mapping[str, tuple[CurvePoint, ...]]
    results: Mapping[str, float]
    claims: tuple[Verdict, ...]
    figures: Mapping[str, Path]


def record_of(finished: Run, experiment: Experiment) -> Record:
    """What there is to hand over of a finished run."""
    digest = sha256()
    for name in ("experiment.yaml", "results.json", "claims.json"):
        digest.update((finished.folder / name).read_bytes())
    return Record(
        name=experiment.name,
        run=finished.folder.name,
        folder=finished.folder,
        digest=digest.hexdigest(),
        params=dict(_params(experiment)),
        curves=finished.curves,
        results={path: value for path, value in numbers(finished.results) if value is not None},
        claims=finished.verdicts,
        figures={path.stem: path for path in sorted((finished.folder / "figures").glob("*.png"))},
    )


def claims_as_text(verdicts: tuple[Verdict, ...]) -> str:
    """The claims as a list in Markdown: whether each holds, its words, what it compared, and by how much it holds."""
    lines = []
    for verdict in verdicts:
        read = "; ".join(term.text for term in terms(verdict))
        margin = f": {said}" if (said := margin_text(verdict)) else ""
        label = f"{verdict.label}: " if verdict.label else ""
        lines.append(f"- {'holds' if verdict.holds else '**fails**'}: {label}`{verdict.claim}` ({read}){margin}")
    return "\n".join(lines) or "no claims"


def _params(experiment: Experiment) -> Iterator[tuple[str, str]]:
    data = experiment.model_dump(mode="json")
    yield from _flat(data["params"])
    for room in ("models", "trains", "analyses"):
        yield from _flat(data[room])


def _flat(data: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    for name, value in data.items():
        here = f"{path}.{name}" if path else name
        if isinstance(value, Mapping) and value:
            yield from _flat(value, here)
        else:
            yield here, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
