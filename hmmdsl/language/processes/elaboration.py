"""From the body of an `hmm` or a `ghmm` to a process: labelled matrices whose rows sum to one, and a start."""

from __future__ import annotations

from collections.abc import Mapping

from hmmdsl.language import syntax
from hmmdsl.language.diagnostics import Diagnostics, Note
from hmmdsl.language.processes.bodies import Body, read_body
from hmmdsl.language.processes.generalized import generalized_process
from hmmdsl.language.processes.matrices import read_matrices
from hmmdsl.language.processes.reports import Reports
from hmmdsl.language.processes.rows import Row
from hmmdsl.language.processes.starts import given_start, stationary_start, warn_unreached
from hmmdsl.language.source import Span
from hmmdsl.language.values.budget import Budget
from hmmdsl.language.values.calls import check_parameters, fill
from hmmdsl.language.values.evaluation import evaluate
from hmmdsl.language.values.failure import ConstantError
from hmmdsl.language.values.mentions import unmentioned
from hmmdsl.language.values.scope import Scope
from hmmdsl.language.values.value import Value
from hmmdsl.process.process import Process, Scalar

Entries = dict[tuple[int, int], Scalar]


def elaborate_hmm(
    hmm: syntax.Hmm,
    arguments: Mapping[str, Value],
    budget: Budget,
    diagnostics: Diagnostics,
    name: str | None = None,
    outside: Scope | None = None,
) -> Process | None:
    """The process of an `hmm` for these arguments, among them all parameters without a default; None if something is wrong.

    Everything that is wrong or odd goes to `diagnostics`. `outside` has the file's names, which a body does not see: a message
    says so where one is used.
    """
    reports = Reports(budget)
    process: Process | None = None
    try:
        process = _process(hmm, arguments, budget, reports, name or hmm.name.text, outside)
    except ConstantError as error:
        reports.error(error)
    reports.deliver(diagnostics)
    return None if reports.failed else process


def _process(
    hmm: syntax.Hmm, arguments: Mapping[str, Value], budget: Budget, reports: Reports, name: str, outside: Scope | None
) -> Process | None:
    scope = Scope(outside=outside)
    parameters = hmm.parameters or ()
    check_parameters(parameters, scope)
    fill(parameters, arguments, scope, budget, evaluate)
    _warn_unused(hmm, parameters, reports)
    body = read_body(hmm, scope, budget, reports)
    if not _complete(body, hmm, reports):
        return None
    if body.generalized:
        return generalized_process(hmm, body, budget, reports, name)
    _check_one_form(body)
    operators = _operators(body, reports)
    states = body.symbols.states
    if reports.failed or operators is None:
        return None
    transitions: Entries = {}
    for entries in operators:
        for place, value in entries.items():
            transitions[place] = transitions[place] + value if place in transitions else value
    if body.start is None:
        start = stationary_start(transitions, states, hmm.name.span)
    else:
        start = given_start(body.start, states, body.scope, budget)
    warn_unreached(operators, transitions, start, body.symbols, reports, given=body.start is not None)
    return Process(
        name,
        tuple(body.symbols.tokens),
        tuple(states),
        tuple(operators),
        start,
        "stationary" if body.start is None else "given",
    )


def _warn_unused(hmm: syntax.Hmm, parameters: tuple[syntax.Parameter, ...], reports: Reports) -> None:
    names = [parameter.name.text for parameter in parameters]
    unused = unmentioned(names, hmm.body, tuple(parameter.default for parameter in parameters))
    for parameter in parameters:
        if parameter.name.text in unused:
            reports.warning(
                "W0903",
                f"the parameter `{parameter.name.text}` of `{hmm.name.text}` is never used",
                parameter.name.span,
                label="never used",
                help="use it, or leave it out",
            )


def _complete(body: Body, hmm: syntax.Hmm, reports: Reports) -> bool:
    """Whether there are states and tokens; if not, that is reported. Matrices alone declare their states by their size."""
    states, tokens = body.symbols.states, body.symbols.tokens
    if not len(tokens) and not tokens.broken:
        reports.error(
            ConstantError("E0311", f"`{hmm.name.text}` has no tokens", hmm.name.span, help="declare them: `tokens 0, 1`")
        )
    if not len(states) and not states.broken and not body.matrices and not body.generalized:
        reports.error(
            ConstantError("E0310", f"`{hmm.name.text}` has no states", hmm.name.span, help="declare them: `states A, B`")
        )
    return bool(len(tokens)) and (bool(len(states)) or bool(body.matrices) or body.generalized)


def _check_one_form(body: Body) -> None:
    """Raise ConstantError (E0316, E0319, E0328) unless the body is in one of the three forms."""
    forms: list[tuple[str, Span]] = []
    if body.labelled:
        forms.append(("arrows with labels", _first(body.labelled.rows)))
    if body.arrows or body.emissions:
        rows = body.arrows.rows if body.arrows else body.emissions.rows
        forms.append(("arrows without labels and `emits`", _first(rows)))
    if body.matrices:
        forms.append(("operators", next(iter(body.matrices.values())).item.span))
    if len(forms) > 1:
        (one, first), (other, second) = sorted(forms[:2], key=lambda form: form[1].start)
        raise ConstantError(
            "E0316",
            f"{one} and {other} do not mix in one process",
            second,
            help="write all transitions in one of the three forms",
            notes=(Note(f"the first of the {one}", first),),
        )
    if body.emit_item is not None and (body.labelled or body.matrices):
        raise ConstantError(
            "E0319",
            "`emit on` has no meaning here: the tokens stand on the arrows",
            body.emit_item.span,
            help="leave it out; it belongs to arrows without labels and `emits`",
        )
    if body.arrows and not body.emissions and not body.emissions.spoiled:
        raise ConstantError(
            "E0328",
            "no state emits a token",
            _first(body.arrows.rows),
            label="this arrow carries none",
            help="write `A -[0]-> B`, or say what each state emits: `A emits 0`",
        )


def _first(rows: Mapping[int, Row]) -> Span:
    """The first item of these rows."""
    places = [row.first.item for row in rows.values() if row.first is not None]
    return min(places, key=lambda span: span.start)


def _operators(body: Body, reports: Reports) -> list[Entries] | None:
    """T[x] for each token, from whichever form the body is in; rows that do not sum to one are reported."""
    tokens, states = body.symbols.tokens, body.symbols.states
    operators: list[Entries] = [{} for _ in tokens]
    if body.matrices:
        return read_matrices(body, reports)
    if reports.failed and not (body.labelled or body.arrows or body.emissions):
        return None
    everyone = range(len(states))
    if body.arrows or body.emissions:
        targets = body.arrows.finish(everyone)
        emissions = body.emissions.finish(everyone)
        for i, row in enumerate(targets):
            for (j,), share in row.items():
                # T[x][i, j] = Pr(j | i) Pr(x | i) on departure, Pr(j | i) Pr(x | j) on arrival.
                for (x,), chance in emissions[i if body.emit_on == "departure" else j].items():
                    operators[x][i, j] = share * chance
        return operators
    for i, row in enumerate(body.labelled.finish(everyone)):
        for (x, j), value in row.items():
            operators[x][i, j] = value
    return operators
