"""Making a pack of a run folder: every file of the run but its log, a manifest first; the same folder gives the same bytes."""

from __future__ import annotations

import json
import os
import stat
import sys
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from hmmdsl.exchange.output_file import output_file
from hmmdsl.exchange.packing.limits import ENDINGS, FILES, PACKED, RATIO, UNPACKED, PackError, Part, check_names
from hmmdsl.exchange.packing.manifest import NAME, FileSum, Manifest
from hmmdsl.exchange.reading import read
from hmmdsl.files.plain import open_plain
from hmmdsl.files.sums import SUMS, read_sums
from hmmdsl.runtime.replication import REPLICATION
from hmmdsl.runtime.results_file import read_json
from hmmdsl.schema.checkpoints import checkpoint_steps
from hmmdsl.version import __version__

if TYPE_CHECKING:
    from hmmdsl.schema.experiment import Experiment


WHOLE = ("experiment.yaml", "results.json", "claims.json", "facts.json", "processes.json", "environment.json", "report.html")
"""Files that every finished run has."""

_CHUNK = 2**20
_LONGEST_LINE = 2**20
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time that every file bears: the earliest that a zip can say."""

_COMPRESSED = (".safetensors", ".png", ".parquet")
"""Files that don't become smaller."""


@dataclass(frozen=True)
class Packed:
    """A pack that has been written: where, what is in it, its bytes, and files of the folder that are no part of a run."""

    path: Path
    manifest: Manifest
    bytes: int
    left_out: tuple[str, ...]


def pack(run: Path, out: Path, without: Collection[Part] = ()) -> Packed:
    """Write the finished run in the folder `run` as a pack, beside and renamed. Raises OutputError if the run is not whole, if it
    holds what no pack may, or if `out` can't be written; then nothing is."""
    experiment = _whole(run, Part.CHECKPOINTS in without)
    try:
        found = sorted(_files(run))
        belongs = _belonging(run)
        names = [name for name in found if belongs(name) and not name.startswith(tuple(f"{part.value}/" for part in without))]
        check_names([NAME, *names])
        files = [(*_sum(run / name, name), name) for name in names]
    except OSError as error:
        raise PackError(f"{run} can't be read: {(error.strerror or str(error)).lower()}") from error
    settings, profile = _started_with(run)
    manifest = Manifest(
        hmmdsl=__version__,
        name=experiment.name,
        run=run.resolve().name,
        settings=settings,
        profile=profile,
        without=tuple(sorted({part.value for part in without})),
        files=tuple(file for file, _, _ in files),
    )
    size = sum(file.size for file in manifest.files)
    if len(files) > FILES or size > min(UNPACKED, PACKED):
        has = f"{len(files):,} files, {size:,} bytes"
        raise PackError(f"{run} has {has}, and a pack holds {FILES:,} files, {PACKED:,} bytes: use `--without checkpoints`")
    left_out = tuple(name for name in found if not belongs(name) and name not in ("log.jsonl", SUMS))
    with output_file(out) as target:
        _write(target, run, manifest, {name: deflated for _, deflated, name in files})
        written = target.tell()
    return Packed(out, manifest, written, left_out)


def _whole(run: Path, without_checkpoints: bool) -> Experiment:
    """The experiment of a run folder that has everything its spec promises. Raises OutputError and SpecError."""
    if not run.is_dir():
        raise PackError(f"{run} is no run folder: name one, such as runs/rrxor-…, which `hmmdsl run` leaves")
    missing = [name for name in WHOLE if not (run / name).is_file()]
    if missing:
        raise PackError(f"{run} is no finished run: it has no {missing[0]}; run its spec again")
    experiment = read(run / "experiment.yaml", max_points=sys.maxsize).experiment
    results, claims = read_json(run / "results.json"), read_json(run / "claims.json")
    promised = [*experiment.trains, *experiment.analyses, *experiment.sweeps]
    if not isinstance(results, dict) or set(results) != set(promised):
        raise PackError(f"{run} is not whole: results.json is not that of experiment.yaml; run its spec again")
    if experiment.replicate is not None:
        by_seed = read_json(run / REPLICATION) if (run / REPLICATION).is_file() else None
        if not isinstance(by_seed, dict) or by_seed.get("seeds") != list(experiment.replicate.seeds):
            raise PackError(f"{run} is not whole: {REPLICATION} is not that of experiment.yaml; run its spec again")
    if not isinstance(claims, list) or len(claims) != len(experiment.expect):
        raise PackError(f"{run} is not whole: claims.json is not that of experiment.yaml; run its spec again")
    for name, train in () if without_checkpoints else experiment.trains.items():
        for step in checkpoint_steps(train):
            if not (run / "checkpoints" / name / f"step_{step}.safetensors").is_file():
                raise PackError(
                    f"{run} is not whole: checkpoint {step} of {name} is gone; run its spec again, or use `--without checkpoints`"
                )
    return experiment


def _files(run: Path) -> Iterator[str]:
    """Every file below the run folder but hidden ones, by its path from there. Raises PackError for a link."""
    for folder, below, names in os.walk(run):
        below[:] = sorted(name for name in below if not name.startswith("."))
        for name in [*names, *below]:
            path = Path(folder, name)
            mode = path.lstat().st_mode
            if stat.S_ISLNK(mode) or not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                raise PackError(f"{path} is a link or no plain file: a pack holds files only; put the file itself there")
            if name in names and not name.startswith("."):
                yield path.relative_to(run).as_posix()


def _belonging(run: Path) -> Callable[[str], bool]:
    """Tells of a file whether it goes into the run's pack: what the folder's list names; in a folder of an earlier version, which
    has none, all that a pack may hold."""
    try:
        listed: Collection[str] | None = read_sums(run)
    except (OSError, ValueError):
        listed = None

    def belongs(name: str) -> bool:
        return os.path.splitext(name)[1] in ENDINGS and name != NAME and (listed is None or name in listed)

    return belongs


def _started_with(run: Path) -> tuple[dict[str, str], str | None]:
    """The `--set` pairs and the profile that a run's log tells of; none where there is no log."""
    try:
        with open_plain(run / "log.jsonl", follow=False) as log:
            said = json.loads(log.readline(_LONGEST_LINE))["settings"]
            settings = {str(name): str(value) for name, value in said.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}, None
    return settings, settings.pop("profile", None)


def _sum(path: Path, name: str) -> tuple[FileSum, bool]:
    """A file's size and checksum, and whether to deflate it: not where that brings nothing, nor beyond a pack's ratio."""
    digest, size, packed, deflate = sha256(), 0, 0, zlib.compressobj(9)
    with open_plain(path, follow=False) as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
            packed += len(deflate.compress(chunk)) if not name.endswith(_COMPRESSED) else 0
    packed += len(deflate.flush())
    deflated = not name.endswith(_COMPRESSED) and packed < size < RATIO // 2 * packed
    return FileSum(path=name, size=size, sha256=digest.hexdigest()), deflated


def _write(target: BinaryIO, run: Path, manifest: Manifest, deflated: dict[str, bool]) -> None:
    with zipfile.ZipFile(target, "w", allowZip64=False) as archive:
        archive.writestr(_entry(NAME, True), manifest.text())
        for file in manifest.files:
            digest = sha256()
            entry = _entry(file.path, deflated[file.path])
            entry.file_size = file.size
            with open_plain(run / file.path, follow=False) as source, archive.open(entry, "w") as packed:
                while chunk := source.read(_CHUNK):
                    digest.update(chunk)
                    packed.write(chunk)
            if digest.hexdigest() != file.sha256:
                raise PackError(f"{run / file.path} changed while it was packed: pack it again when the run is done")


def _entry(name: str, deflated: bool) -> zipfile.ZipInfo:
    """An entry without a time, a plain file that its owner can write and all can read, on every system the same."""
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.create_system, entry.external_attr = 3, (stat.S_IFREG | 0o644) << 16
    entry.compress_type = zipfile.ZIP_DEFLATED if deflated else zipfile.ZIP_STORED
    return entry
