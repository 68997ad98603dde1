"""What is checked of every experiment once its records are read, whoever wrote it: a spec, plain data, the point of a sweep."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from hmmdsl.language.diagnostics import Diagnostics
from hmmdsl.language.records.fits import Counts, Fits
from hmmdsl.language.records.starts import check_start
from hmmdsl.language.source import Span
from hmmdsl.process.allowance import theory_for
from hmmdsl.schema.analysis import Analysis, Surroundings
from hmmdsl.schema.results import Group

Places = Callable[[str, tuple[str | int, ...]], Span | None]
"""The place of a record's field, of its name where the field was not written, or None where there is no text."""


def nowhere(record: str, path: tuple[str | int, ...]) -> Span | None:
    """An experiment that is plain data has no places."""
    return None


def check_records(around: Surroundings, places: Places, diagnostics: Diagnostics, counts: Counts | None = None) -> None:
    """Whether trees fit the memory, networks the beliefs, and training runs what they start from. `counts` of histories may be
    shared with experiments whose processes have the same names."""
    fits = Fits(around, diagnostics, counts)
    for name in around.trains:
        place_of = partial(places, name)
        theory_for(place_of(("process",)))
        fits.check_train(name, place_of)
        check_start(name, around, place_of, diagnostics)
    for name in around.analyses:
        theory_for(places(name, ()))
        fits.check_analysis(name, partial(places, name))


def check_analysis(name: str, analysis: Analysis, around: Surroundings, places: Places, diagnostics: Diagnostics) -> Group | None:
    """The schema of an analysis's results, or None once it has been reported what is wrong with it; without text by its name."""
    before = len(diagnostics.errors)
    theory_for(places(name, ()))
    for problem in analysis.problems(around):
        place = places(name, problem.path)
        message = problem.message if place is not None else f"{name}: {problem.message}"
        diagnostics.add(problem.code, message, place, label=problem.label, help=problem.help)
    return analysis.results(around) if len(diagnostics.errors) == before else None
