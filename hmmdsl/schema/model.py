"""Networks, as declared by `model NAME: KIND { … }`: the kinds there are, found by their files in `schema/models/`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from importlib import import_module
from operator import or_
from pkgutil import iter_modules
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, TypeAlias

from pydantic import Field

from hmmdsl.schema import models
from hmmdsl.schema.models.base import Model

ORDER = ("transformer", "rnn", "gru", "lstm", "ssm", "mlp", "ngram")
"""How kinds are listed, the first one in examples too; any other follows these."""


def _found() -> dict[str, type[Model]]:
    """Every subclass of `Model` that has a kind of its own, by its word."""
    found = {}
    for module in iter_modules(models.__path__):
        for value in vars(import_module(f"{models.__name__}.{module.name}")).values():
            if isinstance(value, type) and issubclass(value, Model) and "kind" in value.model_fields:
                found[str(value.model_fields["kind"].default)] = value
    return dict(sorted(found.items(), key=lambda item: ORDER.index(item[0]) if item[0] in ORDER else len(ORDER)))


MODELS: Mapping[str, type[Model]] = MappingProxyType(_found())
"""Every kind of network by its word in `model NAME: KIND`."""

if TYPE_CHECKING:
    AnyModel: TypeAlias = Model
else:
    AnyModel = Annotated[reduce(or_, MODELS.values()), Field(discriminator="kind")]
