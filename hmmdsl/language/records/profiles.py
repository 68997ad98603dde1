"""`profile NAME { fit.steps = 50 }`: assignments by name, one of which may be chosen for a run; all are checked."""

from __future__ import annotations

from dataclasses import dataclass, field

from hmmdsl.language import syntax
from hmmdsl.language.diagnostics import Diagnostics, Note
from hmmdsl.language.messages.hints import suggestion
from hmmdsl.language.records.settings import profile_assignments
from hmmdsl.language.records.values import Assignment
from hmmdsl.language.source import Span


@dataclass(frozen=True)
class Profile:
    """One profile as declared."""

    name: str
    span: Span
    given: tuple[Assignment, ...]


@dataclass
class Profiles:
    """The profiles of a file, in order."""

    declared: dict[str, Profile] = field(default_factory=dict)

    def chosen(self, name: str | None, diagnostics: Diagnostics) -> tuple[Assignment, ...]:
        """The assignments of the profile to run with; an unknown name is reported (E0522)."""
        if name is None:
            return ()
        profile = self.declared.get(name)
        if profile is None:
            known = list(self.declared)
            cure = suggestion(name, known, "the file has") if known else "the file declares no profile"
            diagnostics.add("E0522", f"there is no profile `{name}`", None, help=cure)
            return ()
        return profile.given

    def others(self, name: str | None) -> list[Profile]:
        """Those that this run does not use."""
        return [profile for profile in self.declared.values() if profile.name != name]


def read_profiles(file: syntax.File, diagnostics: Diagnostics) -> Profiles:
    """The profiles of a file; what is wrong with their headers and keys is reported."""
    profiles = Profiles()
    for declaration in file.statements:
        if not isinstance(declaration, syntax.Declaration) or declaration.keyword.text != "profile":
            continue
        given = tuple(profile_assignments(declaration, diagnostics))
        if declaration.kind is not None:
            diagnostics.add("E0222", "`profile` takes no kind", declaration.kind.span, help="write `profile NAME { … }`")
        if declaration.name is None:
            diagnostics.add(
                "E0221",
                "this profile has no name",
                declaration.keyword.span,
                label="a name is missing",
                help="write `profile NAME { … }`",
            )
            continue
        name = declaration.name.text
        if name in profiles.declared:
            diagnostics.add(
                "E0202",
                f"the profile `{name}` is declared twice",
                declaration.name.span,
                label="declared again",
                help="choose another name",
                notes=(Note("the first declaration is here", profiles.declared[name].span),),
            )
            continue
        profiles.declared[name] = Profile(name, declaration.name.span, given)
    return profiles
