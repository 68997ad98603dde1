"""`hmmdsl explain CODE` and `hmmdsl help KIND` as text."""

from __future__ import annotations

import difflib
import re
import textwrap
from collections.abc import Iterable, Iterator

from hmmdsl.analysis import kinds
from hmmdsl.language.messages.catalogue import UnknownCodeError, codes, explanation
from hmmdsl.language.values.functions import FUNCTIONS
from hmmdsl.process.portrait import FACTS, Number, Numbers
from hmmdsl.runtime.failures import OutputError
from hmmdsl.schema.reference import RecordHelp, all_markdown, lookup, reference

_WIDTH = 100


def explanation_text(code: str | None) -> str:
    """A message explained, with a wrong and a right example; without a code, the titles of all. Raises OutputError if there is no
    such code."""
    if code is None:
        return "\n".join(f"{each}  {explanation(each).title}" for each in codes())
    try:
        found = explanation(code)
    except UnknownCodeError as error:
        raise OutputError(f"{error} (`hmmdsl explain` lists them all)") from None
    return "\n".join([f"{found.code}: {found.title}", "", *_without_markup(found.text.splitlines())]).rstrip()


def kind_text(word: str | None) -> str:
    """A record's fields: what each takes, its default, what it is; without a word, all records; for `functions` those of the
    language, for `facts` what is told of a process. Raises OutputError if there is no such record."""
    if word == "functions":
        width = max(len(function.usage) for function in FUNCTIONS.values())
        return "\n".join(f"{function.usage:{width}}  {function.says}" for function in FUNCTIONS.values())
    if word == "facts":
        return "\n".join(_fact_lines())
    records = reference(kinds())
    if word is None:
        width = max(len(each) for each in records)
        return "\n".join(f"{each:{width}}  {_first_sentence(record.summary)}" for each, record in records.items())
    found = lookup(word, kinds())
    if not found:
        near = difflib.get_close_matches(word, records, n=1)
        hint = f"the nearest is {near[0]}" if near else "`hmmdsl help` lists them all"
        raise OutputError(f"there is no kind of record {word!r}: {hint}")
    return "\n\n".join("\n".join(_record_lines(record)) for record in found)


RECORDS_PREFACE = """\
# The records

Every record of the language with its fields, from the schemas that check them. `hmmdsl help --markdown` prints this page; `hmmdsl
help train` shows one record in the terminal. `none` stands for a value that is not given.
"""


def records_page() -> str:
    """The reference of all records as one page of Markdown."""
    return f"{RECORDS_PREFACE}\n{all_markdown(kinds(), level=2).rstrip()}\n\n{_facts_section()}"


FACTS_PREFACE = """\
## What is told of a process

The facts of `hmmdsl show`, under their keys in its `--json`; `hmmdsl help facts` prints them. Those with numbers stand in the
results of a `portrait` too, where claims name them and sweeps count them.

| fact | what it is | numbers that claims can name, and their units |
|---|---|---|
"""


def _facts_section() -> str:
    """All facts as a table of Markdown."""
    rows = []
    for fact in FACTS:
        numbers = (f"`{path}` ({unit})" if unit != "1" else f"`{path}`" for path, unit, _ in _numbers(fact.numbers, fact.path))
        rows.append(f"| `{fact.path}` | {fact.meaning} | {', '.join(numbers)} |")
    return FACTS_PREFACE + "\n".join(rows) + "\n"


def _fact_lines() -> Iterator[str]:
    """Each fact with what it is, and the numbers of it that claims can name."""
    numbers = {fact.path: list(_numbers(fact.numbers, fact.path)) for fact in FACTS}
    width = 2 + max(len(path) for rows in numbers.values() for path, *_ in rows)
    for fact in FACTS:
        yield f"{fact.path:{width}}  {fact.meaning}"
        for path, unit, meaning in numbers[fact.path]:
            if path != fact.path:
                yield f"  {path:{width - 2}}  {'' if unit == '1' else f'{unit}: '}{meaning}"


def _numbers(numbers: Numbers, path: str) -> Iterator[tuple[str, str, str]]:
    """Path, unit and meaning of each number."""
    if isinstance(numbers, Number):
        yield f"{path}[..]" if numbers.series else path, numbers.unit, numbers.meaning
    else:
        for name, each in numbers.items():
            yield from _numbers(each, f"{path}.{name}")


def _record_lines(record: RecordHelp) -> Iterator[str]:
    yield record.header
    yield ""
    yield textwrap.fill(record.summary, _WIDTH)
    if record.belongs:
        yield f"A value of {', '.join(record.belongs)}.".replace("`", "")
    for field in record.fields:
        yield ""
        default = "required" if field.default is None else f"default {field.default}"
        yield f"  {field.name}: {field.takes}; {default}"
        yield textwrap.fill(field.description, _WIDTH, initial_indent="      ", subsequent_indent="      ")


def _without_markup(lines: Iterable[str]) -> Iterator[str]:
    """Markdown as plain text: headings end in a colon, code is indented."""
    code = False
    for line in lines:
        if line.startswith("```"):
            code = not code
        elif code:
            yield f"    {line}".rstrip()
        else:
            yield f"{line.lstrip('# ')}:" if line.startswith("#") else line


def _first_sentence(text: str) -> str:
    return re.split(r"(?<!al)\. ", text, maxsplit=1)[0].rstrip(".")
