"""The reference of the records: complete, and true of the language."""

from __future__ import annotations

import pytest

from hmmdsl.analysis import kinds
from hmmdsl.language.elaborate import compile_text
from hmmdsl.schema.reference import all_markdown, as_markdown, lookup, reference

BASE = """import std.processes (rrxor)
model net: transformer { layers = 2, d_model = 16, context = 6 }
train fit { process = rrxor(), model = net }
"""


def test_every_kind_is_there() -> None:
    assert {"experiment", "transformer", "train", *kinds(), "adamw", "one_cycle", "held_out"} <= set(reference(kinds()))


def test_a_word_may_name_several_records() -> None:
    assert [record.word for record in lookup("exact", kinds())] == ["exact", "histories.exact"]
    assert [record.word for record in lookup("analysis", kinds())] == list(kinds())
    assert lookup("zebra", kinds()) == ()


def test_markdown_lists_each_field_with_its_default() -> None:
    text = as_markdown(lookup("transformer", kinds())[0])
    assert "| `layers` | an integer from 1 to 128 | `4` | number of blocks |" in text
    assert "model NAME: transformer { … }" in text
    assert "required" in as_markdown(lookup("train", kinds())[0])
    assert all(f"`{word}`" in all_markdown(kinds()) for word in reference(kinds()))


@pytest.mark.parametrize("word", ["transformer", "train"])
def test_the_defaults_shown_are_what_the_language_reads(word: str) -> None:
    record = lookup(word, kinds())[0]
    fields = "\n".join(f"{field.name} = {field.default}" for field in record.fields if field.default is not None)
    header = "model x: transformer {" if word == "transformer" else "train x { process = rrxor(), model = net"
    plain = f"{header} }}\n"
    train = "train y { process = rrxor(), model = x }\n" if word == "transformer" else ""
    shown = compile_text(BASE + f"{header}\n{fields}\n}}\n" + train, "spec.hmm", kinds()).experiment
    default = compile_text(BASE + plain + train, "spec.hmm", kinds()).experiment
    assert shown.models == default.models
    assert shown.trains == default.trains
