"""The run folder: written beside, renamed into place whole, so that a folder that looks finished is finished.

`SHA256SUMS` lists what the run wrote. Whatever else is in a folder when a run takes its place is somebody's: a note beside the
report, a figure, a changed result. It stands in the new folder too; where the run has a file of that name, in `earlier/`. There
the report stays, too, that judged otherwise. A folder that no run made, a file or a link is refused.
"""

from __future__ import annotations

import errno
import itertools
import os
import platform
import re
import signal
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from secrets import token_hex

from hmmdsl.files.folders import move, remove, sync_tree
from hmmdsl.files.plain import kind_of, read_plain
from hmmdsl.files.sums import SUMS, digest_of, files_of, read_sums, write_sums
from hmmdsl.files.writing import link_file, try_to_write
from hmmdsl.runtime.failures import OutputError

EARLIER = "earlier"
"""The folder, in a run folder, of what stood there before and would be written over."""

JUDGED = ("claims.json", "report.html", "spec.hmm", "experiment.yaml")
"""What is kept of a run whose claims were judged otherwise, the claims first."""

MOST_TRIES = 1_000
"""How often a place is tried that other processes take, each time to put a finished folder there."""

_ASIDE = re.compile(r"\.(?P<label>.+)\.(?P<role>partial|replaced)-(?P<host>[\w-]*)-(?P<pid>\d+)(?:\.[0-9a-f]+)?")

_LARGEST_CLAIMS = 2**28

_NAMING = (JUDGED[0], SUMS, "log.jsonl")
"""Files that tell one run's folder from another's."""

Made = Callable[[str], bool]
"""Whether a file of a folder, by its path from there, was made by a run, and is as it was made."""


@dataclass(frozen=True)
class Placed:
    """Where a folder came to stand, and where in it is what stood there before and judged otherwise, if anything did."""

    folder: Path
    earlier: Path | None = None


def create_partial(out: Path, label: str, made: Made | None = None) -> Path:
    """An empty folder beside where the run `label` will stand, with this process' id in its name; what dead runs left there is
    cleared away. `made` tells what is no run's but may be replaced, by its names alone. Raises OutputError if it cannot be made,
    or if there is something in its place that is not to be replaced."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        clear_leftovers(out)
        obstacle = _obstacle(out / label, made)
        if obstacle:
            raise OutputError(f"{out / label} is in the way of the run folder, and {obstacle}: move it, or give another `--out`")
        partial = out / _aside(label, "partial")
        partial.mkdir()
        try_to_write(partial)
    except OSError as error:
        raise OutputError(
            f"the output folder {out} can't be written ({(error.strerror or str(error)).lower()}): give another one with `--out`"
        ) from error
    return partial


def put_in_place(partial: Path, final: Path, made: Made | None = None, listed: bool = True) -> Placed:
    """Give the finished folder its name, once it has reached the disk. What stood there is moved aside first, and removed when
    all in it that no run made stands in the new folder, too; signals wait until that is done, so that at no time a half-written
    folder bears the name. Any number of processes may do so at once: the last one's folder stays.

    If by now something stands there that is not to be replaced, the folder is put beside it, under the next free name. A folder
    that is not `listed`, such as that of a run which the disk was too small for, is left as far as it came. Raises OSError; then
    what stood there stands there still.
    """
    if listed:
        _seal(partial)
    earlier: Path | None = None
    replaced: list[Path] = []
    with _signals_held():
        for _ in range(MOST_TRIES):
            final = _free(final, made)
            aside = final.with_name(_aside(final.name, "replaced"))
            replaced.append(aside)
            if _moved_aside(final, aside, partial, made):
                earlier = _keep_judged(aside, partial) or earlier
            try:
                move(partial, final)
            except OSError as error:
                if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
                    continue  # another process was quicker: its folder is moved aside next
                with suppress(OSError):
                    move(aside, final)
                raise
            for each in replaced:
                _retire(each, final, made)
            return Placed(final, None if earlier is None else final / earlier.relative_to(partial))
    raise OSError(errno.EBUSY, "other processes write to it without end", str(final))


def put_new(partial: Path, final: Path) -> None:
    """Give a folder its name where nothing stands. Raises OSError."""
    _seal(partial)
    move(partial, final)


def discard(partial: Path) -> None:
    """Remove what an unfinished run wrote."""
    remove(partial)


def clear_leftovers(out: Path) -> None:
    """Remove the partial folders of processes that are dead; put back a finished folder that one had moved aside, or what it had
    not yet taken from there."""
    for entry in sorted(out.iterdir()):
        match = _ASIDE.fullmatch(entry.name)
        if match is None or match["host"] != _host() or _alive(int(match["pid"])) or entry.is_symlink():
            continue
        if match["role"] == "partial":
            remove(entry)
        else:
            _retire(entry, out / match["label"], None)


def belongs(name: str) -> bool:
    """Whether a run makes files of this name; for folders of runs that left no list of theirs."""
    return name in _FILES or any(pattern.fullmatch(name) for pattern in _BELOW)


_FILES = {f"{name}.json" for name in ("results", "claims", "replication", "facts", "processes", "environment")}
_FILES |= {"spec.hmm", "experiment.yaml", "report.html", "log.jsonl", SUMS}
_BELOW = tuple(
    map(
        re.compile,
        (
            r"figures/[^/]+\.(png|svg)",
            r"(seeds|sweeps/\w+)/[^/]+\.(png|svg|csv|parquet)",
            r"curves/\w+\.csv",
            r"arrays/\w+\.safetensors",
            r"checkpoints/\w+/step_\d+\.safetensors",
        ),
    )
)


# ---------------------------------------------------------------- what stands there


def _obstacle(place: Path, made: Made | None) -> str:
    """In words, why what stands at a place is not to be replaced; empty if nothing does, or a run."""
    try:
        mode = os.lstat(place).st_mode
    except FileNotFoundError:
        return ""
    if not stat.S_ISDIR(mode):
        return f"is {kind_of(mode) or 'a file'}"
    with suppress(FileNotFoundError):  # it may go away meanwhile
        if made is not None:
            return "" if all(map(made, files_of(place))) else "holds other things"
        names = {each.name for each in place.iterdir()}
        if names and SUMS not in names and not ("experiment.yaml" in names and names & {"log.jsonl", "results.json"}):
            return "no run made it"
    return ""


def _free(place: Path, made: Made | None) -> Path:
    """The place, or the first of its numbered names where there is nothing that is not to be replaced."""
    names = itertools.chain([place], (place.with_name(f"{place.name}-{number}") for number in itertools.count(2)))
    return next(each for each in names if not _obstacle(each, made))


def _made_in(folder: Path, made: Made | None) -> Made:
    """Tells of a folder's files: those that its list names, as long as they are as they were written. Where there is no list, as
    in folders of earlier versions, those that a run makes; where it can't be read, none."""
    if made is not None:
        return made
    try:
        sums = read_sums(folder)
    except FileNotFoundError:
        return belongs
    except (OSError, ValueError):
        return lambda name: False

    def as_written(name: str) -> bool:
        with suppress(OSError):
            return name == SUMS or (name in sums and digest_of(folder / name) == sums[name])
        return False

    return as_written


# ---------------------------------------------------------------- what is kept


def _moved_aside(final: Path, aside: Path, partial: Path, made: Made | None) -> bool:
    """Move what stands there aside, once all in it that no run made stands in `partial`, too; False if nothing stands there."""
    kept: list[Path] = []
    try:
        before = final.stat().st_ino
        kept += _keep(final, partial, made)
        move(final, aside)
    except FileNotFoundError:  # nothing stands there, or another process has just moved it aside
        _let_go(kept, partial)
        return False
    if aside.stat().st_ino != before:  # it has put its own there meanwhile
        _let_go(kept, partial)
        list(_keep(aside, partial, made))
    return True


def _let_go(kept: list[Path], folder: Path) -> None:
    """Take files out of a folder again that stand elsewhere, too."""
    for path in kept:
        path.unlink()
    _sweep(folder)


def _sweep(folder: Path) -> None:
    """Remove what is empty in a folder's `earlier/`."""
    for below, _, _ in os.walk(folder / EARLIER, topdown=False):
        with suppress(OSError):
            os.rmdir(below)


def _keep(old: Path, new: Path, made: Made | None) -> Iterator[Path]:
    """Let all that no run made in `old` stand in `new` too, as the very same file where the disk can, and give each place.
    Raises OSError."""
    is_made = _made_in(old, made)
    for name in sorted(files_of(old)):
        if not is_made(name):
            yield from _stand(old, name, new)
    for below, folders, names in os.walk(old):
        if not folders and not names:
            with suppress(FileExistsError, NotADirectoryError):
                _make_folders(new, new / Path(below).relative_to(old))


def _keep_judged(old: Path, new: Path) -> Path | None:
    """If the claims of two runs were judged otherwise, or are others, keep the earlier report, claims and spec in the new one's
    `earlier/`; gives the folder there."""
    claims = JUDGED[0]
    try:
        if read_plain(old / claims, _LARGEST_CLAIMS, follow=False) == read_plain(new / claims, _LARGEST_CLAIMS, follow=False):
            return None
    except OSError:
        return None
    place = new / EARLIER / _identity(old)
    place.mkdir(parents=True, exist_ok=True)
    for name in JUDGED:
        with suppress(FileNotFoundError, FileExistsError):  # the same claims were kept before
            link_file(old / name, place / name)
    return place


def _stand(old: Path, name: str, new: Path) -> list[Path]:
    """Let a file stand in another folder, too; under `earlier/` where there is another of its name. Gives the new place, if it is
    one. Raises OSError."""
    kept = (new / EARLIER / f"{_identity(old)}{'' if number == 1 else f'-{number}'}" / name for number in itertools.count(1))
    for place in itertools.chain([new / name], kept):
        try:
            _make_folders(new, place.parent)
            link_file(old / name, place)
            return [place]
        except (FileExistsError, NotADirectoryError):
            with suppress(NotADirectoryError):
                if _same(old / name, place):
                    return []
    return []


def _seal(folder: Path) -> None:
    """List what was written, and bring it all to the disk. Raises OSError."""
    write_sums(folder)
    sync_tree(folder)


def _same(one: Path, other: Path) -> bool:
    """Whether two files are one, or are alike to the byte. Raises OSError if one of them is not there."""
    modes = [os.lstat(path) for path in (one, other)]
    if os.path.samestat(*modes):
        return True
    if all(stat.S_ISLNK(each.st_mode) for each in modes):
        return os.readlink(one) == os.readlink(other)
    return all(stat.S_ISREG(each.st_mode) for each in modes) and digest_of(one) == digest_of(other)


def _identity(old: Path) -> str:
    """A short name for what stood there before: the same for the same claims."""
    for name in _NAMING:
        with suppress(OSError):
            return sha256(read_plain(old / name, _LARGEST_CLAIMS, follow=False)).hexdigest()[:10]
    return "unknown"


def _make_folders(new: Path, below: Path) -> None:
    """Make a folder in another. Raises FileNotFoundError if that is not there: another process may have moved it aside."""
    for folder in [*reversed(below.relative_to(new).parents), below.relative_to(new)][1:]:
        (new / folder).mkdir(exist_ok=True)


def _retire(aside: Path, final: Path, made: Made | None) -> None:
    """Remove a folder that was replaced: of its files those that a run made, and those that stand in `final` too, which gets what
    it lacks. If there is no such folder any more, this one is put back. What can't be done now is left for the next time."""
    for _ in range(MOST_TRIES):
        try:
            if not aside.is_dir():
                return
            if not final.is_dir():
                move(aside, final)
                return
            is_made = _made_in(aside, made)
            for name in sorted(files_of(aside), key=lambda name: (name in _NAMING, name)):  # what the rest is known by goes last
                if not is_made(name):
                    _stand(aside, name, final)
                (aside / name).unlink()
            _remove_empty(aside)
            _sweep(final)
            return
        except OSError as error:
            # Another process put its folder there, or took this one, in between; whatever else it is, nothing is lost.
            if error.errno not in (errno.ENOENT, errno.ENOTEMPTY, errno.EEXIST):
                return


def _remove_empty(folder: Path) -> None:
    """Remove a folder of empty folders. Raises OSError if it holds anything."""
    for below, _, _ in os.walk(folder, topdown=False):
        os.rmdir(below)


# ---------------------------------------------------------------- names and processes


def _aside(label: str, role: str) -> str:
    return f".{label}.{role}-{_host()}-{os.getpid()}.{token_hex(4)}"


def _host() -> str:
    """The machine's name, so that on a shared disk nobody clears away another machine's run."""
    return re.sub(r"[^\w-]", "-", platform.node())


def _alive(pid: int) -> bool:
    if pid == os.getpid():
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


@contextmanager
def _signals_held() -> Iterator[None]:
    """Let SIGINT and SIGTERM wait, where the platform can."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
