"""A run in MLflow: a local database and folder, unless a URI is given."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from hmmdsl.exchange.tracking.record import claims_as_text

if TYPE_CHECKING:
    from hmmdsl.exchange.tracking.record import Record

T = TypeVar("T")

LONGEST_PARAM = 500
"""Characters of a param's value, as older servers allow."""

_KEPT = ("experiment.yaml", "results.json", "claims.json", "environment.json", "report.html")
_AT_ONCE = 100
"""Entries of one call, within MLflow's limits (100 params, 1,000 metrics)."""


def write(record: Record, place: str) -> str:
    """Log the run to `place`: a folder (a SQLite database and the files beside it) or a URI of MLflow's. One that is there
    already is left as it is. MLflow's own telemetry stays off."""
    os.environ.update({"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"})
    from mlflow.entities import Metric, Param, RunTag
    from mlflow.tracking import MlflowClient

    for name in ("mlflow", "mlflow.store.db.utils", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)  # the making of tables is no news
    uri, files = _where(place)
    client = MlflowClient(tracking_uri=uri, registry_uri=uri)
    experiment = client.get_experiment_by_name(record.name)
    experiment_id = experiment.experiment_id if experiment else client.create_experiment(record.name, artifact_location=files)
    shown = f"mlflow ui --backend-store-uri {uri}"
    if client.search_runs([experiment_id], f"tags.digest = '{record.digest}' and attributes.status = 'FINISHED'", max_results=1):
        return f"{shown}  (the run was there already)"
    run = client.create_run(experiment_id, run_name=record.run, tags={"digest": record.digest}).info.run_id
    try:
        now = client.get_run(run).info.start_time
        params = [Param(_key(name), value[:LONGEST_PARAM]) for name, value in record.params.items()]
        metrics = [Metric(_key(path), value, now, 0) for path, value in record.results.items()]
        for train, curve in record.curves.items():
            for point in curve:
                metrics.append(Metric(_key(f"{train}/loss"), point.loss, now, point.step))
                metrics.append(Metric(_key(f"{train}/lr"), point.lr, now, point.step))
        for some in _batches(params):
            client.log_batch(run, params=some)
        for more in _batches(metrics):
            client.log_batch(run, metrics=more)
        held = sum(verdict.holds for verdict in record.claims)
        client.log_batch(run, tags=[RunTag("claims", f"{held} of {len(record.claims)} hold")])
        client.log_text(run, claims_as_text(record.claims), "claims.md")
        for name in _KEPT:
            client.log_artifact(run, str(record.folder / name))
        for figure in record.figures.values():
            client.log_artifact(run, str(figure), "figures")
    except BaseException:
        client.set_terminated(run, "FAILED")
        raise
    client.set_terminated(run)
    return shown


def _where(place: str) -> tuple[str, str | None]:
    """The tracking URI of a place, and where files go, if that is for us to say."""
    if "://" in place:
        return place, None
    folder = Path(place).expanduser().absolute()
    folder.mkdir(parents=True, exist_ok=True)
    return f"sqlite:///{folder / 'mlflow.db'}", (folder / "artifacts").as_uri()


def _key(path: str) -> str:
    """A name that MLflow takes, which has no brackets: `beliefs.block[0].r2` becomes `beliefs.block.0.r2`."""
    return re.sub(r"[^\w.\-/ ]", "_", re.sub(r"\[(\d+)\]", r".\1", path))


def _batches(entries: list[T]) -> Iterator[Any]:
    for start in range(0, len(entries), _AT_ONCE):
        yield entries[start : start + _AT_ONCE]
