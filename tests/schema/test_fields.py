"""What a record's field takes, read off the schemas."""

from __future__ import annotations

import pytest

from hmmdsl.analysis import kinds
from hmmdsl.schema.base import Record
from hmmdsl.schema.declarations import record_sorts
from hmmdsl.schema.fields import Either, Kinds, Many, Numeric, Refers, Words, describe, fields_of, written
from hmmdsl.schema.models.transformer import Transformer
from hmmdsl.schema.train import SGD, AdamW, Train


def test_numbers_know_their_bounds() -> None:
    assert fields_of(Transformer)["layers"].type == Numeric(integer=True, at_least=1, at_most=128)
    assert describe(fields_of(Transformer)["layers"].type) == "an integer from 1 to 128"
    assert describe(fields_of(AdamW)["lr"].type) == "a number above 0 and at most 100"
    assert describe(fields_of(SGD)["momentum"].type) == "a number of at least 0 and below 1"


def test_words_and_references_and_tagged_records_are_told_apart() -> None:
    fields = fields_of(Train)
    assert fields["device"].type == Words(("auto", "cpu", "cuda", "mps"))
    assert fields["process"].type == Refers("process")
    assert isinstance(fields["optimizer"].type, Kinds)
    assert describe(fields["optimizer"].type) == "`adam`, `adamw` or `sgd`"
    assert fields["optimizer"].default == "adamw"
    assert fields["process"].required


def test_one_or_several_is_said_shortly() -> None:
    target = fields_of(kinds()["regression"])["target"].type
    assert isinstance(target, Either)
    words = "`belief`, `next_token`, `state`, `component`, `within.A`, `factor.left` or `future(k)`"
    assert describe(target) == f"{words}, or a list of these"


def test_a_fixed_length_is_known() -> None:
    betas = fields_of(AdamW)["betas"].type
    assert isinstance(betas, Many)
    assert betas.fixed
    assert describe(betas) == "a list of 2: a number, a number"


def test_values_are_written_as_the_language_writes_them() -> None:
    assert written(AdamW(lr=0.5)) == "adamw { lr = 0.5 }"
    assert written((True, 3, 100_000, None, "relu", "two words")) == '[true, 3, 100_000, none, relu, "two words"]'


@pytest.mark.parametrize("sort", record_sorts(kinds()).values(), ids=lambda sort: sort.word)
def test_the_language_has_words_for_every_field_and_each_is_described(sort: object) -> None:
    schemas = list(sort.schemas.values())  # type: ignore[attr-defined]
    seen: set[type[Record]] = set()
    while schemas:
        schema = schemas.pop()
        if schema in seen:
            continue
        seen.add(schema)
        assert schema.__doc__
        for field in fields_of(schema).values():
            assert describe(field.type)
            assert field.description, f"{schema.__name__}.{field.name}"
            parts = [field.type]
            while parts:
                part = parts.pop()
                if isinstance(part, Kinds):
                    schemas.extend(inner for _, inner in part.kinds)
                elif isinstance(part, Either):
                    parts.extend(part.choices)
                elif isinstance(part, Many):
                    parts.extend(part.elements)
