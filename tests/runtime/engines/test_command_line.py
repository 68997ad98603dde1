"""Choosing an engine on the command line, and every way to choose one wrongly."""

from __future__ import annotations

import socket
import sys
import threading
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from hmmdsl.cli.options import engine_choice
from hmmdsl.runtime.asked import Asked, EngineChoice
from hmmdsl.runtime.engines import ray_cluster, slurm
from hmmdsl.runtime.engines.opening import open_engine
from hmmdsl.runtime.engines.options import number, only_known
from hmmdsl.runtime.failures import OutputError
from hmmdsl.runtime.log import RunLog
from hmmdsl.runtime.progress import Silence
from hmmdsl.runtime.stage import Cache, RunContext
from hmmdsl.runtime.store.store import Store
from tests.command_line import command_line

SPEC = """\
import std.processes (zero_one_random)
model net: transformer { layers = 1, d_model = 4, context = 3 }
train fit { process = zero_one_random(), model = net, steps = 4 }
"""


def hmmdsl(folder: Path, *arguments: str) -> CompletedProcess[str]:
    """The command line in a folder that holds the spec and a store."""
    (folder / "spec.hmm").write_text(SPEC)
    return command_line(folder, *arguments, HMMDSL_STORE=str(folder / "store"))


def test_of_more_workers_than_there_are_cores_fewer_work_and_a_warning_says_so(tmp_path: Path) -> None:
    done = hmmdsl(tmp_path, "run", "spec.hmm", "--workers", "500")
    assert done.returncode == 0, done.stderr
    assert "warning: 500 workers of 1 thread need 500 cores" in done.stderr
    assert list(tmp_path.glob("runs/*/report.html"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--workers", "0"], "--workers"),
        (["--engine", "cloud"], "cloud"),
        (["--engine", "ray", "--workers", "2"], "`--workers` belongs to the local engine"),
        (["--address", "localhost:6379"], "belong to `--engine ray`"),
        (["--engine", "slurm", "--engine-option", "partition"], "is not KEY=VALUE"),
    ],
)
def test_what_does_not_fit_together_is_refused_before_anything_runs(arguments: list[str], words: str, tmp_path: Path) -> None:
    done = hmmdsl(tmp_path, "run", "spec.hmm", *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert not list(tmp_path.glob("runs/*"))


def test_a_ray_address_where_nobody_listens_is_told_before_ray_tries_for_minutes(tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="needs the extra `ray`: pip install 'hmmdsl[ray]'")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: nothing else will, meanwhile
        with pytest.raises(OutputError, match="no Ray cluster answers at 127") as error:
            ray_cluster.RayEngine(None, f"127.0.0.1:{taken.getsockname()[1]}", {})  # type: ignore[arg-type]
    assert "ray start --head" in str(error.value)
    with pytest.raises(OutputError, match="is not HOST:PORT"):
        ray_cluster.RayEngine(None, "somewhere", {})  # type: ignore[arg-type]


@pytest.mark.parametrize("greeting", [b"", b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
def test_what_listens_and_is_no_ray_cluster_is_told(greeting: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray", reason="needs the extra `ray`: pip install 'hmmdsl[ray]'")
    monkeypatch.setattr(ray_cluster, "REACH", 0.2)

    def greet(server: socket.socket) -> None:
        opened, _ = server.accept()
        with opened:
            opened.sendall(greeting)
            if not greeting:
                opened.recv(1000)
                opened.recv(1000)  # says nothing until the other end gives up

    with socket.create_server(("127.0.0.1", 0)) as server:
        listener = threading.Thread(target=greet, args=(server,), daemon=True)
        listener.start()
        with pytest.raises(OutputError, match="is no Ray cluster: mend the address"):
            ray_cluster.RayEngine(None, f"127.0.0.1:{server.getsockname()[1]}", {})  # type: ignore[arg-type]
        listener.join(5)


@pytest.mark.parametrize("extra", ["ray", "slurm"])
def test_an_engine_that_is_not_installed_names_its_extra(extra: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for module in ("ray", "submitit"):
        monkeypatch.setitem(sys.modules, module, None)
    asked = Asked(choice=EngineChoice(extra))  # type: ignore[arg-type]
    with pytest.raises(OutputError, match=rf"pip install 'hmmdsl\[{extra}\]'"):
        open_engine([], RunContext(Cache(Store.private(tmp_path)), Silence(), RunLog(None), asked))


def test_slurm_without_slurm_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("submitit", reason="needs the extra `slurm`: pip install 'hmmdsl[slurm]'")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(OutputError, match="no `sbatch` here"):
        slurm.SlurmEngine(None, tmp_path, {})  # type: ignore[arg-type]


def test_options_are_known_and_numbers_are_numbers() -> None:
    assert engine_choice("slurm", None, None, ["partition = short", "time=90"]).options == {"partition": "short", "time": "90"}
    with pytest.raises(OutputError, match="has no option partitoin: it has partition"):
        only_known("slurm", {"partitoin": "short"}, slurm.OPTIONS)
    assert number("slurm", {"time": "90"}, "time", 60) == 90
    for wrong in ("soon", "-1", "nan", "inf"):
        with pytest.raises(OutputError, match="is not a number"):
            number("slurm", {"time": wrong}, "time", 60)
