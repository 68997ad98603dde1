"""Operations on one process: other tokens, noise on them, leaks between states, time reversed, the smallest machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from hmmdsl.process.algebra.entries import add, check_ordinary, check_probability, is_stationary
from hmmdsl.process.algebra.epsilon_machine import MOST_STATES, MOST_WORK, Unclosed, epsilon_machine
from hmmdsl.process.algebra.failure import AlgebraError, check_size
from hmmdsl.process.algebra.product import product
from hmmdsl.process.process import Process, Scalar
from hmmdsl.process.stationary import stationary_distribution


def relabel(process: Process, pairs: Mapping[str, str], name: str | None = None) -> Process:
    """Each token x is emitted as `pairs[x]`. One to one leaves every word's probability; many to one merges tokens, and a word's
    probability is the sum over the words that become it.

    New tokens stand in the order in which the process' own tokens lead to them. States, start and parts stay.

    Raises AlgebraError if a token is missed, or if the pairs name one that the process does not have.
    """
    missed = [token for token in process.tokens if token not in pairs]
    if missed:
        raise AlgebraError(
            f"the relabelling of {process.name} says nothing of `{missed[0]}`"
            + (f" and {len(missed) - 1} more" if len(missed) > 1 else ""),
            f"give each token a new name, or its own: `{missed[0]} -> {missed[0]}`",
        )
    unknown = [token for token in pairs if token not in process.tokens]
    if unknown:
        raise AlgebraError(f"{process.name} has no token `{unknown[0]}`", f"its tokens are {', '.join(process.tokens)}")
    tokens = tuple(dict.fromkeys(pairs[token] for token in process.tokens))
    place = {token: x for x, token in enumerate(tokens)}
    operators: list[dict[tuple[int, int], Scalar]] = [{} for _ in tokens]
    for token, entries in zip(process.tokens, process.operators, strict=True):
        merged = operators[place[pairs[token]]]
        for ends, value in entries.items():
            add(merged, ends, value)
    return replace(process, name=name or f"relabel({process.name})", tokens=tokens, operators=tuple(operators))


def noise(process: Process, eps: Scalar, name: str | None = None) -> Process:
    """Each token, independently and with probability eps, is replaced by one drawn uniformly from all V tokens, itself included:
    (1 - eps) T[x] + (eps / V) T. So a token comes out changed with probability eps (V - 1) / V, and eps = 1 leaves a fair die.

    The hidden states move as before: start, stationarity and parts stay.

    Raises AlgebraError unless eps is a probability, TooLargeError if the entries would not fit.
    """
    check_probability("the noise", eps)
    label = name or f"noise({process.name}, {eps})"
    if not eps:
        return replace(process, name=label)
    V = len(process.tokens)
    T = process.transitions()
    check_size("the noisy process", len(process.states), V, V * len(T))
    share, kept = eps / V, 1 - eps
    uniform = {ends: share * value for ends, value in T.items() if value}
    operators: list[dict[tuple[int, int], Scalar]] = []
    for entries in process.operators:
        blurred = dict(uniform)
        for ends, value in entries.items():
            add(blurred, ends, kept * value)
        operators.append(blurred)
    return replace(process, name=label, operators=tuple(operators))


def leak(process: Process, eps: Scalar, name: str | None = None) -> Process:
    """(1 - eps) T[x] + eps / (V S) at every entry of every matrix, for V tokens and S states: with probability eps a uniform
    token and a uniform next state.

    For eps > 0 every state leads to every other, so the process is ergodic: a stationary start becomes the new, unique
    stationary distribution (a mixture becomes one process that changes its component now and then). A given start stays.

    Raises AlgebraError for a generalized HMM and unless eps is a probability, TooLargeError if the V S^2 entries would not fit.
    """
    check_ordinary("a leak", process)
    check_probability("the leak", eps)
    V, S = len(process.tokens), len(process.states)
    label = name or f"leak({process.name}, {eps})"
    if not eps:
        return replace(process, name=label)
    check_size("the leaky process", S, V, V * S * S)
    floor = eps / (V * S)
    operators: list[dict[tuple[int, int], Scalar]] = []
    for entries in process.operators:
        spread: dict[tuple[int, int], Scalar] = {(i, j): floor for i in range(S) for j in range(S)}
        for ends, value in entries.items():
            add(spread, ends, (1 - eps) * value)
        operators.append(spread)
    made = replace(process, name=label, operators=tuple(operators))
    if process.start_kind == "given":
        return made
    return replace(made, start=stationary_distribution(made.transitions(), S))


def reverse(process: Process, name: str | None = None) -> Process:
    """Time reversal: T'[x][j, i] = pi_i T[x][i, j] / pi_j, so that Pr'(x1 … xn) = Pr(xn … x1). Reversing twice gives the process
    back, entry by entry (Crutchfield, Ellison & Mahoney 2009).

    Of a generalized HMM the operators are transposed, and the start and the right eigenvector change places; its parts are lost.
    A product runs backwards as its factors do, side by side: it stays apart.

    Raises AlgebraError unless the start is stationary, and of an ordinary HMM gives every state a weight.
    """
    pi = process.start
    if not is_stationary(process):
        raise AlgebraError(
            f"{process.name} does not start in its stationary distribution, so its reverse is not one process",
            "leave out its `start`: only a stationary process reads the same from any time backwards",
        )
    label = name or f"reverse({process.name})"
    if process.factored and process.parts is not None:
        return product({part.name: reverse(part.process) for part in process.parts.factors}, label)
    if process.right is not None:
        turned = tuple({(j, i): value for (i, j), value in entries.items()} for entries in process.operators)
        return replace(process, name=label, operators=turned, start=tuple(process.right), right=tuple(pi), parts=None)
    unused = [state for state, weight in zip(process.states, pi, strict=True) if not weight]
    if unused:
        raise AlgebraError(
            f"the state {unused[0]} of {process.name} has no weight in the stationary distribution",
            "leave out the states that are never met again",
        )
    operators: list[dict[tuple[int, int], Scalar]] = [
        {(j, i): pi[i] * value / pi[j] for (i, j), value in entries.items() if value} for entries in process.operators
    ]
    return replace(process, name=label, operators=tuple(operators))


class UnclosedError(AlgebraError):
    """There is no finite epsilon-machine within the budget; `found` says how far it got."""

    def __init__(self, found: Unclosed) -> None:
        super().__init__(found.reason, "minimize a process with finitely many causal states, or use this one as it is")
        self.found = found


def minimize(process: Process, name: str | None = None, most_states: int = MOST_STATES, most_work: int = MOST_WORK) -> Process:
    """The epsilon-machine of a process, as a process: every word keeps its probability. Minimizing twice changes nothing more.

    States that were merged have the name of the first of them; causal states that are no states of the process are `c[0]`, ….
    Tokens that never come stay in the vocabulary; parts are lost.

    A generalized HMM with finitely many causal states becomes an ordinary HMM.

    Raises UnclosedError if the causal states are not found within the budget of states and
    of products of numbers.
    """
    machine = epsilon_machine(process, most_states, most_work)
    if isinstance(machine, Unclosed):
        raise UnclosedError(machine)
    return replace(machine.process, name=name or f"minimize({process.name})")
