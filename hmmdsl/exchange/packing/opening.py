"""A pack where a spec or a run folder is asked for: its spec compiled, or all of it unpacked."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from hmmdsl.analysis import kinds
from hmmdsl.exchange.packing.limits import SUFFIX, PackError, shown
from hmmdsl.exchange.packing.manifest import Manifest
from hmmdsl.exchange.packing.reading import Pack, opened
from hmmdsl.files.plain import open_plain
from hmmdsl.language.elaborate import compile_text
from hmmdsl.language.experiment_file import compile_experiment_file
from hmmdsl.language.reading import MAX_BYTES
from hmmdsl.runtime.failures import OutputError
from hmmdsl.runtime.log import RunLog
from hmmdsl.runtime.results_file import read_text
from hmmdsl.runtime.run_folder import create_partial, discard, put_new

if TYPE_CHECKING:
    from hmmdsl.language.compiled import Compiled
    from hmmdsl.schema.experiment import Experiment

_SPEC, _EXPERIMENT, _LOG = "spec.hmm", "experiment.yaml", "log.jsonl"


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
    """A temporary folder with everything in a pack. Raises PackError before anything is written if the pack can't be trusted, and
    if its spec is not the experiment that it says was run."""
    with tempfile.TemporaryDirectory(prefix="hmmdsl-pack-") as folder:
        with opened(path) as pack:
            pack.check()
            pack.extract(Path(folder))
        check_spec(path, Path(folder), pack.manifest)
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
            if not (partial / _LOG).exists():  # a pack has no log; what the run was started with stands in its first line
                profile = {} if pack.manifest.profile is None else {"profile": pack.manifest.profile}
                RunLog(partial / _LOG).write("unpack", settings={**pack.manifest.settings, **profile})
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

    Raises PackError, also if the spec is not the experiment that the pack says was run, and SpecError.
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
        run = compile_experiment_file(folder / _EXPERIMENT, kinds(), max_points=sys.maxsize)
        as_run = _spec_of(path, folder, manifest, manifest.settings, manifest.profile, sys.maxsize, _seeds(run.experiment))
        _check_same(path, as_run, run)
        if (
            not settings
            and profile is None
            and seeds is None
            and max_points >= max((len(sweep.points) for sweep in as_run.experiment.sweeps.values()), default=0)
        ):
            return as_run if as_run.experiment == run.experiment else run
        said = {**manifest.settings, **settings}
        asked = seeds if seeds is not None else _seeds(run.experiment)
        return _spec_of(path, folder, manifest, said, profile or manifest.profile, max_points, asked)


def check_spec(path: Path, folder: Path, manifest: Manifest) -> None:
    """Raise PackError unless the spec in `folder`, a run's or that of a pack unpacked there, is the experiment that the
    experiment.yaml beside it says was run. Messages call it `path`."""
    if (folder / _SPEC).is_file() and (folder / _EXPERIMENT).is_file():
        run = compile_experiment_file(folder / _EXPERIMENT, kinds(), max_points=sys.maxsize)
        spec = _spec_of(path, folder, manifest, manifest.settings, manifest.profile, sys.maxsize, _seeds(run.experiment))
        _check_same(path, spec, run)


def _spec_of(
    path: Path,
    folder: Path,
    manifest: Manifest,
    settings: Mapping[str, str],
    profile: str | None,
    max_points: int,
    seeds: tuple[int, ...] | None,
) -> Compiled:
    """The spec of an unpacked pack, compiled. Raises SpecError."""
    return compile_text(
        read_text(folder / _SPEC, MAX_BYTES),
        f"{path}/{manifest.name}.hmm",
        kinds(),
        folder=folder,
        settings=settings,
        profile=profile,
        max_points=max_points,
        seeds=seeds,
    )


def _check_same(path: Path, spec: Compiled, run: Compiled) -> None:
    """Raise PackError, with the first place, unless a pack's spec says what its experiment.yaml says."""
    if spec.experiment == run.experiment:
        return
    says, was_run = (each.experiment.model_dump(mode="json") for each in (spec, run))
    for name, train in was_run["trains"].items():  # `run --device` is another machine, and no other experiment
        if name in says["trains"]:
            says["trains"][name]["device"] = train["device"]
    if says == was_run:
        return
    where = _first_difference(says, was_run)
    raise PackError(
        f"{path} is refused: its {_SPEC} is not the experiment of its {_EXPERIMENT} ({where}); get the pack anew, "
        f"or `hmmdsl unpack {path}` and read both"
    )


def _first_difference(spec: object, run: object, place: str = "") -> str:
    """Where two experiments, as plain data, begin to differ, and what each says there."""
    if isinstance(spec, dict) and isinstance(run, dict):
        for key in dict.fromkeys([*spec, *run]):
            if key not in spec or key not in run or spec[key] != run[key]:
                return _first_difference(spec.get(key), run.get(key), f"{place}.{key}" if place else str(key))
    if isinstance(spec, list) and isinstance(run, list) and len(spec) == len(run):
        k = next((k for k, (one, other) in enumerate(zip(spec, run, strict=True)) if one != other), None)
        if k is not None:
            return _first_difference(spec[k], run[k], f"{place}[{k}]")
    return f"at {shown(place)}: {shown(json.dumps(spec))} and {shown(json.dumps(run))}"


def _seeds(run: Experiment) -> tuple[int, ...]:
    """The seeds that an experiment was run with, whatever its spec says."""
    return (0,) if run.replicate is None else run.replicate.seeds
