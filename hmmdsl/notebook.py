"""The Python face: processes for notebooks and scripts.

    import hmmdsl
    p = hmmdsl.process("std.processes", "rrxor")
    p.belief("0110"), p.entropy_rate().value_bits

Words are given as one text of tokens (`"0110"`, `"tails heads"`), as a list of tokens or as indices into `tokens`.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from hmmdsl.process.counting import count_histories
from hmmdsl.process.dynamics.cloud import FEWEST, belief_cloud
from hmmdsl.process.dynamics.lyapunov import lyapunov
from hmmdsl.process.entropies import myopic_entropies
from hmmdsl.process.growth import topological_entropy_bits
from hmmdsl.process.history_tree import build_history_tree
from hmmdsl.process.inference import filtered, most_probable_states, smoothed
from hmmdsl.process.mixed_states import mixed_state_presentation
from hmmdsl.process.portrait import told
from hmmdsl.process.portraying import portrait
from hmmdsl.process.process import Process, Scalar
from hmmdsl.process.sampling import sample_words, sample_words_and_states
from hmmdsl.process.structure import ergodic_components, mean_absorption_time
from hmmdsl.process.words import log_probability_nats, observe, read_word, word_probability
from hmmdsl.report.state_diagram import state_diagram
from hmmdsl.report.style import applied, write_png

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float64, Int64

    from hmmdsl.process.dynamics.cloud import BeliefCloud
    from hmmdsl.process.dynamics.dynamics import Dynamics
    from hmmdsl.process.dynamics.lyapunov import Lyapunov
    from hmmdsl.process.dynamics.synchronization import Synchronization
    from hmmdsl.process.entropies import EntropyRate, MyopicEntropies
    from hmmdsl.process.history_tree import HistoryTree
    from hmmdsl.process.mixed_states import MixedStates
    from hmmdsl.process.portrait import Portrait
    from hmmdsl.process.structure import Component

Word: TypeAlias = str | Sequence[str] | Sequence[int]
"""A word: a text of tokens, a list of tokens, or indices into the tokens."""

Argument: TypeAlias = str | int | float | Fraction | Sequence["Argument"]
"""A parameter of a process: a number, a list, or a text in the language (`"1/3"`, exact)."""

LARGEST_TREE = 2_000_000
"""Histories that a tree may have here."""


@dataclass(frozen=True)
class NotebookProcess:
    """A process and what can be asked of it. Immutable; `process` is what the rest of hmmdsl takes."""

    name: str
    process: Process

    @property
    def tokens(self) -> tuple[str, ...]:
        """The tokens, in the order of their indices."""
        return self.process.tokens

    @property
    def states(self) -> Sequence[str]:
        """The hidden states, in the order of their indices."""
        return self.process.states

    @property
    def start(self) -> Sequence[Scalar]:
        """Pr(state before the first token): exact fractions where the process is exact."""
        return self.process.start

    @property
    def T(self) -> Float64[np.ndarray, "token state state"]:
        """The labelled matrices, `T[x, i, j] = Pr(token x, next state j | state i)`. Read-only."""
        return self.process.T

    def belief(self, word: Word = "") -> Float64[np.ndarray, " state"]:
        """Pr(state | word), what an optimal observer believes after the word. Raises ValueError if it cannot occur."""
        import numpy as np

        return np.array([float(value) for value in self.exact_belief(word)])

    def exact_belief(self, word: Word = "") -> tuple[Scalar, ...]:
        """The same in fractions, or in floats where the process has floats."""
        return tuple(observe(self.process, self.indices(word)).belief)

    def next_token(self, word: Word = "") -> Float64[np.ndarray, " token"]:
        """Pr(next token | word). Raises ValueError if the word cannot occur."""
        import numpy as np

        return np.asarray(self.belief(word) @ self.process.emission)

    def probability(self, word: Word) -> float:
        """Pr(word) from the start; 0 if it cannot occur."""
        return float(self.exact_probability(word))

    def exact_probability(self, word: Word) -> Scalar:
        """The same as a fraction, or a float where the process has floats."""
        return word_probability(self.process, self.indices(word))

    def log_probability_nats(self, word: Word) -> float:
        """The natural logarithm of Pr(word), also where Pr(word) is too small for a float; minus infinity if it cannot occur."""
        return log_probability_nats(self.process, self.indices(word))

    def filter(self, word: Word) -> Float64[np.ndarray, "place state"]:
        """Pr(state | the tokens so far) before the first token and after each: the beliefs along a word of any length. Raises
        ValueError if it cannot occur."""
        return filtered(self.process, self.indices(word))

    def smooth(self, word: Word) -> Float64[np.ndarray, "place state"]:
        """Pr(state | the whole word) at the same places. Raises ValueError if it cannot occur, and for a generalized HMM."""
        return smoothed(self.process, self.indices(word))

    def most_probable_states(self, word: Word) -> Int64[np.ndarray, " place"]:
        """The most probable path of hidden states, at the same places, as indices into `states` (Viterbi). Raises ValueError as
        `smooth` does."""
        return most_probable_states(self.process, self.indices(word))

    def components(self) -> tuple[Component, ...]:
        """The closed classes that the start leads to: each as a stationary `process`, with the `probability` of ending there."""
        return ergodic_components(self.process)

    def mean_absorption_time(self) -> float:
        """The mean number of tokens until a closed class is reached. Raises ValueError for products and generalized HMMs."""
        return mean_absorption_time(self.process)

    def topological_entropy_bits(self) -> float:
        """How fast the number of words grows, in bits a token: the limit of log2 N(n) / n. Raises ValueError for a generalized
        HMM, and where there are too many sets of possible states."""
        return topological_entropy_bits(self.process)

    def entropy_rate(self) -> EntropyRate:
        """The entropy rate: `value_bits` and `value_nats` a token, with proven bounds `lower_bits` and `upper_bits`."""
        return self.portrait().entropy_rate

    def myopic_entropies(self, count: int = 10) -> MyopicEntropies:
        """h_1, h_2, …, h_count: the entropy of the next token after 0, 1, … tokens, as `bits` and `nats`; fewer where there are
        too many words."""
        return myopic_entropies(self.process, count)

    def msp(self, max_beliefs: int = 3000) -> MixedStates:
        """The mixed-state presentation, the automaton of beliefs, until it closes or has so many: `belief` [belief state], and
        one entry of `source`, `token`, `target`, `probability` for each transition."""
        return mixed_state_presentation(self.process, max_beliefs)

    def history_tree(self, context: int, bos: bool = False) -> HistoryTree:
        """Every word of up to `context` tokens that can occur (the empty one with `bos`), with its `probability`, `belief`
        [history state] and `next_token` [history token]. Raises ValueError if there are more than two million."""
        if context < 1:
            raise ValueError(f"a context of {context} tokens is too short: give 1 or more")
        histories = count_histories(self.process, context, bos).total
        if histories > LARGEST_TREE:
            raise ValueError(f"{self.name} has {histories:,} histories of up to {context} tokens: give a shorter context")
        return build_history_tree(self.process, context, bos)

    def sample(self, words: int, length: int, seed: int = 0) -> Int64[np.ndarray, "words length"]:
        """Independent words from the start, as indices into `tokens`. The same seed gives the same words."""
        return sample_words(self.process, words, length, seed)

    def sample_with_states(
        self, words: int, length: int, seed: int = 0
    ) -> tuple[Int64[np.ndarray, "words length"], Int64[np.ndarray, "words length+1"]]:
        """Words, and the hidden states before each token and after the last, as indices into `states`."""
        return sample_words_and_states(self.process, words, length, seed)

    def indices(self, word: Word) -> tuple[int, ...]:
        """A word as indices into `tokens`. Raises ValueError for what is no token."""
        return read_word(self.tokens, word)

    def text(self, word: Word) -> str:
        """A word for people: its tokens one after another, with spaces where one has more characters."""
        joint = "" if all(len(token) == 1 for token in self.tokens) else " "
        return joint.join(self.tokens[x] for x in self.indices(word))

    @cached_property
    def _portrait(self) -> Portrait:
        return portrait(self.process)

    def dynamics(self) -> Dynamics:
        """Crypticity, transient information, synchronization, transient beliefs, how many causal states there are, the stationary
        cloud with its dimensions, and the Lyapunov spectrum: each with its error, or the reason why it is unknown. Computed
        once, in a second or two where the beliefs are uncountable."""
        return self.portrait().dynamics

    def synchronization(self) -> Synchronization:
        """How an observer comes to know the causal state: `uncertainty_bits` by length, `information.bits`, `markov_order`,
        `shortest_word`, `mean_length` in tokens. Raises ValueError where the process has several ergodic components."""
        found = self.dynamics()
        if found.synchronization is None:
            raise ValueError(f"{self.name} has no synchronization of its own: {found.reason}")
        return found.synchronization

    def belief_cloud(self, observers: int = 4000, seed: int = 0) -> BeliefCloud:
        """Beliefs in the long run: `belief` [belief state], 50 of each observer, drawn from the invariant measure. Raises
        ValueError where the process has several ergodic components."""
        cloud = belief_cloud(self._component(), seed, observers)
        if cloud is None:
            raise ValueError(f"{observers} observers are too few: give {FEWEST} or more")
        return cloud

    def lyapunov(self, seed: int = 0) -> Lyapunov:
        """The Lyapunov `exponents` of the belief maps, in nats a token, with `errors`, and the `dimension` they give. Raises
        ValueError where the process has several ergodic components."""
        return lyapunov(self._component(), self.entropy_rate(), seed)

    def _component(self) -> Process:
        """The process in its stationary start."""
        components = ergodic_components(self.process)
        if len(components) > 1:
            raise ValueError(f"{self.name} settles into one of {len(components)} ergodic components: take one of them")
        return components[0].process

    def portrait(self) -> Portrait:
        """All that `hmmdsl show` tells, as one record; computed once, in about a second at most."""
        return self._portrait

    def show(self) -> None:
        """Print the portrait."""
        from hmmdsl.exchange.portrait import Shown, print_portraits

        print_portraits([Shown(self.name, self.process, known=self.portrait())])

    def _repr_html_(self) -> str:
        """The portrait and the state diagram, for notebooks."""
        return notebook_cell(self.name, self.process, tuple((line.name, line.text) for line in told(self.portrait())))

    def __repr__(self) -> str:
        return f"<process {self.name}: {len(self.states)} states, tokens {', '.join(self.tokens)}>"


def process(source: str | Path, name: str | None = None, /, **parameters: Argument) -> NotebookProcess:
    """A process of the library (`process("std.processes", "rrxor")`) or of a spec (`process("my.hmm", "name")`); the name may be
    left out where there is one only.

    Parameters are those of the process, the others keep their defaults. Exact numbers are ints, fractions and texts (`p="1/3"`);
    a float is read as the decimal that it prints as, so `p=0.05` is 1/20.

    Raises hmmdsl.SpecError if the spec or a parameter is wrong, and hmmdsl.OutputError if there is no such file or process.
    """
    from hmmdsl.exchange.finding import find_process

    if not parameters:
        found, declared = find_process(str(source), name)
        return NotebookProcess(found, declared)
    from hmmdsl.exchange.calls import instantiate

    arguments = {each: _written(value) for each, value in parameters.items()}
    called, made = instantiate(str(source), name, arguments)
    return NotebookProcess(called, made)


def _written(value: Argument) -> str:
    """A parameter in the language."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | Fraction):
        return str(value)
    if isinstance(value, Sequence):
        return f"[{', '.join(_written(item) for item in value)}]"
    return repr(float(value))


_WIDEST = 420
"""The drawing's width in CSS pixels, at most."""


def notebook_cell(name: str, process: Process, facts: Sequence[tuple[str, str]]) -> str:
    """HTML without scripts or style sheets, since a notebook has its own. Names are escaped; the picture stands in the text."""
    held = io.BytesIO()
    with applied():
        figure = state_diagram(process)
        write_png(figure, held)
    picture = base64.b64encode(held.getvalue()).decode()
    cell = "text-align:left;vertical-align:top;padding:1px 12px 1px 0"
    rows = "".join(
        f'<tr><td style="{cell};opacity:.65;white-space:nowrap">{escape(what)}</td><td style="{cell}">{escape(text)}</td></tr>'
        for what, text in facts
    )
    return (
        f"<div><strong>{escape(name)}</strong>"
        '<div style="display:flex;flex-wrap:wrap;gap:24px;align-items:flex-start">'
        f'<table style="border:0;max-width:640px">{rows}</table>'
        f'<img alt="States of {escape(name)}" style="max-width:{_WIDEST}px;background:#fff" '
        f'src="data:image/png;base64,{picture}"/>'
        "</div></div>"
    )
