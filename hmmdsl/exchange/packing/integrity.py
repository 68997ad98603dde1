"""Whether a pack is whole, without running it: every file against its checksum."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hmmdsl.exchange.packing.limits import PackError
from hmmdsl.exchange.packing.manifest import Manifest
from hmmdsl.exchange.packing.reading import opened


def check_pack(path: Path) -> Manifest:
    """The manifest of a pack whose every file is what it says. Raises PackError with what is wrong."""
    if path.is_dir():
        raise PackError(f"{path} is a folder, and only packs have checksums: `hmmdsl pack {path}` makes one")
    with opened(path) as pack:
        pack.check()
        return pack.manifest


def integrity_as_json(manifest: Manifest) -> dict[str, Any]:
    """A whole pack for programs."""
    return {"whole": True, **manifest.model_dump(mode="json")}
