"""Tracking: off unless asked for, local unless told otherwise, and true to the run."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from hmmdsl.exchange.tracking.record import Record
from hmmdsl.exchange.tracking.targets import Target, targets, track
from hmmdsl.runtime.failures import OutputError, RunError
from hmmdsl.schema.experiment import Judged, Margin, Verdict
from hmmdsl.training.trained import CurvePoint
from tests.golden import GOLDEN

HAS_TENSORBOARD = find_spec("tensorboard") is not None
HAS_MLFLOW = all(find_spec(name) for name in ("mlflow", "sqlalchemy", "alembic"))
needs_tensorboard = pytest.mark.skipif(not HAS_TENSORBOARD, reason="the extra `tensorboard` is not installed")
needs_mlflow = pytest.mark.skipif(not HAS_MLFLOW, reason="the extra `mlflow` is not installed")

CLAIM = Verdict(
    label="small",
    claim="fit.gap < 1",
    holds=True,
    measured={"fit.gap": 0.125},
    judged=(Judged(expression="fit.gap", numbers=(0.125,)),),
    margin=Margin(value=0.875, spread=0.5, source="seeds"),
)


@pytest.fixture
def record(tmp_path: Path) -> Record:
    from PIL import Image

    folder = tmp_path / "runs" / "golden-0123"
    (folder / "figures").mkdir(parents=True)
    Image.new("RGB", (3, 2), (255, 0, 0)).save(folder / "figures" / "beliefs.simplex.png")
    for name in ("experiment.yaml", "results.json", "claims.json", "environment.json", "report.html"):
        (folder / name).write_text("{}")
    return Record(
        name="golden",
        run=folder.name,
        folder=folder,
        digest="ab" * 32,
        params={"fit.steps": "2", "net.d_model": "8"},
        curves={"fit": (CurvePoint(1, 0.75, 1e-3), CurvePoint(2, 0.5, 5e-4))},
        results={"fit.gap": 0.125, "beliefs.block[0].r2": 0.5},
        claims=(CLAIM,),
        figures={"beliefs.simplex": folder / "figures" / "beliefs.simplex.png"},
    )


@needs_tensorboard
def test_tensorboard_reads_the_curves_numbers_claims_and_figures_back(record: Record, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    for _ in range(2):  # a second call replaces what the first left
        track(record, Target("tensorboard", str(tmp_path / "tb")))
    (events,) = (tmp_path / "tb" / record.run).iterdir()
    found = EventAccumulator(str(events.parent))
    found.Reload()
    assert [(each.step, each.value) for each in found.Scalars("fit/loss")] == [(1, 0.75), (2, 0.5)]
    assert [each.value for each in found.Scalars("results/beliefs.block[0].r2")] == [0.5]
    assert found.Images("beliefs.simplex")[0].width == 3
    text = found.Tensors("claims/text_summary")[0].tensor_proto.string_val[0].decode()
    assert "holds: small: `fit.gap < 1` (fit.gap = 0.125): holds by 0.875, 1.8 spreads over seeds: fragile" in text


@needs_tensorboard
def test_tensorboard_leaves_a_folder_with_other_things_alone(record: Record, tmp_path: Path) -> None:
    mine = tmp_path / "tb" / record.run / "mine.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    with pytest.raises(OutputError, match="holds other things"):
        track(record, Target("tensorboard", str(tmp_path / "tb")))
    assert mine.read_text() == "mine"


@needs_mlflow
def test_mlflow_reads_the_params_curves_numbers_claims_and_figures_back(record: Record, tmp_path: Path) -> None:
    place = tmp_path / "ml"
    track(record, Target("mlflow", str(place)))
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=f"sqlite:///{place / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("golden")
    assert experiment is not None
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.data.params == record.params
    assert run.data.metrics["beliefs.block.0.r2"] == 0.5
    assert [(each.step, each.value) for each in client.get_metric_history(run.info.run_id, "fit/loss")] == [(1, 0.75), (2, 0.5)]
    assert run.data.tags["claims"] == "1 of 1 hold"
    files = {path.relative_to(place / "artifacts").parts[-1] for path in (place / "artifacts").rglob("*") if path.is_file()}
    assert {"claims.md", "report.html", "beliefs.simplex.png"} <= files
    assert "there already" in track(record, Target("mlflow", str(place)))
    assert len(client.search_runs([experiment.experiment_id])) == 1


@needs_mlflow
def test_a_tracker_that_cannot_take_the_run_says_that_the_run_is_whole(record: Record, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="could not take the run") as caught:
        track(record, Target("mlflow", "strange://nowhere"))
    assert str(record.folder) in caught.value.help


def test_an_unknown_tool_is_refused() -> None:
    with pytest.raises(OutputError, match="--track tensorboard"):
        targets(["wandb"])


def test_a_tool_that_is_not_installed_is_told_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hmmdsl.exchange.tracking.targets.find_spec", lambda name: None)
    with pytest.raises(OutputError, match=r"pip install 'hmmdsl\[mlflow\]'"):
        targets(["mlflow"])


def test_places_may_have_colons(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hmmdsl.exchange.tracking.targets.find_spec", lambda name: name)
    assert targets(["mlflow:http://localhost:5000", "tensorboard"]) == (
        Target("mlflow", "http://localhost:5000"),
        Target("tensorboard", "tensorboard"),
    )


TINY = (
    GOLDEN
    + """\
model net: transformer { layers = 1, d_model = 8, context = 3 }
train fit { process = golden(), model = net, steps = 3 }
"""
)

TOOLS = [*(["tensorboard"] if HAS_TENSORBOARD else []), *(["mlflow"] if HAS_MLFLOW else [])]


@pytest.mark.skipif(not TOOLS, reason="neither the extra `tensorboard` nor `mlflow` is installed")
def test_a_tracked_run_calls_no_network(tmp_path: Path) -> None:
    (tmp_path / "golden.hmm").write_text(TINY)
    program = (
        "import sys, threading\n"
        "called = []\n"
        "def watch(event, args):\n"
        "    if event in ('socket.connect', 'socket.getaddrinfo', 'socket.sendto'):\n"
        "        called.append((event, args[1:]))\n"
        "sys.addaudithook(watch)\n"
        "from hmmdsl.cli import main\n"
        "try:\n    main()\n"
        "except SystemExit as done:\n    assert not done.code, done.code\n"
        "for thread in threading.enumerate():\n"
        "    if thread is not threading.main_thread(): thread.join(2)\n"
        "assert not called, called\n"
    )
    tracks = [part for tool in TOOLS for part in ("--track", tool)]
    call = [sys.executable, "-c", program, "run", "golden.hmm", "-q", *tracks]
    done = subprocess.run(call, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("tracked: ") == len(TOOLS)
