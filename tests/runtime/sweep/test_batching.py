"""Which runs of a sweep are trained as one, that it is told, and that their results are kept apart from those of runs alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hmmdsl.analysis import kinds
from hmmdsl.cli.phases import phase_text
from hmmdsl.exchange.verify import verify
from hmmdsl.language.compiled import Compiled
from hmmdsl.language.elaborate import compile_text
from hmmdsl.report import page
from hmmdsl.report.sweeps import figures as sweep_figures
from hmmdsl.runtime.asked import Asked, Fuse, Fusion
from hmmdsl.runtime.engines import choice
from hmmdsl.runtime.engines.choice import choose_workers
from hmmdsl.runtime.progress import Silence
from hmmdsl.runtime.run import Run, run
from hmmdsl.runtime.stage import Task
from hmmdsl.runtime.stages import figures
from hmmdsl.runtime.store.store import Store
from hmmdsl.runtime.sweep.planning import PlannedSweeps, plan_sweeps

SPEC = """
import std.processes (rrxor, golden_mean)
model net: transformer {{ layers = 1, d_model = 4, context = 3 }}
train fit {{ process = rrxor(), model = net, steps = {steps}, optimizer = sgd {{ lr = 0.1 }}{more} }}
analysis positions: loss {{ of = fit }}
sweep grid {{ {axes} }}
"""


def spec(axes: str, steps: int = 20, more: str = "") -> Compiled:
    return compile_text(SPEC.format(axes=axes, steps=steps, more=more), "alike.hmm", kinds())


def planned(axes: str, fuse: Fuse = "always", cores: int = 2, steps: int = 20, more: str = "") -> PlannedSweeps:
    return plan_sweeps(spec(axes, steps, more), Fusion(fuse, cores))


def sizes(plan: PlannedSweeps) -> list[int]:
    """Runs in each batch."""
    return sorted(len(batch.alone) for decision in plan.decisions for batch in decision.batches)


@pytest.mark.parametrize(
    ("axes", "expected"),
    [
        ("fit.seed = 1..5", [4]),
        ("fit.seed = 0..5", [4]),  # seed 0 is the experiment's own run
        ("fit.seed = 1..4, fit.optimizer.lr = [0.1, 0.2]", [6]),
        ("fit.process = [rrxor(p = 0.3), rrxor(p = 0.4)]", [2]),
        ("fit.process = [rrxor(p = 0.3), golden_mean()]", []),
        ("fit.process = [rrxor(p = 0.3), rrxor(p = sqrt(0.1))]", []),
        ("fit.steps = [21, 22]", []),
        ("fit.seed = 1..4, net.d_model = [4, 8]", [3, 3]),
        ("fit.clip = [1, 2]", []),
    ],
)
def test_runs_share_a_batch_that_differ_only_in_seed_rate_or_process(axes: str, expected: list[int]) -> None:
    assert sizes(planned(axes)) == expected


def test_a_run_that_needs_another_or_a_discriminator_shares_none() -> None:
    assert sizes(planned("fit.seed = 1..5", more=", objective = adversarial {}")) == []
    text = SPEC.format(axes="later.seed = 1..5", steps=4, more="")
    text = text.replace("analysis", "train later { process = rrxor(), model = net, start_from = fit, steps = 4 }\nanalysis")
    assert sizes(plan_sweeps(compile_text(text, "later.hmm", kinds()), Fusion("always", 2))) == []


def test_on_a_cpu_runs_are_fused_where_the_estimate_says_that_it_pays() -> None:
    many = "fit.seed = 1..41"
    assert sizes(planned(many, "auto", steps=20)) == []  # too short to be worth it
    assert sizes(planned(many, "auto", steps=20_000)) == [40]
    assert sizes(planned(many, "never", steps=20_000)) == []
    wide = SPEC.replace("d_model = 4, context = 3", "d_model = 64, context = 10")
    compiled = compile_text(wide.format(axes=many, steps=20_000, more=""), "wide.hmm", kinds())
    (decision,) = plan_sweeps(compiled, Fusion("auto", 2)).decisions
    assert not decision.batches
    assert "40 runs differ only in seed, learning rate or process; not fused: about" in decision.line()


def test_on_cuda_runs_are_fused_and_memory_bounds_a_batch() -> None:
    assert sizes(planned("fit.seed = 1..41", "auto", more=", device = cuda")) == [40]
    wide = SPEC.replace("layers = 1, d_model = 4, context = 3", "layers = 12, d_model = 768, context = 14")
    compiled = compile_text(wide.format(axes="fit.seed = 1..41", steps=20, more=", device = cuda"), "wide.hmm", kinds())
    found = sizes(plan_sweeps(compiled, Fusion("auto", 2)))
    assert len(found) > 1
    assert sum(found) == 40
    assert max(found) - min(found) <= 1


def test_the_decision_is_the_same_every_time_and_asks_neither_store_nor_workers() -> None:
    first, again = (planned("fit.seed = 1..41", "auto", steps=20_000) for _ in range(2))
    assert first.hashes() == again.hashes()
    assert first.hashes() != planned("fit.seed = 1..41", "never", steps=20_000).hashes()
    assert first.hashes() != planned("fit.seed = 1..40", "auto", steps=20_000).hashes()


def test_equal_rates_stand_together_and_tasks_pass_through_json() -> None:
    (decision,) = planned("fit.seed = 1..3, fit.optimizer.lr = [0.2, 0.1]").decisions
    (batch,) = decision.batches
    rates = [train.optimizer.lr for train in batch.task.experiment.trains.values()]
    assert rates == [0.1, 0.1, 0.2, 0.2]
    assert Task.from_json(json.loads(json.dumps(batch.task.as_json()))) == batch.task
    part = planned("fit.seed = 1..3").points["grid"][0].tasks[0]
    assert part.stage.part is not None
    assert Task.from_json(json.loads(json.dumps(part.as_json()))) == part


def test_the_plan_tells_what_was_chosen(tmp_path: Path) -> None:
    path = tmp_path / "alike.hmm"
    path.write_text(SPEC.format(axes="fit.seed = 0..5", steps=20, more=""))
    told = phase_text(path, "plan", {}, None, no_store=True, fusion=Fusion("always", 2))
    assert "fit: 4 runs differ only in seed, learning rate or process; fused in 1 batch: about" in told
    told = phase_text(path, "plan", {}, None, no_store=True, fusion=Fusion("never", 2))
    assert "not fused: as asked for" in told
    as_json = json.loads(phase_text(path, "plan", {}, None, "json", no_store=True, fusion=Fusion("always", 2)))
    assert as_json["fusion"][0]["batches"] == [4]


# ---------------------------------------------------------------- runs


def made(folder: Path, compiled: Compiled, fuse: Fuse, out: str = "runs") -> Run:
    """A run without its pictures, which would take most of its time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figures.FiguresStage, "make", lambda *given: [])
        patch.setattr(sweep_figures, "draw_sweep", lambda *given: ())
        patch.setattr(page, "write_report", lambda finished, folder, drawn: (folder / "report.html").write_text(""))
        return run(compiled, folder / out, Silence(), Asked(Store.open(folder / "store"), fusion=Fusion(fuse, 2)))


@pytest.fixture(scope="module")
def seeds() -> Compiled:
    return spec("fit.seed = 0..4, fit.optimizer.lr = [0.1, 0.01]", more=", checkpoints = every { steps = 10 }")


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, seeds: Compiled) -> tuple[Path, Run, Run]:
    """One store, filled by fused runs and then by runs alone."""
    folder = tmp_path_factory.mktemp("both")
    return folder, made(folder, seeds, "always", "fused"), made(folder, seeds, "never", "alone")


def test_fused_results_are_those_of_runs_alone_and_kept_apart(both: tuple[Path, Run, Run]) -> None:
    _, fused, alone = both
    together, apart = fused.results["grid"]["fit"]["loss"], alone.results["grid"]["fit"]["loss"]
    assert [value for row in together for value in row] == pytest.approx([value for row in apart for value in row], abs=1e-5)
    assert together[0][0] == apart[0][0]  # the experiment's own run is alone in both
    assert fused.sweeps["grid"].made > 8
    assert alone.sweeps["grid"].made == 2 * 7  # nothing of the batch was taken for them
    assert alone.sweeps["grid"].cached == 2


def test_running_again_makes_nothing_and_needs_no_batch(both: tuple[Path, Run, Run], seeds: Compiled) -> None:
    folder, _, _ = both
    store = Store.open(folder / "store")
    plan = plan_sweeps(seeds, Fusion("always", 2))
    (batch,) = plan.decisions[0].batches
    assert store.find(batch.task.hash) is not None
    store.remove(batch.task.hash)
    again = made(folder, seeds, "always", "again")
    assert again.sweeps["grid"].made == 0
    lost = next(task for task in plan.tasks("grid", None) if task.stage.part is not None)
    kept = store.find(lost.hash)
    assert kept is not None
    before = {path.name: path.read_bytes() for path in kept.folder.glob("step_*")}
    assert set(before) == {"step_0.safetensors", "step_10.safetensors", "step_20.safetensors"}
    store.remove(lost.hash)
    assert made(folder, seeds, "always", "again").sweeps["grid"].made == 2  # the batch once more, to the bit
    assert {path.name: path.read_bytes() for path in store.entry_folder(lost.hash).glob("step_*")} == before


def test_a_fused_run_is_verified_as_it_was_made(both: tuple[Path, Run, Run], seeds: Compiled) -> None:
    _, fused, alone = both
    for finished in (fused, alone):
        found = verify(seeds, finished.folder, Silence())
        assert found.comparison is not None
        assert found.comparison.agree
        assert not found.changed


@pytest.mark.parametrize("written", [None, {}, {"fuse": "often", "cores": 2}, {"fuse": "auto", "cores": -1}, "always"])
def test_what_a_strangers_run_says_of_fusion_is_read_with_care(written: object) -> None:
    assert Fusion.read(written) == Fusion()


def test_a_run_that_diverges_fails_its_point_alone(tmp_path: Path) -> None:
    text = SPEC.format(axes="fit.optimizer.lr = [0.2, 0.3, 100]", steps=40, more="")
    wild = compile_text(text.replace("context = 3", "context = 3, norm = none"), "wild.hmm", kinds())
    outcome = made(tmp_path, wild, "always").sweeps["grid"]
    assert [bool(point.failure) for point in outcome.outcomes] == [False, False, True]
    assert "the loss of fit is not finite at step" in outcome.outcomes[2].failure


def test_workers_count_batches_and_not_their_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "available_cores", lambda: 2)
    together, apart = (planned("fit.seed = 1..41", fuse, steps=20_000).all_tasks(None) for fuse in ("always", "never"))
    assert choose_workers(apart, None, None).count == 2
    assert choose_workers(together, None, None).count == 1
