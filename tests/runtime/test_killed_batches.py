"""A sweep whose runs are trained as one batch, killed while it trains, ends with the bytes of one that was left alone."""

from __future__ import annotations

from pathlib import Path

from tests.runtime.killed_runs import KilledRun

SPEC = """\
import std.processes (rrxor)
model net: transformer { layers = 1, d_model = 8, context = 6 }
train fit { process = rrxor(), model = net, steps = 60, checkpoints = every { steps = 20 } }
"""
SWEEP = SPEC + "sweep seeds { fit.seed = 1..5, fit.optimizer.lr = [1e-3, 3e-3] }\n"


def written(run: KilledRun) -> dict[str, bytes]:
    """What the store has of the batch and of its runs, but for times."""
    return {
        path.relative_to(run.store).as_posix(): path.read_bytes()
        for path in sorted((run.store / "entries").rglob("*"))
        if path.suffix == ".safetensors"
    }


def test_a_kill_of_a_batch_changes_no_byte(tmp_path: Path) -> None:
    (tmp_path / "alike.hmm").write_text(SPEC)
    whole, killed = (KilledRun(tmp_path / "alike.hmm", tmp_path / name, "--fuse") for name in ("whole", "killed"))
    killed.finish()  # the experiment's own training run, so that what is written from now on is the sweep's
    (tmp_path / "alike.hmm").write_text(SWEEP)
    assert killed.kill_after_write(6, torn=True)
    (begun,) = killed.begun()
    assert list(begun.glob("step_*.safetensors"))
    whole.finish()
    killed.finish()
    assert not killed.begun()
    assert len(written(whole)) == (1 + 1 + 8) * 4  # the run alone, the batch, its eight parts
    assert written(killed) == written(whole)
