"""In YAML a tagged record without options may be its word alone, as it may in the language."""

from __future__ import annotations

from typing import Any

from pydantic import BeforeValidator


def _as_record(value: Any) -> Any:
    return {"kind": value} if isinstance(value, str) else value


from_word = BeforeValidator(_as_record)
"""Marks a field of tagged records that may be given as a word."""
