"""The items of a process's body, loops unrolled: rows of probabilities, matrices, and where it starts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from hmmdsl.language import syntax
from hmmdsl.language.diagnostics import Note
from hmmdsl.language.messages.hints import suggestion
from hmmdsl.language.processes.alphabets import declare_states, declare_tokens
from hmmdsl.language.processes.loops import turns
from hmmdsl.language.processes.reports import Reports, Turns
from hmmdsl.language.processes.rows import Rows, Where
from hmmdsl.language.values.arithmetic import ONE
from hmmdsl.language.values.budget import DEPTH, Budget
from hmmdsl.language.values.calls import check_parameters
from hmmdsl.language.values.evaluation import evaluate, evaluate_number
from hmmdsl.language.values.failure import ConstantError
from hmmdsl.language.values.lookup import BUILTIN_NAMES
from hmmdsl.language.values.references import read_state, read_symbol
from hmmdsl.language.values.scope import Bound, Failed, Function, Scope, check_new_name
from hmmdsl.language.values.symbols import Symbols
from hmmdsl.language.values.value import Value
from hmmdsl.process.process import Scalar

ENDS = ("departure", "arrival")


@dataclass(frozen=True)
class Matrix:
    """The value of one `operator`, before its shape is checked."""

    token: int
    value: Value
    item: syntax.Operator
    turn: Turns


@dataclass(eq=False)
class Body:
    """What a body says. `labelled` has keys (token, target), `arrows` (target,), `emissions` (token,)."""

    symbols: Symbols
    reports: Reports
    labelled: Rows
    arrows: Rows
    emissions: Rows
    matrices: dict[int, Matrix] = field(default_factory=dict)
    emit_on: Literal["departure", "arrival"] = "departure"
    emit_item: syntax.EmitOn | None = None
    start: syntax.Start | None = None
    scope: Scope = field(default_factory=Scope)
    generalized: bool = False


def read_body(hmm: syntax.Hmm, scope: Scope, budget: Budget, reports: Reports) -> Body:
    """Read all items; `scope` has the parameters. States, tokens and constants are declared first, then the rest is read in
    order. Whatever is wrong is reported."""
    symbols = Symbols()
    declared = Scope(scope, symbols=symbols)
    constants: dict[int, Bound] = {}
    for item in hmm.body:
        match item:
            case syntax.States():
                declare_states(item, symbols.states, declared, budget, reports)
            case syntax.Tokens():
                declare_tokens(item, symbols.tokens, declared, budget, reports)
            case syntax.Let():
                constants[id(item)] = _let(item, declared, None, budget, reports)
    states = symbols.states
    body = Body(
        symbols,
        reports,
        Rows("transitions out of", "E0301", states, reports),
        Rows("transitions out of", "E0301", states, reports),
        Rows("emissions of", "E0320", states, reports),
        scope=declared,
        generalized=hmm.keyword == "ghmm",
    )
    _Reader(body, budget, constants).read(hmm.body, Scope(scope, symbols=symbols))
    return body


def _let(item: syntax.Let, scope: Scope, turn: Turns, budget: Budget, reports: Reports) -> Bound:
    """Define a `let` in `scope`; what is wrong is reported, and the name is defined as failed."""
    value: Bound = Failed()
    try:
        check_new_name(item.name, scope, BUILTIN_NAMES)
        if item.parameters is None:
            value = evaluate(item.value, scope, budget)
        else:
            check_parameters(item.parameters, scope)
            value = Function(item.name.text, item.parameters, item.value, scope)
    except ConstantError as error:
        reports.error(error, turn)
    if item.name.text not in scope.bound:
        scope.define(item.name.text, value, item.name.span)
    return value


@dataclass(eq=False)
class _Reader:
    """Reads items in order into the body. `constants` are the values of the body's own `let`s."""

    body: Body
    budget: Budget
    constants: dict[int, Bound]
    depth: int = 0

    def read(self, items: tuple[syntax.Item, ...], scope: Scope) -> None:
        """The items of the body itself."""
        for item in items:
            if self.body.reports.too_many:
                self._spoil()
                return
            try:
                match item:
                    case syntax.Let():
                        scope.define(item.name.text, self.constants[id(item)], item.name.span)
                    case syntax.EmitOn():
                        self._emit_on(item)
                    case syntax.Start():
                        self._start(item)
                    case syntax.States() | syntax.Tokens():
                        pass
                    case _:
                        self._item(item, scope, None)
            except ConstantError as error:
                self.body.reports.error(error)
                if self._ends(error):
                    self._spoil()
                    return

    def _ends(self, error: ConstantError) -> bool:
        """Whether there is no point in reading on."""
        return self.budget.spent or (error.diagnostic is not None and error.diagnostic.code in ENDING)

    def _spoil(self) -> None:
        """Items are missing for a reason that was told: no row is to complain."""
        for rows in (self.body.labelled, self.body.arrows, self.body.emissions):
            rows.spoil(None)

    def _item(self, item: syntax.Item, scope: Scope, turn: Turns) -> None:
        body = self.body
        match item:
            case syntax.LabelledArrow():
                self._row_item(body.labelled, item, item.source, item.probability, scope, turn)
            case syntax.Arrow():
                self._row_item(body.arrows, item, item.source, item.probability, scope, turn)
            case syntax.Emission():
                self._row_item(body.emissions, item, item.state, item.probability, scope, turn)
            case syntax.For():
                self._loop(item, scope, turn)
            case syntax.Operator():
                self._operator(item, scope, turn)
            case syntax.Let():
                _let(item, scope, turn, self.budget, body.reports)
            case _:
                body.reports.error(
                    ConstantError(
                        "E0329",
                        "only arrows, emissions, operators and `let` may stand in a `for`",
                        item.span,
                        help="write this line outside; families such as `states s[0..3]` need no loop",
                    ),
                    turn,
                )

    def _row_item(
        self,
        rows: Rows,
        item: syntax.LabelledArrow | syntax.Arrow | syntax.Emission,
        source: syntax.Path,
        probability: syntax.Expression | None,
        scope: Scope,
        turn: Turns,
    ) -> None:
        """One arrow or emission into its row."""
        symbols, budget = self.body.symbols, self.budget
        budget.spend(item.span)
        state: int | None = None
        try:
            state = read_state(source, symbols.states, scope, budget, evaluate)
            key: tuple[int, ...]
            if isinstance(item, syntax.Emission):
                key = (read_symbol(item.symbol, symbols.tokens, scope, budget, evaluate),)
            elif isinstance(item, syntax.Arrow):
                key = (read_state(item.target, symbols.states, scope, budget, evaluate),)
            else:
                symbol = read_symbol(item.symbol, symbols.tokens, scope, budget, evaluate)
                key = (symbol, read_state(item.target, symbols.states, scope, budget, evaluate))
            value = self._probability(probability, scope)
            place = probability.span if probability is not None else item.span
            rows.add(state, key, value, Where(item.span, source.span, place, turn))
        except ConstantError as error:
            rows.spoil(state)
            if self._ends(error):
                raise
            self.body.reports.error(error, turn)

    def _probability(self, probability: syntax.Expression | None, scope: Scope) -> Scalar | None:
        """The value of a probability, None for `rest`."""
        if probability is None:
            return ONE
        if isinstance(probability, syntax.Path) and probability.bare == "rest":
            return None
        return evaluate_number(probability, scope, self.budget)

    def _loop(self, loop: syntax.For, scope: Scope, around: Turns) -> None:
        """All turns of a loop."""
        if self.depth >= DEPTH:
            raise self.budget.too_deep(loop.span)
        own_names = any(isinstance(item, syntax.Let) for item in loop.body)
        self.depth += 1
        turn: Turns = around
        try:
            for inside, turn in turns(loop, scope, around, self.budget):
                inner = Scope(inside) if own_names else inside
                for item in loop.body:
                    self._item(item, inner, turn)
                if self.body.reports.too_many:
                    break
        except ConstantError as error:
            self._spoil()
            if self._ends(error):
                raise
            self.body.reports.error(error, around)
        finally:
            self.depth -= 1

    def _operator(self, item: syntax.Operator, scope: Scope, turn: Turns) -> None:
        """`operator a = [[…]]`."""
        if item.keyword == "kraus" and not self.body.generalized:
            raise ConstantError(
                "E0327",
                "`kraus` operators stand in a `ghmm`, not in an `hmm`",
                item.span,
                label="acts on a density matrix",
                help="write `ghmm` for `hmm`, or give matrices of probabilities by `operator`",
            )
        try:
            token = read_symbol(item.symbol, self.body.symbols.tokens, scope, self.budget, evaluate)
            value = evaluate(item.value, scope, self.budget)
        except ConstantError as error:
            if self._ends(error):
                raise
            self.body.reports.error(error, turn)
            return
        before = self.body.matrices.get(token)
        if before is not None:
            raise ConstantError(
                "E0323",
                f"the operator of {self.body.symbols.tokens.texts[token]} is given twice",
                item.symbol.span,
                help="leave one of the two out",
                notes=(Note("given here first", before.item.symbol.span),),
            )
        self.body.matrices[token] = Matrix(token, value, item, turn)

    def _emit_on(self, item: syntax.EmitOn) -> None:
        word = item.end.text
        if self.body.emit_item is not None:
            raise ConstantError(
                "E0318",
                "`emit on` is given twice",
                item.span,
                help="leave one of the two out",
                notes=(Note("given here first", self.body.emit_item.span),),
            )
        self.body.emit_item = item
        if word not in ENDS:
            raise ConstantError(
                "E0317",
                f"a token is emitted on `departure` or on `arrival`, not on `{word}`",
                item.end.span,
                help=suggestion(word, ENDS, "write"),
            )
        self.body.emit_on = "arrival" if word == "arrival" else "departure"

    def _start(self, item: syntax.Start) -> None:
        if self.body.start is not None:
            raise ConstantError(
                "E0326",
                "`start` is given twice",
                item.span,
                help="leave one of the two out; `start [1/2, 1/2]` starts in several states",
                notes=(Note("given here first", self.body.start.span),),
            )
        self.body.start = item


ENDING = frozenset({"E0405", "E0411"})
"""Mistakes after which there is no point in going on with a body: the budget is spent."""
