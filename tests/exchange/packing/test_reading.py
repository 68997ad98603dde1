"""A pack from a stranger: what it may not do, and that nothing is written when it tries."""

from __future__ import annotations

import json
import stat
import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

from hmmdsl.cli.verify import check_pack
from hmmdsl.exchange.packing.limits import PackError, check_names, fault_of_name
from hmmdsl.exchange.packing.opening import unpack, unpacked
from hmmdsl.exchange.packing.writing import pack
from hmmdsl.exchange.reading import read
from hmmdsl.runtime.failures import OutputError
from tests.exchange.packing.packed_runs import contents, forged, run_folder, safetensors


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    return pack(run_folder(folder), folder / "x.hmmz").path


def refused(path: Path, tmp_path: Path, words: str) -> None:
    """Unpacking fails with these words, writes nothing, anywhere."""
    place = tmp_path / "inner" / "place"
    place.parent.mkdir()
    before = contents(tmp_path)
    with pytest.raises(PackError, match=words):
        unpack(path, place)
    assert contents(tmp_path) == before
    assert not list(place.parent.iterdir())


def test_unpacking_gives_the_run_again(whole: Path, tmp_path: Path) -> None:
    unpack(whole, tmp_path / "again")
    run = next(path for path in whole.parent.iterdir() if path.name.startswith("coins-"))
    again = contents(tmp_path / "again")
    assert json.loads(again.pop("log.jsonl"))["settings"] == {"fit.steps": "4"}  # so that it can be packed again
    assert again == {name: c for name, c in contents(run).items() if name != "log.jsonl"}


def test_a_folder_that_is_there_is_left_alone(whole: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a.txt").write_text("a")
    with pytest.raises(OutputError, match="there already"):
        unpack(whole, tmp_path / "mine")
    assert contents(tmp_path) == {"mine/a.txt": b"a"}


ESCAPES = [
    "/etc/x.json", "../x.json", "a/../../x.json", "C:/x.json", "c:x.json", "a\\..\\..\\x.json", "\\\\host\\x.json", "./x.json",
    "a//x.json", ".ssh/x.json", "a/.hmm", "con.json", "figures/nul", "a./x.json", "a /x.json", "x.json ", "a\nb.json",
    "x.pkl", "x.py", "model.pt", "noending", "checkpoints/fit/step_0.json", "arrays/a.hmm", "a" * 300 + ".json", "x.json:s.json",
]  # fmt: skip


@pytest.mark.parametrize("name", ESCAPES)
def test_a_name_that_leads_out_of_the_folder_or_is_no_data_is_refused(name: str, tmp_path: Path) -> None:
    refused(forged(tmp_path / "x.hmmz", {name: b"{}"}), tmp_path, "is refused: the file name")


@pytest.mark.parametrize(
    "names", [("a.json", "A.json"), ("é.json", "e\u0301.json"), ("a.json", "a.json/b.json"), ("Parts/a.hmm", "parts/b.hmm")]
)
def test_names_that_are_one_file_on_some_systems_are_refused(names: tuple[str, str], tmp_path: Path) -> None:
    refused(forged(tmp_path / "x.hmmz", dict.fromkeys(names, b"{}")), tmp_path, "one on some systems|both a file and a folder")


def test_a_file_that_stands_twice_is_refused(tmp_path: Path) -> None:
    path = forged(tmp_path / "x.hmmz", {"a.json": b"{}"})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr("a.json", b"[]")
    refused(path, tmp_path, "stands twice")


def _special(kind: int) -> Callable[[zipfile.ZipInfo], None]:
    def change(entry: zipfile.ZipInfo) -> None:
        entry.external_attr = (kind | 0o777) << 16

    return change


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFDIR, stat.S_IFCHR])
def test_links_folders_and_devices_are_refused(kind: int, tmp_path: Path) -> None:
    path = forged(tmp_path / "x.hmmz", {}, {"a.json": b"/etc/passwd"})
    with zipfile.ZipFile(path, "a") as archive:
        entry = zipfile.ZipInfo("a.json")
        _special(kind)(entry)
        archive.writestr(entry, b"/etc/passwd")
    refused(path, tmp_path, "not a plain file")


def test_a_bomb_is_refused_by_what_it_says_of_itself(tmp_path: Path) -> None:
    refused(forged(tmp_path / "x.hmmz", {"a.json": bytes(30_000_000)}), tmp_path, "would unpack to 30,000,000 bytes")


def test_a_bomb_that_lies_about_its_size_is_refused_while_it_streams(tmp_path: Path) -> None:
    path = forged(tmp_path / "x.hmmz", {"a.json": bytes(30_000_000)}, {"a.json": bytes(1000)})
    data = bytearray(path.read_bytes())
    place = data.rindex(b"PK\x01\x02")
    data[place + 24 : place + 28] = struct.pack("<L", 1000)  # the list of files says 1,000 bytes
    path.write_bytes(data)
    refused(path, tmp_path, "damaged|holds more than")


def test_files_that_share_their_bytes_are_refused(tmp_path: Path) -> None:
    path = forged(tmp_path / "x.hmmz", {"a.json": bytes(range(256)) * 9, "b.json": bytes(range(256)) * 9})
    data = bytearray(path.read_bytes())
    first = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 1)
    second = data.index(b"PK\x01\x02", first + 1)
    data[second + 42 : second + 46] = data[first + 42 : first + 46]
    path.write_bytes(data)
    refused(path, tmp_path, "x.hmmz")


def test_many_small_files_that_are_a_bomb_together_are_refused(tmp_path: Path) -> None:
    """Each within the slack that a small file has: 620 to 1."""
    refused(forged(tmp_path / "x.hmmz", {f"a{k}.json": bytes(1_000_000) for k in range(8)}), tmp_path, "would unpack to 8,")


def test_files_that_overlap_a_little_are_refused(tmp_path: Path) -> None:
    """The first file's bytes are said to be so many that they reach into the second's header."""
    path = forged(tmp_path / "x.hmmz", {"a.json": bytes(range(256)), "b.json": bytes(range(256))})
    data = bytearray(path.read_bytes())
    entry = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 1)
    (size,) = struct.unpack_from("<L", data, entry + 20)
    struct.pack_into("<L", data, entry + 20, size + 5)
    path.write_bytes(data)
    refused(path, tmp_path, "overlap|damaged")


def test_bytes_between_files_are_refused(whole: Path, tmp_path: Path) -> None:
    """A file of a zip that its list does not name any more."""
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(tmp_path / "x.hmmz", "w") as new:
        for entry in old.infolist():
            new.writestr(entry, old.read(entry))
            if entry.filename == "claims.json":
                new.writestr("hidden.json", "{}")
                del new.NameToInfo["hidden.json"]
                new.filelist.pop()
    refused(tmp_path / "x.hmmz", tmp_path, "something between them")


@pytest.mark.parametrize("letter", ["\u200b", "\u202e", "\u2060", "\ufeff", "\u00ad", "\u3164", "\ufe0f", "\u00a0", "\ue000"])
def test_a_name_with_a_letter_that_cannot_be_seen_is_refused(letter: str, tmp_path: Path) -> None:
    refused(forged(tmp_path / "x.hmmz", {f"re{letter}port.html": b""}), tmp_path, "can't be seen")


HEADERS = {
    "a shape that does not fit": b'{"w":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}',
    "a hole": b'{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"v":{"dtype":"U8","shape":[2],"data_offsets":[6,8]}}',
    "tensors on each other": b'{"w":{"dtype":"I8","shape":[8],"data_offsets":[0,8]},'
    b'"v":{"dtype":"I8","shape":[8],"data_offsets":[0,8]}}',
    "more than there is": b'{"w":{"dtype":"F32","shape":[20],"data_offsets":[0,80]}}',
    "less than there is": b'{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}',
    "an unknown type": b'{"w":{"dtype":"object","shape":[1],"data_offsets":[0,8]}}',
    "a negative size": b'{"w":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}',
    "no offsets": b'{"w":{"dtype":"F32","shape":[2]}}',
    "no object": b'{"w":7}',
    "no JSON": b'{"w":',
    "deep JSON": b'{"w":' + b"[" * 50_000,
    "metadata that is no text": b'{"__metadata__":{"a":1},"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}',
}


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
def test_safetensors_whose_header_is_wrong_are_refused(header: bytes, tmp_path: Path) -> None:
    content = struct.pack("<Q", len(header)) + header + bytes(8)
    refused(forged(tmp_path / "x.hmmz", {"arrays/a.safetensors": content}), tmp_path, "holds no safetensors")


def test_safetensors_that_are_whole_pass_whatever_is_in_them(tmp_path: Path) -> None:
    arrays = {"a": np.zeros((2, 3)), "b": np.zeros((0, 4), np.float32), "c": np.arange(5, dtype=np.uint8), "d": np.float64(1.5)}
    content = save({name: np.asarray(array) for name, array in arrays.items()}, {"about": "text"})
    unpack(forged(tmp_path / "x.hmmz", {"arrays/a.safetensors": content, "arrays/none.safetensors": save({})}), tmp_path / "out")


def test_more_files_than_a_pack_holds_are_refused_before_they_are_listed(whole: Path, tmp_path: Path) -> None:
    data = bytearray(whole.read_bytes())
    data[-14:-10] = struct.pack("<2H", 65_000, 65_000)
    (tmp_path / "x.hmmz").write_bytes(data)
    refused(tmp_path / "x.hmmz", tmp_path, "lists 65,000 files")


def test_an_encrypted_pack_is_refused(whole: Path, tmp_path: Path) -> None:
    data = bytearray(whole.read_bytes())
    place = data.index(b"PK\x01\x02")
    data[place + 8] |= 1
    (tmp_path / "x.hmmz").write_bytes(data)
    refused(tmp_path / "x.hmmz", tmp_path, "is encrypted")


def test_a_pack_of_a_later_version_is_refused(tmp_path: Path) -> None:
    path = forged(tmp_path / "x.hmmz", {}, format=2, more="new")
    refused(path, tmp_path, "has format 2, and this hmmdsl reads 1")


@pytest.mark.parametrize("manifest", ["{", "[]", "null", "{}", '{"format": 1}', "[" * 100_000])
def test_a_manifest_that_is_none_is_refused(manifest: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.hmmz", "w") as archive:
        archive.writestr("manifest.json", manifest)
    refused(tmp_path / "x.hmmz", tmp_path, "manifest.json can't be read")


@pytest.mark.parametrize("content", [b"", b"PK", b"#!/bin/sh\n", b"hmm x {}", b"PK\x05\x06" + bytes(18), b"\x1f\x8b" * 99])
def test_a_file_that_is_no_zip_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.hmmz").write_bytes(content)
    refused(tmp_path / "x.hmmz", tmp_path, "is not a pack|cut off")


def test_a_zip_that_is_no_pack_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.hmmz", "w") as archive:
        archive.writestr("results.json", "{}")
    refused(tmp_path / "x.hmmz", tmp_path, "a zip without a manifest.json")


def test_content_that_is_not_what_the_manifest_says_is_refused(tmp_path: Path) -> None:
    path = forged(tmp_path / "x.hmmz", {"results.json": b'{"r2": 0.99}'}, {"results.json": b'{"r2": 0.11}'})
    refused(path, tmp_path, "changed or damaged: `results.json`")


def test_a_pack_that_was_changed_anywhere_is_not_run(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    whole = contents(run_folder(tmp_path / "run"))
    del whole["log.jsonl"]
    path = forged(tmp_path / "x.hmmz", whole | {"report.html": b"<p>better</p>"}, whole)
    with pytest.raises(PackError, match=r"changed or damaged: `report\.html`"):
        read(path)


@pytest.mark.parametrize("settings", [{}, {"fit.seed": "1"}])
def test_a_spec_that_is_not_the_experiment_that_was_run_is_refused(settings: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    files = contents(run_folder(tmp_path / "run"))
    del files["log.jsonl"]
    asked: dict[str, Any] = {"name": "coins", "settings": {"fit.steps": "4"}}
    assert read(forged(tmp_path / "x.hmmz", files, **asked), settings).experiment.trains["fit"].steps == 4
    elsewhere = files | {"experiment.yaml": files["experiment.yaml"].replace(b"device: auto", b"device: cpu")}
    assert elsewhere != files
    read(forged(tmp_path / "z.hmmz", elsewhere, **asked), settings)  # as `run --device` leaves it
    files["spec.hmm"] = files["spec.hmm"].replace(b"fit.loss < 2", b"fit.loss < 0.1")
    path = forged(tmp_path / "y.hmmz", files, **asked)
    words = r"y\.hmmz is refused: its spec\.hmm is not the experiment of its experiment\.yaml \(at `expect\[0\]\.claim`: .*0\.1"
    with pytest.raises(PackError, match=words):
        read(path, settings)
    with pytest.raises(PackError, match=words), unpacked(path):
        pass


@pytest.mark.parametrize(("files", "listed"), [(["a"], ["a", "b"]), (["a", "b"], ["a"])])
def test_a_file_too_many_or_too_few_is_refused(files: list[str], listed: list[str], tmp_path: Path) -> None:
    path = forged(tmp_path / "x.hmmz", {f"{n}.json": b"1" for n in files}, {f"{n}.json": b"1" for n in listed})
    refused(path, tmp_path, "`b.json` is (missing|not in its manifest)")


def test_a_pickle_that_calls_itself_safetensors_is_refused(tmp_path: Path) -> None:
    path = forged(tmp_path / "x.hmmz", {"checkpoints/fit/step_0.safetensors": b"\x80\x04\x95" + bytes(40) + b"."})
    refused(path, tmp_path, "holds no safetensors")
    check_pack(forged(tmp_path / "y.hmmz", {"checkpoints/fit/step_0.safetensors": safetensors()}))


def test_a_pack_cut_off_anywhere_is_refused(whole: Path, tmp_path: Path) -> None:
    data = whole.read_bytes()
    for length in [*range(0, len(data), 97), len(data) - 1]:
        (tmp_path / "x.hmmz").write_bytes(data[:length])
        with pytest.raises(PackError):
            check_pack(tmp_path / "x.hmmz")


def test_bytes_before_or_behind_a_pack_are_refused(whole: Path, tmp_path: Path) -> None:
    for data in (whole.read_bytes() + b"x", b"MZ" + whole.read_bytes(), whole.read_bytes() * 2):
        (tmp_path / "x.hmmz").write_bytes(data)
        with pytest.raises(PackError):
            check_pack(tmp_path / "x.hmmz")


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_flipped_bits_give_a_clear_refusal_or_the_very_same_files(whole: Path, data: st.DataObject) -> None:
    content = bytearray(whole.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    folder = whole.parent / "flipped"
    folder.mkdir(exist_ok=True)
    path = folder / "x.hmmz"
    path.write_bytes(content)
    place = folder / f"place-{len(list(folder.iterdir()))}"
    try:
        unpack(path, place)
    except PackError:
        assert not place.exists()
    else:
        run = next(each for each in whole.parent.iterdir() if each.name.startswith("coins-"))
        files, original = ({n: c for n, c in contents(each).items() if n != "log.jsonl"} for each in (place, run))
        assert files == original


@given(st.text(max_size=60))
def test_a_name_that_passes_stays_in_its_folder_on_every_system(name: str) -> None:
    from pathlib import PurePosixPath, PureWindowsPath

    for path in () if fault_of_name(name) else (PurePosixPath(name), PureWindowsPath(name)):
        assert not path.is_absolute()
        assert not path.drive
        assert ".." not in path.parts
        assert path.as_posix() == name


def test_the_names_of_a_run_pass() -> None:
    check_names(["spec.hmm", "parts/mine.hmm", "figures/beliefs.simplex.png", "checkpoints/fit/step_0.safetensors", "größe.hmm"])
