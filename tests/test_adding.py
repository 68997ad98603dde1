"""What one adds, and how many files it takes: each is added to a copy of the house, and a spec that uses it is run there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HOUSE = Path(__file__).parent.parent / "hmmdsl"

RECORD = '''
from typing import ClassVar, Literal

from hmmdsl.analysis.kind import ReadsPlaces
from hmmdsl.analysis.work import Reads
from hmmdsl.schema.analysis import Surroundings
from hmmdsl.schema.results import Group, Quantity, by_point


class Norms(ReadsPlaces):
    """The mean length of the activations."""

    word: ClassVar[str] = "norms"
    kind: Literal["norms"] = "norms"

    def results(self, around: Surroundings) -> Group:
        length = Group({"length": Quantity("1", "mean Euclidean length")})
        return Group(by_point({place.name: length for place in self.places_in(around)}))

    def seconds(self, reads: Reads, around: Surroundings) -> float:
        return reads.forward()
'''

COMPUTE = """
import numpy as np

from hmmdsl.analysis.norms.record import Norms
from hmmdsl.analysis.outcome import Inputs, Outcome
from hmmdsl.analysis.reading.by_place import gathered


def compute(analysis: Norms, inputs: Inputs) -> Outcome:
    run = inputs.trained[analysis.of]
    activations = run.activations(None, run.tree)
    names = [place.name for place in analysis.places_in(inputs.surroundings())]
    lengths = {name: {"length": float(np.linalg.norm(activations[name], axis=1).mean())} for name in names}
    return Outcome(gathered(lengths), {}, {"histories": len(run.tree)})
"""

FIGURES = """
from matplotlib.figure import Figure

from hmmdsl.analysis.norms.record import Norms
from hmmdsl.analysis.outcome import Inputs, Outcome


def figures(analysis: Norms, outcome: Outcome, inputs: Inputs) -> dict[str, Figure]:
    figure = Figure()
    figure.subplots().plot([one["length"] for one in outcome.results["block"]])
    return {"lengths": figure}


def caption(analysis: Norms, figure: str, outcome: Outcome) -> str:
    return "Mean lengths by block."
"""

SPEC = """
import std.processes (golden_mean)
model net: transformer { layers = 2, d_model = 8, context = 3 }
train fit { process = golden_mean(), model = net, steps = 2 }
analysis sizes: norms { of = fit, at = [blocks, final_norm] }
analysis sooner: emergence { of = sizes }
expect sizes.block[1].length > 0 and sooner.checkpoint[0].final_norm.length > 0
"""


BIGRAMS = '''
from typing import Literal

from hmmdsl.schema.models.base import Model


class Bigrams(Model):
    """A row of logits for each last token."""

    kind: Literal["bigrams"] = "bigrams"

    @property
    def width(self) -> None:
        return None

    @property
    def summary(self) -> str:
        return "a table of pairs"

    def points(self) -> dict[str, int]:
        return {}

    def parameters(self, vocabulary: int) -> int:
        return vocabulary**2

    def activation_floats(self) -> int:
        return 1
'''

TABLE = '''
import torch
from torch import nn

from hmmdsl.models.network import Network
from hmmdsl.schema.models.bigrams import Bigrams


class BigramsNetwork(Network):
    """The network of a `model NAME: bigrams`."""

    record = Bigrams

    def __init__(self, spec, vocabulary, seed=0, outputs=None):
        super().__init__(spec, vocabulary, outputs)
        self.table = nn.Parameter(torch.empty(vocabulary, self.outputs))
        self.initialize(torch.Generator().manual_seed(seed))

    @torch.no_grad()
    def initialize(self, generator):
        self.table.zero_()

    def stream(self, layout):
        return iter(())

    def logits(self, layout):
        return self.table.index_select(0, layout.token)
'''

PAIRS = """
import std.processes (golden_mean)
model net: bigrams { context = 3 }
train fit { process = golden_mean(), model = net, steps = 200, optimizer = adam { lr = 0.1 } }
analysis lost: loss { of = fit }
expect fit.gap < 0.01
expect lost.gap ~= fit.gap ± 1e-6
"""


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A copy of the house by links, but for its rooms' own folders, in which files can be added."""
    copy = tmp_path / "copy" / "hmmdsl"
    rooms = [path for path in HOUSE.iterdir() if path.is_dir() and path.name != "__pycache__"]
    for folder in (HOUSE, *rooms, HOUSE / "schema" / "models"):
        there = copy / folder.relative_to(HOUSE)
        there.mkdir(parents=True, exist_ok=True)
        for path in folder.iterdir():
            if path.name != "__pycache__" and not (path.is_dir() and (folder == HOUSE or path == HOUSE / "schema" / "models")):
                (there / path.name).symlink_to(path)
    return copy


def hmmdsl(house: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command line of the copy."""
    return subprocess.run(
        [sys.executable, "-m", "hmmdsl", *arguments],
        cwd=house.parent,
        env={**os.environ, "PYTHONPATH": str(house.parent)},
        capture_output=True,
        text=True,
        check=False,
    )


def run(house: Path, spec: str) -> subprocess.CompletedProcess[str]:
    """Run a spec there."""
    (house.parent / "spec.hmm").write_text(spec)
    return hmmdsl(house, "run", "spec.hmm", "--no-store", "--out", "runs")


def test_an_analysis_is_one_folder(house: Path) -> None:
    folder = house / "analysis" / "norms"
    folder.mkdir()
    for name, text in (("__init__", ""), ("record", RECORD), ("compute", COMPUTE), ("figures", FIGURES)):
        (folder / f"{name}.py").write_text(text)
    done = run(house, SPEC)
    assert done.returncode == 0, done.stdout + done.stderr
    (figure,) = house.parent.glob("runs/*/figures/sizes.lengths.svg")
    assert "Mean lengths by block" in (figure.parent.parent / "report.html").read_text()


def test_a_network_is_a_record_and_a_module(house: Path) -> None:
    """For the golden mean process the last token is all that there is to know."""
    (house / "schema" / "models" / "bigrams.py").write_text(BIGRAMS)
    (house / "models" / "bigrams.py").write_text(TABLE)
    done = run(house, PAIRS)
    assert done.returncode == 0, done.stdout + done.stderr


def changed(house: Path, name: str, *edits: tuple[str, str]) -> None:
    """One file of the copy with other text."""
    path = house / name
    text = path.read_text()
    for before, after in edits:
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    for folder in reversed(path.relative_to(house).parents):
        there = house / folder
        if there.is_symlink():  # the folder is the house's own: one of links takes its place
            files = list(there.resolve().iterdir())
            there.unlink()
            there.mkdir()
            for each in files:
                (there / each.name).symlink_to(each)
    path.unlink()
    path.write_text(text)


FACT = '''
    Fact(
        "branching",
        "how many tokens may follow, on average over states",
        lambda p: {"mean": sum(1 for row in p.source.process.emission for x in row if x) / len(p.states)},
        {"mean": Number("tokens", "tokens that may follow a state, on average")},
        lambda p: [Line("branching", "1.5", "tokens")],
    ),
)
"""All that there is to tell'''

TOLD = """
import std.processes (golden_mean)
analysis about: portrait { process = golden_mean() }
expect about.branching.mean == 1.5
"""


def test_a_fact_of_a_process_is_a_row(house: Path) -> None:
    """Claims name it, and the report, the terminal, programs and `help` tell it."""
    changed(house, "process/portrait.py", ('\n)\n"""All that there is to tell', FACT))
    done = run(house, TOLD)
    assert done.returncode == 0, done.stdout + done.stderr
    (page,) = house.parent.glob("runs/*/report.html")
    assert "branching" in page.read_text()
    for arguments in (["show", "spec.hmm", "golden_mean"], ["show", "spec.hmm", "golden_mean", "--json"], ["help", "facts"]):
        told = hmmdsl(house, *arguments)
        assert "branching" in told.stdout, told.stdout + told.stderr


TURNED = """
def turned(process: Process, name: str) -> Process:
    return replace(process, name=name, tokens=tuple(reversed(process.tokens)))


def reverse("""

BUILD = """def _turned(given: Given) -> Process:
    process = given.process("process")
    return turned(process, _named("turned", process.name))


def _reverse("""

ROW = """    "turned": Operation(("process",), (), False, "E0334", _turned, "turned(p)"),
    "reverse":"""


def test_an_operation_is_a_function_and_a_row(house: Path) -> None:
    """It makes processes wherever one may stand."""
    changed(house, "process/algebra/transforms.py", ("\ndef reverse(", TURNED))
    edits = ("def _reverse(", BUILD), ('    "reverse":', ROW), ("relabel, reverse\n", "relabel, reverse, turned\n")
    changed(house, "language/values/composition.py", *edits)
    (house.parent / "spec.hmm").write_text("import std.processes (coin)\nprocess other = turned(leak(coin(1/3), 1/2))\n")
    shown = hmmdsl(house, "show", "spec.hmm", "other", "--json")
    assert shown.returncode == 0, shown.stderr
    assert json.loads(shown.stdout)["tokens"] == ["tails", "heads"]
