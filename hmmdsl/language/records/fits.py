"""Whether what is asked for fits: the network the beliefs, the tree the memory. Histories are counted, none enumerated."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from hmmdsl.language.diagnostics import Diagnostics
from hmmdsl.language.source import Span
from hmmdsl.process.counting import HistoryCounts, count_histories
from hmmdsl.process.generalized import CHECKED_LENGTH, first_bad_word
from hmmdsl.process.process import Process
from hmmdsl.schema.analysis import Surroundings
from hmmdsl.schema.base import AUTO_HISTORY_LIMIT, Exact
from hmmdsl.schema.memory import tree_training_bytes
from hmmdsl.schema.models.base import Model
from hmmdsl.schema.models.ngram import NGram
from hmmdsl.schema.objectives import MOST_FUTURE_WORDS, tokens_ahead
from hmmdsl.schema.train import ExactData

PlaceOf: TypeAlias = Callable[[tuple[str | int, ...]], Span | None]
"""The place of a field of the record in question, or of its name where the field was not written."""

Counts: TypeAlias = dict[tuple[str, int, bool], HistoryCounts]
"""How many histories a process, by its name, has to a context, with or without bos."""

SAMPLED_HISTORIES = "histories = sampled { words = 10_000 }"
"""What to write in place of an exact tree."""

_FLOAT32, _FLOAT64 = 4, 8
_ASSUMED_MEMORY = 8 * 2**30


def machine_memory() -> int:
    """Bytes of memory this machine has (8 GiB where it will not say)."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return _ASSUMED_MEMORY


@dataclass(frozen=True)
class TreeSize:
    """Bytes that an exact history tree takes: `theory` for its arrays, `training` and `evaluation` with the network on it."""

    histories: int
    theory: int
    evaluation: int
    training: int

    @staticmethod
    def of(histories: int, process: Process, model: Model, ahead: int = 1) -> TreeSize:
        """The size for a process and a network that predicts `ahead` tokens: an estimate from below of what the tree's arrays
        hold, the activations at every point, and for training what the network keeps for its backward pass."""
        states, vocabulary = len(process.states), len(process.tokens)
        # A product's beliefs stand in its factors' trees, which are small: of each history there is a place in each.
        numbers = (4 + len(process.factors)) if process.factored else states + vocabulary + 4
        theory = histories * _FLOAT64 * numbers
        if ahead > 1:  # what is predicted of each history, at the least once in float32
            theory += histories * _FLOAT32 * min(vocabulary ** min(ahead, 64), MOST_FUTURE_WORDS)
        points = sum(model.points().values()) + vocabulary
        return TreeSize(
            histories,
            theory,
            evaluation=theory + histories * _FLOAT32 * points,
            training=max(theory, tree_training_bytes(histories, model, 0 if process.factored else states, vocabulary)),
        )


class Fits:
    """Checks the training runs and analyses of one experiment; each process' histories are counted once."""

    def __init__(self, around: Surroundings, diagnostics: Diagnostics, counts: Counts | None = None) -> None:
        """`counts` are those of other experiments whose processes have the same names; new ones are entered."""
        self.around = around
        self.diagnostics = diagnostics
        self._counts: Counts = {} if counts is None else counts

    def check_train(self, name: str, place_of: PlaceOf) -> None:
        """Report what does not fit (E0803), a word of a ghmm whose probability is negative (E0343), and what is legal and odd
        (W0951, W0952, W0953)."""
        train, process, model = self.around.trains[name], self.around.process_of(name), self.around.model_of(name)
        # Beliefs about independent factors need the sum of their dimensions (Shai et al. 2026, arXiv:2602.02385).
        dimension = sum(len(factor.states) - 1 for factor in process.factors)
        self._check_weights(process, model, place_of(("model",)))
        if model.width is not None and model.width < dimension:
            simplex = "the beliefs about its factors" if process.factored else "the belief simplex"
            self.diagnostics.add(
                "W0951",
                f"the network is narrower than {simplex}: {model.width} against {dimension} dimensions",
                place_of(("model",)),
                label=f"{len(process.states):,} states",
                help=f"a `d_model` of at least {dimension} can hold every belief",
            )
        exact_data, exact_tree = isinstance(train.data, ExactData), isinstance(train.histories, Exact)
        if process.generalized and model.context > CHECKED_LENGTH:
            bad = first_bad_word(process, model.context)
            if bad is not None:
                self.diagnostics.add(
                    "E0343",
                    f"the word {' '.join(bad.word)} of {process.name} has probability {bad.value:.6g}",
                    place_of(("process",)),
                    label="not a process",
                    help=f"change its numbers, or choose a context shorter than {len(bad.word)}",
                )
        if not exact_data and not exact_tree:
            return
        counts = self._count(train.process, model)
        size = TreeSize.of(counts.total, process, model, tokens_ahead(train.objective))
        if exact_data:
            cure = "data = sampled { batch = 64 }"
            _check_tree(counts, size.training, "training on", place_of(("data",)), cure, "W0952", self.diagnostics)
        if exact_tree:
            _check_tree(
                counts, size.evaluation, "evaluating", place_of(("histories",)), SAMPLED_HISTORIES, "W0953", self.diagnostics
            )

    def _check_weights(self, process: Process, model: Model, place: Span | None) -> None:
        """Report weights that no machine of this size can train (E0831): a gradient and two running means stand beside them."""
        parameters = model.parameters(len(process.tokens))
        size = parameters * _FLOAT32 * 4
        if size > machine_memory():
            smaller = f"`n` below {model.n}" if isinstance(model, NGram) else "a smaller `d_model` or fewer `layers`"
            self.diagnostics.add(
                "E0831",
                f"{model.summary} for {len(process.tokens)} tokens has {_many(parameters)} parameters: training them takes "
                f"{bytes_text(size)}, and this machine has {bytes_text(machine_memory())}",
                place,
                label="too many parameters",
                help=f"choose {smaller}",
            )

    def check_analysis(self, name: str, place_of: PlaceOf) -> None:
        """The same for an analysis that reads all histories: `of` names its training run, `on` perhaps another process."""
        options = dict(self.around.analyses[name])
        train = options.get("of")
        if not isinstance(options.get("histories"), Exact) or not isinstance(train, str) or train not in self.around.trains:
            return
        model = self.around.model_of(train)
        process = options.get("on") or self.around.trains[train].process
        counts = self._count(process, model)
        size = TreeSize.of(counts.total, self.around.processes[process], model).evaluation
        _check_tree(counts, size, "analysing", place_of(("histories",)), SAMPLED_HISTORIES, "W0953", self.diagnostics)

    def _count(self, process: str, model: Model) -> HistoryCounts:
        key = process, model.context, model.bos
        if key not in self._counts:
            self._counts[key] = count_histories(self.around.processes[process], model.context, bos=model.bos)
        return self._counts[key]


def _check_tree(
    counts: HistoryCounts, size: int, doing: str, place: Span | None, cure: str, warning: str, diagnostics: Diagnostics
) -> None:
    about = f"{'' if counts.exact else 'up to '}{_many(counts.total)} histories"
    if size > machine_memory():
        diagnostics.add(
            "E0803",
            f"{doing} the exact tree needs {bytes_text(size)} for {about}, and this machine has {bytes_text(machine_memory())}",
            place,
            label=f"{_many(counts.total)} histories",
            help=f"write `{cure}`, or choose a smaller `context`",
        )
    elif counts.total > AUTO_HISTORY_LIMIT:
        diagnostics.add(
            warning,
            f"the exact tree has {about}: {doing} it takes long, and {bytes_text(size)}",
            place,
            label=f"{_many(counts.total)} histories",
            help=f"`{cure}` is quicker; up to {AUTO_HISTORY_LIMIT:,} histories are exact by default",
        )


def _many(count: int) -> str:
    return f"{count:,}" if count < 10**12 else f"about 10^{_magnitude(count)}"


def bytes_text(count: int) -> str:
    """`350 MB`, `2.8 GB`, `about 10^19 bytes`."""
    for unit, power in (("MB", 6), ("GB", 9), ("TB", 12)):
        if count < 10 ** (power + 3):
            return f"{count / 10**power:,.{1 if count < 10 ** (power + 1) else 0}f} {unit}"
    return f"about 10^{_magnitude(count)} bytes"


def _magnitude(count: int) -> int:
    return int(math.log10(count)) if count < 10**300 else int((count.bit_length() - 1) * math.log10(2))
