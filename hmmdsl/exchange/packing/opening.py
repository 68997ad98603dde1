"""A pack where a spec or a run folder is asked for: its spec compiled, or all of it unpacked."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from hmmdsl.analysis import kinds
from hmmdsl.exchange.packing.limits import SUFFIX, PackError
from hmmdsl.exchange.packing.reading import Pack, opened
from hmmdsl.files.plain import open_plain
from hmmdsl.language.diagnostics import SpecError
from hmmdsl.language.elaborate import compile_text
from hmmdsl.language.experiment_file import compile_experiment_file, read_experiment
from hmmdsl.language.reading import MAX_BYTES
from hmmdsl.runtime.failures import OutputError
from hmmdsl.runtime.results_file import read_text
from hmmdsl.runtime.run_folder import create_partial, discard, put_new

if TYPE_CHECKING:
    from hmmdsl.language.compiled import Compiled

_SPEC, _EXPERIMENT = "spec.hmm", "experiment.yaml"


def is_pack(path: Path) -> bool:
    """Whether `path` is meant as a pack: by its ending, or because it is a zip."""
    if path.suffix.lower() == SUFFIX:
        return True
    try:
        with open_plain(path) as file:
            return file.read(4) == b"PK\x03\x04"
    except (OSError, ValueError):
        return False


@contextmanager
def unpacked(path: Path) -> Iterator[Path]:
    """A temporary folder with everything in a pack. Raises PackError before anything is written if the pack can't be trusted."""
    with tempfile.TemporaryDirectory(prefix="hmmdsl-pack-") as folder:
        with opened(path) as pack:
            pack.check()
            pack.extract(Path(folder))
        yield Path(folder)


def unpack(path: Path, folder: Path) -> Pack:
    """Unpack into `folder`, which appears when it is whole. Raises PackError if the pack can't be trusted, and OutputError if the
    folder is there already or can't be written."""
    with opened(path) as pack:
        pack.check()
        folder = folder.absolute()
        if folder.exists() or folder.is_symlink():
            raise OutputError(f"{folder} is there already: give another folder to unpack into")
        partial = create_partial(folder.parent, folder.name)
        try:
            pack.extract(partial)
            put_new(partial, folder)
        except OSError as error:
            raise OutputError(
                f"{folder} can't be written ({(error.strerror or str(error)).lower()}): give another folder to unpack into"
            ) from error
        finally:
            discard(partial)
        return pack


def compile_pack(
    path: Path, settings: Mapping[str, str], profile: str | None, max_points: int, seeds: tuple[int, ...] | None = None
) -> Compiled:
    """The experiment of a pack, compiled from its spec as it was run, with `settings` and a `profile` on top, and with the seeds
    that it was run with, if not with others.

    Without these it is the very experiment that was run, whatever the spec would mean today. Raises PackError and SpecError.
    """
    with tempfile.TemporaryDirectory(prefix="hmmdsl-pack-") as temporary:
        folder = Path(temporary)
        with opened(path) as pack:
            pack.check()  # all of it: who runs a pack that was changed anywhere should know
            manifest = pack.manifest
            pack.extract(folder, lambda name: name.endswith(".hmm") or name == _EXPERIMENT)
        if not (folder / _EXPERIMENT).is_file():
            raise PackError(f"{path} is no packed run: it has no {_EXPERIMENT}; pack the run anew")
        if not (folder / _SPEC).is_file():
            return compile_experiment_file(
                folder / _EXPERIMENT, kinds(), settings=settings, profile=profile, max_points=max_points, seeds=seeds
            )
        text = read_text(folder / _SPEC, MAX_BYTES)
        said = {**manifest.settings, **settings}
        asked = bool(settings) or profile is not None or seeds is not None
        try:
            compiled = compile_text(
                text,
                f"{path}/{manifest.name}.hmm",
                kinds(),
                folder=folder,
                settings=said,
                profile=profile or manifest.profile,
                max_points=max_points,
                seeds=seeds if seeds is not None else _seeds(folder / _EXPERIMENT),
            )
        except SpecError:
            if asked:
                raise
            return compile_experiment_file(folder / _EXPERIMENT, kinds(), max_points=max_points)
        if asked:
            return compiled
        run = compile_experiment_file(folder / _EXPERIMENT, kinds(), max_points=max_points)
        return compiled if compiled.experiment == run.experiment else run


def _seeds(path: Path) -> tuple[int, ...] | None:
    """The seeds that an experiment was run with, whatever its spec says; None where it can't be read."""
    try:
        replicate = read_experiment(read_text(path), str(path), kinds()).replicate
    except (SpecError, OSError, UnicodeDecodeError):
        return None
    return (0,) if replicate is None else replicate.seeds
