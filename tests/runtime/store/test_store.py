"""The store: what is made once is found again, and never in halves."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from hmmdsl.files.sums import SUMS
from hmmdsl.runtime.failures import OutputError
from hmmdsl.runtime.store.entry import last_used
from hmmdsl.runtime.store.store import Key, Store

KEY = Key("ab" * 32, "analysis", "beliefs", "rrxor")


def fill(folder: Path) -> dict[str, float]:
    (folder / "arrays").mkdir(exist_ok=True)
    (folder / "arrays" / "a.bin").write_bytes(b"12345")
    return {"r2": 0.1}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "store")


def nothing(folder: Path) -> None:
    pytest.fail("it was computed again")


def test_what_was_made_is_found_with_its_result_and_files(store: Store) -> None:
    first = store.obtain(KEY, fill)
    again = store.obtain(KEY, nothing)
    assert (first.cached, again.cached) == (False, True)
    assert again.entry.result == {"r2": 0.1}
    assert (again.entry.folder / "arrays" / "a.bin").read_bytes() == b"12345"
    assert again.entry == first.entry
    assert not list((store.folder / "work").iterdir())
    assert not list((store.folder / "locks").iterdir())


def test_standard_tools_can_verify_an_entry(store: Store) -> None:
    folder = store.obtain(KEY, fill).entry.folder
    subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=folder, check=True)


def test_force_makes_it_anew(store: Store) -> None:
    store.obtain(KEY, fill)
    again = store.obtain(KEY, lambda folder: {"r2": 0.2}, force=True)
    assert not again.cached
    assert store.obtain(KEY, nothing).entry.result == {"r2": 0.2}


def flip(folder: Path) -> None:
    path = folder / "arrays" / "a.bin"
    path.chmod(0o644)
    path.write_bytes(b"12346")


def cut(folder: Path) -> None:
    path = folder / "entry.json"
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-9])


DAMAGE: dict[str, Callable[[Path], None]] = {
    "a flipped bit": flip,
    "a cut file": cut,
    "a missing file": lambda folder: (folder / "arrays" / "a.bin").unlink(),
    "an added file": lambda folder: (folder / "more").write_text("x") and None,
    "no checksums": lambda folder: (folder / "SHA256SUMS").unlink(),
    "empty checksums": lambda folder: (folder / "SHA256SUMS").write_text("") and None,
    "checksums of something else": lambda folder: (folder / "SHA256SUMS").write_bytes(b"\xff\x00") and None,
}


@pytest.mark.parametrize("harm", DAMAGE.values(), ids=DAMAGE.keys())
def test_a_damaged_entry_is_set_aside_and_made_again_with_a_warning(store: Store, harm: Callable[[Path], None]) -> None:
    warned: list[str] = []
    store.warn = warned.append
    harm(store.obtain(KEY, fill).entry.folder)
    again = store.obtain(KEY, fill)
    assert not again.cached
    assert len(warned) == 1
    assert "damaged" in warned[0]
    assert len(list((store.folder / "damaged").iterdir())) == 1
    assert store.obtain(KEY, nothing).cached


def test_the_entry_of_another_hash_is_damage(store: Store) -> None:
    store.warn = lambda message: None
    store.obtain(KEY, fill).entry.folder.rename(store.entry_folder("ab" + "0" * 62))
    assert store.find("ab" + "0" * 62) is None


class Killed(BaseException):
    """Stands for a death at that instant."""


WRITES = ["os.open", "os.fsync", "os.replace", "os.rename", "os.mkdir", "os.chmod"]


@pytest.mark.parametrize("name", WRITES)
@pytest.mark.parametrize("error", [Killed(), OSError(errno.ENOSPC, "No space left on device"), OSError(errno.EROFS, "Read-only")])
def test_a_failure_at_any_write_leaves_nothing_torn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, error: BaseException
) -> None:
    """Fail at the first call, the second, … until the entry is made: each time a fresh look finds nothing or the whole."""
    method = name.partition(".")[2]
    real = getattr(os, method)
    for fails_at in range(100):
        store = Store.open(tmp_path / f"{name}-{fails_at}")
        store.durable_from = 0.0
        calls = 0

        def failing(*arguments: object, fails_at: int = fails_at, **options: object) -> object:
            nonlocal calls
            calls += 1
            if calls == fails_at + 1:
                raise error
            return real(*arguments, **options)

        with monkeypatch.context() as patch:
            patch.setattr(os, method, failing)
            try:
                store.obtain(KEY, fill)
                failed = False
            except (Killed, OSError):
                failed = True
        store.warn = lambda message: pytest.fail(f"torn: {message}")
        found = store.find(KEY.hash)
        assert found is None or found.result == {"r2": 0.1}
        assert store.obtain(KEY, fill).entry.result == {"r2": 0.1}
        if calls <= fails_at:
            assert not failed
            return
    pytest.fail("it writes without end")


def test_a_file_size_limit_of_the_system_tears_nothing(tmp_path: Path) -> None:
    program = (
        "import resource, signal, sys\nfrom pathlib import Path\nfrom hmmdsl.runtime.store.store import Key, Store\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "store = Store.open(Path(sys.argv[1]))\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try:\n    store.obtain(Key('ab' * 32, 'analysis', 'a', 's'), lambda folder: 'x' * 5000)\n"
        "except OSError as error:\n    sys.exit(7 if error.strerror == 'File too large' else 8)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path / "s")], check=False, capture_output=True, text=True)
    assert done.returncode == 7, done.stderr
    assert Store.open(tmp_path / "s").find("ab" * 32) is None


def test_what_an_interruption_leaves_is_given_to_those_who_continue(store: Store) -> None:
    def stopped(folder: Path) -> None:
        (folder / "resume").write_text("half")
        raise KeyboardInterrupt

    for continues in (True, False):
        with pytest.raises(KeyboardInterrupt):
            store.obtain(KEY, stopped, continues=True)
        assert not store.has(KEY.hash)
        seen: list[bool] = []

        def look(folder: Path, seen: list[bool] = seen) -> None:
            seen.append((folder / "resume").is_file())

        store.obtain(KEY, look, force=not continues, continues=continues)
        assert seen == [continues]
        store.remove(KEY.hash)


def test_a_process_that_finds_a_lock_waits_and_takes_the_result(store: Store, tmp_path: Path) -> None:
    program = (
        "import sys, time\nfrom pathlib import Path\nfrom hmmdsl.runtime.store.store import Key, Store\n"
        "def make(folder):\n"
        "    with open(sys.argv[2], 'a') as file: file.write('made\\n')\n"
        "    time.sleep(1)\n    return {'by': 'one'}\n"
        "store = Store.open(Path(sys.argv[1]))\n"
        "found = store.obtain(Key('ab' * 32, 'train', 'fit', 'rrxor'), make)\n"
        "print(found.cached, found.entry.result)\n"
    )
    call = [sys.executable, "-c", program, str(store.folder), str(tmp_path / "made")]
    both = [subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    outs = [each.communicate(timeout=60) for each in both]
    assert [each.returncode for each in both] == [0] * 4, outs
    assert (tmp_path / "made").read_text() == "made\n"
    assert sorted(out.strip() for out, _ in outs) == ["False {'by': 'one'}"] + ["True {'by': 'one'}"] * 3
    assert sum("computed by another process" in err for _, err in outs) >= 1


def test_a_dead_process_holds_no_lock(store: Store) -> None:
    program = (
        "import os, sys\nfrom pathlib import Path\nfrom hmmdsl.runtime.store.store import Key, Store\n"
        "def make(folder):\n    (folder / 'half').write_text('half')\n    os.kill(os.getpid(), 9)\n"
        "Store.open(Path(sys.argv[1])).obtain(Key('ab' * 32, 'train', 'fit', 'rrxor'), make)\n"
    )
    assert subprocess.run([sys.executable, "-c", program, str(store.folder)], check=False).returncode == -9
    assert not store.has(KEY.hash)
    assert store.obtain(KEY, lambda folder: (folder / "half").is_file(), continues=True).entry.result is True


def test_a_lock_file_that_was_removed_is_no_lock(store: Store) -> None:
    """The holder removes the file with its hold: who waited for it must not hold a file without a name."""
    with store.locked(KEY):
        path = next((store.folder / "locks").iterdir())
        other: FileLock = FileLock(path, is_singleton=False)
        assert not _can(other)
    assert not path.exists()
    with store.locked(KEY):
        assert path.exists()


def _can(lock: FileLock) -> bool:
    from filelock import Timeout

    try:
        lock.acquire(timeout=0)
    except Timeout:
        return False
    lock.release()
    return True


def test_an_entry_that_cannot_be_moved_away_is_an_error_with_a_cure(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    flip(store.obtain(KEY, fill).entry.folder)

    def read_only(*arguments: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(os, "rename", read_only)
    with pytest.raises(OutputError, match="--no-store"):
        store.find(KEY.hash)


def test_a_broken_index_does_not_stop_a_run(store: Store) -> None:
    store.close()
    (store.folder / "index.sqlite").write_bytes(b"this is no database, and it is longer than a page's header" * 50)
    fresh = Store.open(store.folder)
    assert fresh.obtain(KEY, fill).entry.result == {"r2": 0.1}
    assert [row.hash for row in fresh.index.rows()] == [KEY.hash]


def test_reading_is_remembered_for_pruning(store: Store) -> None:
    store.obtain(KEY, fill)
    before = store.index.rows()[0].used, last_used(store.entry_folder(KEY.hash))
    time.sleep(0.01)
    store.obtain(KEY, nothing)
    assert last_used(store.entry_folder(KEY.hash)) > before[1]  # at once
    store.close()
    assert store.index.rows()[0].used > before[0]


def test_entries_reach_the_disk_before_their_names(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.durable_from = 0.0
    order: list[str] = []
    real_sync, real_rename = os.fsync, os.rename
    monkeypatch.setattr(os, "fsync", lambda handle: (order.append("sync"), real_sync(handle))[1])
    monkeypatch.setattr(os, "rename", lambda path, target: (order.append("rename"), real_rename(path, target))[1])
    store.obtain(KEY, fill)
    assert order.count("rename") == 1
    assert order.index("rename") >= 3  # each file, and their folder
    assert order[-1] == "sync"
    assert SUMS == "SHA256SUMS"
