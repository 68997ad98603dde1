"""A network for a record: the class that says so, in the module that the record names."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

from hmmdsl.models.network import Network
from hmmdsl.schema.models.base import Model


def build_network(spec: Model, vocabulary: int, seed: int = 0, outputs: int | None = None) -> Network:
    """The network of a `model` for so many tokens, on the CPU, freshly initialized from `seed`; with
    as many logits as tokens, or as `outputs` says."""
    made: Network = _class_for(type(spec))(spec, vocabulary, seed, outputs)
    return made


@cache
def _class_for(record: type[Model]) -> Any:
    """The network that stands for a kind of record. Raises TypeError if there is none."""
    for value in vars(import_module(record.home())).values():
        if isinstance(value, type) and issubclass(value, Network) and vars(value).get("record") is record:
            return value
    raise TypeError(f"no network in {record.home()} stands for a {record.__name__}")
