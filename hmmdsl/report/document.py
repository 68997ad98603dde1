"""Filling a template into one self-contained HTML file: nothing is fetched, nothing from a spec is markup."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from hmmdsl.files.door import visible

_LARGEST_SVG = 350_000
"""An SVG of more bytes than this is embedded as its PNG."""


def _text(name: str) -> str:
    return (files("hmmdsl.report") / name).read_text(encoding="utf-8")


@cache
def _templates() -> Environment:
    return Environment(
        loader=FunctionLoader(_text),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_plainly,
    )


def _plainly(value: object) -> object:
    """What a template puts in, its text with characters that turn or hide others made visible. Markup is the house's."""
    return "\n".join(visible(line) for line in value.split("\n")) if type(value) is str else value


def fill(template: str, **content: Any) -> str:
    """The page from a template of this folder, with the folder's style sheet and script inside it.

    The page's policy forbids all requests and every script and style sheet but these two, which it knows by their hashes.
    """
    css, script = _text("page.css"), _text("page.js")
    return (
        _templates()
        .get_template(template)
        .render(css=Markup(css), script=Markup(script), css_hash=_hash(css), script_hash=_hash(script), **content)
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def data_uri(svg: Path, png: Path) -> str:
    """The figure as a data URI: the SVG where it is small enough, else the PNG. Raises OSError if neither can be read."""
    path, kind = (svg, "image/svg+xml") if svg.stat().st_size <= _LARGEST_SVG else (png, "image/png")
    return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"
