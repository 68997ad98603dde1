"""How a measure stands in a portrait's table."""

from __future__ import annotations

import pytest

from hmmdsl.process.measure import Measure
from hmmdsl.report.portrait_number import measured


@pytest.mark.parametrize(
    ("measure", "text"),
    [
        (Measure(0.5), "0.500000000 bits"),
        (Measure(None, reason="infinite: there are infinitely many"), "infinite; there are infinitely many"),
        (Measure(None, reason="infinite, as the other is"), "infinite; as the other is"),
        (Measure(None, reason="not found within 300 states"), "undefined; not found within 300 states"),
    ],
)
def test_what_is_infinite_is_not_undefined(measure: Measure, text: str) -> None:
    assert measured("statistical complexity", measure).text == text
