"""From a body to a process: three forms, `rest`, loops, starts, and what is checked."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmmdsl.language.messages.render import render
from hmmdsl.process.process import Process
from tests.language.process_specs import Declared, declared, hmm, matrices

RRXOR_WRONG = """hmm rrxor(q = 1/2) {
  states S, S0, S1, T, F
  tokens 0, 1

  S  -[0]-> S0 : 1/2
  S  -[1]-> S1 : rest
  S0 -[0]-> F : q / 2
  S0 -[1]-> T : 1/2
  S1 -[0]-> T : q
  S1 -[1]-> F : rest
  T  -[1]-> S
  F  -[0]-> S
}
"""


def process(body: str, states: str = "A, B", tokens: str = "0, 1", call: str = "x()") -> Process:
    found = declared(hmm(body, states, tokens))
    assert not found.codes, found.diagnostics.found
    return found.process(call)


def codes(body: str, states: str = "A, B", tokens: str = "0, 1", parameters: str = "") -> list[str]:
    return declared(hmm(body, states, tokens, parameters)).codes


class TestForms:
    def test_the_three_forms_agree(self) -> None:
        arrows = process("A -[0]-> A : 1/6\n A -[1]-> A : 1/3\n A -[0]-> B : 1/6\n A -[1]-> B : 1/3\n B -[1]-> A")
        emitting = process("A -> A : 1/2\n A -> B : rest\n B -> A\n A emits 0 : 1/3\n A emits 1 : rest\n B emits 1")
        operators = process("operator 0 = [[1/6, 1/6], [0, 0]]\n operator 1 = [[1/3, 1/3], [1, 0]]")
        assert matrices(arrows) == matrices(emitting) == matrices(operators)
        assert arrows.start == emitting.start == operators.start

    def test_departure_emits_from_the_state_that_is_left_and_arrival_from_the_one_reached(self) -> None:
        body = "A -> A : 1/2\n A -> B : rest\n B -> A\n A emits 0\n B emits 1"
        half, one = Fraction(1, 2), Fraction(1)
        textbook = matrices(process(body))
        assert textbook == matrices(process(body + "\n emit on departure"))
        assert textbook == [[[half, half], [0, 0]], [[0, 0], [one, 0]]]
        assert matrices(process(body + "\n emit on arrival")) == [[[half, 0], [one, 0]], [[0, half], [0, 0]]]

    def test_a_missing_probability_is_certain_and_a_zero_removes_the_arrow(self) -> None:
        found = process("A -[0]-> B\n B -[1]-> A : 1\n B -[0]-> A : 0")
        assert found.operators == ({(0, 1): 1}, {(1, 0): 1})

    def test_operators_number_their_states(self) -> None:
        found = declared("hmm x {\n tokens a\n operator a = [[0, 1], [1, 0]]\n}").process("x()")
        assert (found.states, found.tokens) == (("0", "1"), ("a",))

    def test_names_are_the_texts_as_written(self) -> None:
        body = "for i in 0..2, j in 0..=1 { s[i, j] -[t[j]]-> s[(i + 1) mod 2, (j + i) mod 2] : 1/2 }\n"
        body += 'for i in 0..2 { s[i, 0] -["0"]-> s[i, 1] : rest\n s[i, 1] -[k]-> s[i, 0] : rest }\n let k = 7'
        text = hmm("let k = 7\n" + body.removesuffix("\n let k = 7"), "s[0..2, 0..=1]", 't[0..2], "0", 5..8')
        found = declared(text).process("x()")
        assert found.states == ("s[0, 0]", "s[0, 1]", "s[1, 0]", "s[1, 1]")
        assert found.tokens == ("t[0]", "t[1]", '"0"', "5", "6", "7")
        assert found.operators[5] == {(1, 0): Fraction(1, 2), (3, 2): Fraction(1, 2)}

    def test_the_process_is_named_after_its_call(self) -> None:
        found = declared(hmm("A -[0]-> B : p\n A -[1]-> B : rest\n B -[0]-> A", parameters="(p = 1/2)"))
        names = [found.process(call).name for call in ("x()", "x(1/2)", "x(p = 1/3)", "x(0.15)")]
        assert names == ["x", "x", "x(p=1/3)", "x(p=0.15)"]


class TestRest:
    @settings(deadline=None)
    @given(st.lists(st.integers(1, 9), min_size=1, max_size=6), st.data())
    def test_rest_completes_the_row_wherever_it_stands(self, shares: list[int], data: st.DataObject) -> None:
        total = sum(shares) + data.draw(st.integers(0, 5))
        place = data.draw(st.integers(0, len(shares)))
        lines = [f"A -[{k}]-> A : {share} / {total}" for k, share in enumerate(shares)]
        lines.insert(place, f"A -[{len(shares)}]-> A : rest")
        found = declared(hmm("\n".join(lines), "A", f"0..={len(shares)}")).process("x()")
        assert sum(value for entries in found.operators for value in entries.values()) == 1
        assert found.operators[-1].get((0, 0), 0) == 1 - Fraction(sum(shares), total)

    def test_transitions_and_emissions_have_rests_of_their_own(self) -> None:
        found = process("A -> A : 1/3\n A -> B : rest\n B -> A : rest\n A emits 0 : 1/4\n A emits 1 : rest\n B emits 0")
        assert matrices(found)[1][0] == [Fraction(1, 4), Fraction(1, 2)]

    def test_rest_of_floats_is_what_is_left(self) -> None:
        found = process("A -[0]-> A : sqrt(1/4)\n A -[1]-> B : rest\n B -[0]-> A")
        assert not found.exact
        assert found.operators[1][0, 1] == pytest.approx(0.5)

    def test_its_mistakes(self) -> None:
        assert codes("A -[0]-> A : rest\n A -[1]-> A : rest", "A") == ["E0304"]
        assert codes("A -[0]-> A : 3/4\n A -[1]-> A : 1 / 2\n A -[2]-> A : rest", "A", "0, 1, 2") == ["E0303"]
        assert codes("A -[0]-> A : 1/2\n A -[1]-> A : 1 - rest", "A") == ["E0305"]
        assert codes("A -[0]-> A : if 1 < 2 then rest else 0", "A", "0") == ["E0305"]


class TestRows:
    def test_a_row_that_falls_short_is_shown_as_in_the_design(self) -> None:
        assert render(declared(RRXOR_WRONG).only).rstrip() == (
            "error[E0301]: the transitions out of S0 sum to 3/4, not 1\n"
            "  --> spec.hmm:7:3\n"
            "   |\n"
            " 7 |   S0 -[0]-> F : q / 2\n"
            "   |   ^^ 1/4 is missing\n"
            "   = help: write `rest` as one probability to give it what is left"
        )

    def test_a_row_with_too_much(self) -> None:
        found = declared(hmm("A -[0]-> A : 3/4\n A -[1]-> A : 3/8", "A"))
        assert (found.only.message, found.only.label) == ("the transitions out of A sum to 9/8, not 1", "1/8 too much")

    def test_rows_are_exact(self) -> None:
        assert not codes("A -[0]-> A : 0.1\n A -[1]-> A : 0.2\n A -[2]-> A : 0.7", "A", "0, 1, 2")
        assert codes("A -[0]-> A : 1/3\n A -[1]-> A : 0.6666666666666666", "A") == ["E0301"]

    def test_every_wrong_row_is_told_at_once(self) -> None:
        assert codes("A -[0]-> B : 1/2\n B -[0]-> A : 1/3\n C -[1]-> A", "A, B, C") == ["E0301", "E0301"]

    def test_a_wrong_arrow_makes_no_second_complaint_about_its_row(self) -> None:
        assert codes("A -[0]-> A : 1/2\n A -[2]-> B : 1/2\n B -[0]-> Q\n") == ["E0307", "E0306"]

    def test_a_state_without_arrows(self) -> None:
        found = declared(hmm("A -[0]-> A : 1/2\n A -[1]-> B : 1/2"))
        assert (found.only.code, found.only.label) == ("E0301", "no arrow leaves it")

    def test_emissions_and_operators_have_rows_too(self) -> None:
        assert codes("A -> A\n A emits 0 : 1/2", "A", "0") == ["E0320"]
        assert codes("operator 0 = [[1/2]]", "A", "0") == ["E0301"]


class TestLoops:
    def test_an_error_in_a_loop_tells_the_turn_and_is_told_once(self) -> None:
        found = declared(hmm("for i in 1..4, j in 0..2 if j < i { s[i] -[0]-> s[i + j] : 1/2 }", "s[0..5]", "0"))
        row = next(d for d in found.diagnostics.found if "out of s[1]" in d.message)
        assert row.notes[0].message == "with i = 1, j = 0"

    def test_the_same_mistake_in_many_turns_is_one_message_with_a_count(self) -> None:
        found = declared(hmm("for i in 0..5 { s[i] -[0]-> s[i + 9] }", "s[0..5]", "0"))
        assert found.only.code == "E0312"
        assert [note.message for note in found.only.notes][1:] == ["with i = 0", "and 4 more like it, for other values"]

    def test_domains_follow_earlier_variables_and_lists(self) -> None:
        body = "for i in 0..3, j in i..=i { s[i] -[j]-> s[(j + 1) mod 3] : 1/2 }\nfor i in [0, 1, 2] { s[i] -[3]-> s[i] : rest }"
        assert len(process(body, "s[0..3]", "0..4").transitions()) == 6

    def test_an_equality_in_the_condition_enumerates_nothing_else(self) -> None:
        found = declared(hmm("for i in 0..900, j in 0..900 if j == (i + 1) mod 900 { s[i] -[0]-> s[j] }", "s[0..900]", "0"))
        assert not found.codes
        assert found.budget.operations < 20_000

    def test_a_condition_still_guards_what_stands_to_its_right(self) -> None:
        body = "for i in 0..3, j in 0..3 if j != 0 and 1 / j > 2/3 and i == 1 { s[i] -[0]-> s[j] }\n"
        assert not declared(hmm(body + "s[0] -[0]-> s[1]\ns[2] -[0]-> s[1]", "s[0..3]", "0")).diagnostics.errors

    def test_constants_inside_and_loops_inside_loops(self) -> None:
        body = "for i in 0..2 { let k = (i + 1) mod 2\n for j in 0..2 { s[i] -[j]-> s[k] : 1/2 } }"
        assert process(body, "s[0..2]", "0..2").operators[0] == {(0, 1): Fraction(1, 2), (1, 0): Fraction(1, 2)}

    def test_what_may_not_stand_there(self) -> None:
        assert codes("for i in 0..2 { start A }\n A -[0]-> B\n B -[1]-> A") == ["E0329"]
        assert codes("for i in 3 { A -[0]-> B }\n B -[1]-> A") == ["E0403"]
        assert codes("let i = 3\n for i in 0..2 { A -[0]-> B }\n B -[1]-> A") == ["E0202"]


class TestSymbols:
    @pytest.mark.parametrize(
        ("body", "code"),
        [
            ("A -[0]-> C\n B -[1]-> A", "E0306"),
            ("A -[0]-> B\n B -[2]-> A", "E0307"),
            ('A -[0]-> B\n B -["1"]-> A', "E0307"),
            ("A -[0]-> B\n B -[(0, 1)]-> A", "E0307"),
            ("A -[0]-> B\n A -[0]-> B\n B -[1]-> A", "E0308"),
            ("A[0] -[0]-> B\n B -[1]-> A", "E0313"),
            ("let k = 1/2\n A -[0]-> B\n B -[k]-> A", "E0315"),
            ("A -[0]-> B\n B -> A\n B emits 1", "E0316"),
            ("A -> B\n B -> A", "E0328"),
            ("A -> B\n B -> A\n A emits 0\n B emits 1\n emit on leaving", "E0317"),
            ("A -> B\n B -> A\n A emits 0\n B emits 1\n emit on arrival\n emit on arrival", "E0318"),
            ("A -[0]-> B\n B -[1]-> A\n emit on arrival", "E0319"),
            ("A -[0]-> B : 3/2\n B -[1]-> A", "E0302"),
            ("A -[0]-> B : -1/2\n B -[1]-> A", "E0302"),
            ('A -[0]-> B : "1"\n B -[1]-> A', "E0403"),
            ("operator 0 = [[1, 0]]\n operator 1 = [[0, 0], [1, 0]]", "E0321"),
            ("operator 0 = [[0, 1], [1, 0]]", "E0322"),
            ("operator 0 = [[0, 1], [1, 0]]\n operator 0 = [[0, 1], [1, 0]]", "E0323"),
            ("kraus 0 = [[1]]\n A -[0]-> B\n B -[1]-> A", "E0327"),
            ("let q = A\n A -[0]-> B\n B -[1]-> A", "E0201"),
            ("let f(x) = f(x)\n let q = f(1)\n A -[0]-> B\n B -[1]-> A", "E0213"),
        ],
    )
    def test_each_mistake_is_told_apart(self, body: str, code: str) -> None:
        found = declared(hmm(body))
        assert found.only.code == code
        assert found.only.help

    def test_a_token_that_is_also_a_constant(self) -> None:
        assert codes("A -[k]-> A", "A", "k", "(k = 1)") == ["E0314"]

    def test_declared_twice_or_not_at_all(self) -> None:
        assert codes("A -[0]-> A", "A, A", "0") == ["E0309"]
        assert codes("A -[0]-> A : 1/2\n A -[1]-> A : rest", "A", "0, 1, 0..1") == ["E0309"]
        assert declared("hmm x { }").codes == ["E0311", "E0310"]

    def test_index_is_the_position_of_a_token(self) -> None:
        found = process("A -[a]-> A : index(b) / 2\n A -[b]-> A : 1/2 - index(a)", "A", "a, b")
        assert matrices(found) == [[[Fraction(1, 2)]], [[Fraction(1, 2)]]]

    def test_a_body_does_not_see_the_file(self) -> None:
        found = declared("param eps = 1/2\n" + hmm("A -[0]-> A : eps\n A -[1]-> A : rest", "A"))
        assert found.only.code == "E0212"

    def test_earlier_lets_only(self) -> None:
        assert codes("A -[0]-> B : p\n let p = 1\n B -[1]-> A") == ["E0201"]

    def test_an_unused_parameter_is_odd(self) -> None:
        assert codes("A -[0]-> B\n B -[1]-> A", parameters="(p = 1)") == ["W0903"]


class TestStart:
    RING = "A -[0]-> B\n B -[1]-> A\n"

    def test_stationary_unless_given(self) -> None:
        found = process(self.RING)
        assert (found.start, found.start_kind) == ((Fraction(1, 2), Fraction(1, 2)), "stationary")
        given_one = process(self.RING + "start B")
        assert (given_one.start, given_one.start_kind) == ((0, 1), "given")
        assert process(self.RING + "let s = [1/4, 3/4]\n start s").start == (Fraction(1, 4), Fraction(3, 4))

    @pytest.mark.parametrize(
        ("line", "code"),
        [
            ("start C", "E0306"),
            ("start [1/2, 1/4]", "E0325"),
            ("start [1]", "E0325"),
            ("start 3", "E0325"),
            ("start [3/2, -1/2]", "E0302"),
            ("start A\n start B", "E0326"),
        ],
    )
    def test_its_mistakes(self, line: str, code: str) -> None:
        assert codes(self.RING + line) == [code]

    def test_several_closed_classes_are_listed(self) -> None:
        found = declared(hmm("A -[0]-> A\n B -[1]-> B"))
        assert found.only.code == "E0324"
        assert found.only.label == "never left: `A`; `B`"
        assert not codes("A -[0]-> A\n B -[1]-> B\n start [1/2, 1/2]")

    def test_what_is_never_reached_is_odd(self) -> None:
        assert codes("A -[0]-> A\n B -[1]-> A") == ["W0901", "W0902"]
        assert codes("A -[0]-> A\n B -[1]-> A\n start B") == []


class TestCalls:
    TOSS = "hmm toss(p = 1/2) {\n states C\n tokens 0, 1\n C -[0]-> C : p\n C -[1]-> C : rest\n}\n"

    def test_an_error_leads_to_the_call(self) -> None:
        found = declared(self.TOSS + "process a(q) = toss(q)\nprocess b = a(3/2)")
        assert found.only.code == "E0302"
        assert [note.message for note in found.only.notes] == ["in `toss(p=3/2)`, called here", "in `a(q=3/2)`, called here"]

    def test_a_wrong_definition_is_told_once_however_often_it_is_called(self) -> None:
        text = self.TOSS.replace("rest", "p / 2") + "process a = toss(1/4)\nprocess b = toss(1/8)\nprocess c = toss()"
        assert declared(text).codes == ["E0301"]

    def test_defaults_see_those_to_their_left(self) -> None:
        text = "hmm t(p = 1/3, q = 2 * p) {\n states C\n tokens 0, 1\n C -[0]-> C : p\n C -[1]-> C : q\n}\nprocess u = t()"
        assert not declared(text).codes
        assert declared(text.replace("p = 1/3, q = 2 * p", "q = 2 * p, p = 1/3")).codes == ["E0201"]

    def test_processes_without_parameters_are_values(self) -> None:
        found = declared(self.TOSS + "process fair = toss()\nprocess same = fair\nprocess again = fair()")
        assert not found.codes
        assert matrices(found.process("same")) == matrices(found.process("again"))

    def test_order_does_not_matter_and_circles_are_found(self) -> None:
        assert not declared("process a = toss()\n" + self.TOSS).codes
        assert declared("process a = b\nprocess b = c\nprocess c = a").codes == ["E0213"]
        assert declared("process a(x = 1) = b(x + 1)\nprocess b(x = 1) = a(x + 1)").codes == ["E0213"]

    @pytest.mark.parametrize(
        ("call", "code"),
        [
            ("toss", "E0207"),
            ("tos()", "E0205"),
            ("toss(1, 2)", "E0210"),
            ("toss(1, p = 2)", "E0211"),
            ("toss(q = 1)", "E0208"),
            ("1 + 1", "E0403"),
            ("toss() + 1", "E0403"),
        ],
    )
    def test_calls_are_checked(self, call: str, code: str) -> None:
        found: Declared = declared(self.TOSS + f"process a = {call}")
        assert found.only.code == code

    def test_a_parameter_without_default_must_be_given(self) -> None:
        found = declared(self.TOSS.replace("p = 1/2", "p") + "process a = toss()")
        assert (found.only.code, found.only.label) == ("E0209", "`p` is missing")


def test_a_name_whose_declaration_has_a_syntax_error_makes_no_further_complaints() -> None:
    found = declared("param a = \nparam b = a + 1\nprocess c = = d\nprocess e = c\nprocess f = g")
    assert [code for code in found.codes if not code.startswith("E01")] == ["E0201"]
    assert found.diagnostics.found[-1].message == "the name `g` is not known here"


def test_a_body_where_every_arrow_is_wrong_is_told_as_such() -> None:
    assert codes("A -> Q\n B -> Q\n A emits 0\n B emits 1") == ["E0306", "E0306"]


def test_a_body_with_a_syntax_error_makes_no_further_complaints() -> None:
    found = declared("hmm x {\n states A, B,, C\n tokens 0\n A -[0]-> B\n}")
    assert all(code.startswith("E01") for code in found.codes)
