"""The manifest of a pack: what it is, and the size and SHA-256 of every file in it."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hmmdsl.exchange.packing.limits import FILES, UNPACKED, PackError, check_names
from hmmdsl.schema.experiment import FileStem

NAME = "manifest.json"
"""The manifest's own name, first in the zip."""

FORMAT = 1
"""Version of the pack's layout."""


class FileSum(BaseModel):
    """One file: its path in the pack, its bytes, its SHA-256."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    path: str
    size: Annotated[int, Field(ge=0)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Manifest(BaseModel):
    """`name` is the spec's, `run` that of the run folder, `settings` and `profile` what the run was started with beside its spec,
    `without` what was left out of the pack on purpose. Holds no times and no paths of a machine."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = FORMAT
    hmmdsl: str
    name: FileStem
    run: FileStem
    settings: dict[str, str]
    profile: str | None
    without: tuple[str, ...]
    files: tuple[FileSum, ...]

    def text(self) -> str:
        """As it stands in the pack."""
        return self.model_dump_json(indent=1) + "\n"


class _Versioned(BaseModel):
    format: int


def read_manifest(content: bytes) -> Manifest:
    """The manifest of these bytes. Raises PackError if it is none, is of another version, or lists what no pack may hold."""
    try:
        version = _Versioned.model_validate_json(content).format
        if version != FORMAT:
            raise PackError(
                f"the pack has format {version}, and this hmmdsl reads {FORMAT}: use the hmmdsl that wrote it, or a later one"
            )
        manifest = Manifest.model_validate_json(content)
    except ValidationError as error:
        raise PackError(f"its {NAME} can't be read: {error.errors(include_url=False)[0]['msg'].lower()}") from None
    if len(manifest.files) > FILES:
        raise PackError(f"it lists {len(manifest.files):,} files; a pack holds at most {FILES:,}")
    total = sum(file.size for file in manifest.files)
    if total > UNPACKED:
        raise PackError(f"its files have {total:,} bytes; those of a pack have at most {UNPACKED:,}")
    check_names([NAME, *(file.path for file in manifest.files)])
    return manifest
