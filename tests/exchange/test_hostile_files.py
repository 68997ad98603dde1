"""Files that may be anybody's: pipes, devices and bombs, and runs whose files are not what a run writes, are refused at once."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

from hmmdsl.cli.check import check_file
from hmmdsl.exchange.importing import imported
from hmmdsl.exchange.loading import load_run
from hmmdsl.exchange.packing.opening import is_pack, unpack
from hmmdsl.exchange.reading import read
from hmmdsl.exchange.verify import compiled_for, verify
from hmmdsl.language.diagnostics import SpecError
from hmmdsl.runtime.curves import read_curve
from hmmdsl.runtime.failures import OutputError
from hmmdsl.runtime.progress import Silence
from tests.exchange.packing.packed_runs import contents, forged, run_folder


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


def without_end(path: Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize("make", [a_pipe, without_end])
def test_no_command_waits_for_a_pipe_or_reads_a_device(make: Callable[[Path], None], tmp_path: Path) -> None:
    for name in ("x.hmm", "x.yaml", "x.hmmz", "x.json", "x.npz", "x"):
        make(tmp_path / name)
    for name in ("x.hmm", "x.yaml"):
        (message,) = check_file(tmp_path / name, 10).diagnostics
        assert message.code in ("E0002", "E0540")
        assert message.help
    for name in ("x.json", "x.npz"):
        with pytest.raises(OutputError, match="not a plain file"):
            imported(tmp_path / name)
    with pytest.raises(OutputError, match="is no file: name a pack"):
        unpack(tmp_path / "x.hmmz", tmp_path / "out")
    assert not is_pack(tmp_path / "x")
    with pytest.raises(SpecError), compiled_for(tmp_path / "x", tmp_path):
        pass


# ---------------------------------------------------------------- arrays


def npz(path: Path, shape: tuple[int, ...], data: bytes, dtype: str = "<f8") -> None:
    """An npz of one array whose header says this of it."""
    header = BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": dtype, "fortran_order": False, "shape": shape})
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("T.npy", header.getvalue() + data)


@pytest.mark.parametrize(
    ("shape", "data", "dtype", "message"),
    [
        ((8, 1100, 1000), bytes(70_400_000), "<f8", "more than 100 arrays or 64 MiB"),
        ((10**5, 10**5, 100), bytes(8), "<f8", "not as large as its header says"),
        ((10**12,), b"", "<U0", "not as large as its header says"),
        ((-1, 8), bytes(8), "<f8", "not as large as its header says"),
        ((1,), bytes(8), "|O", "holds objects"),
    ],
)
def test_an_npz_that_is_a_bomb_or_lies_is_refused_before_it_is_unpacked(
    shape: tuple[int, ...], data: bytes, dtype: str, message: str, tmp_path: Path
) -> None:
    npz(tmp_path / "bomb.npz", shape, data, dtype)
    with pytest.raises(OutputError, match=message):
        imported(tmp_path / "bomb.npz")


@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_are_read_as_numpy_reads_them(order: str, tmp_path: Path) -> None:
    T = np.array([[[0.25, 0.0], [0.5, 0.25]], [[0.5, 0.25], [0.0, 0.25]]])
    np.savez_compressed(tmp_path / "x.npz", T=np.asarray(T, order=order), tokens=np.array(["a", "ü"]))
    (tmp_path / "x.json").write_text(json.dumps({"T": T.tolist(), "tokens": ["a", "ü"]}))
    assert imported(tmp_path / "x.npz").splitlines()[1:] == imported(tmp_path / "x.json").splitlines()[1:]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"[" * 100_000 + b"]" * 100_000, "nested more than 100 deep"),
        (b'{"T":' * 500 + b"1" + b"}" * 500, "nested more than 100 deep"),
        (b'{"T": [[[' + b"9" * 400 + b"]]]}", "a number has more than 300 digits"),
        (b'{"T": [[[NaN]]]}', "NaN is no number"),
        (b'{"T": "\xe9"}', "not UTF-8 at byte 7"),
    ],
)
def test_json_beyond_plain_data_is_refused(text: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_bytes(text)
    with pytest.raises(OutputError, match=message):
        imported(tmp_path / "x.json")


def test_brackets_in_texts_are_no_depth(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(json.dumps({"tokens": "[" * 1000}))
    with pytest.raises(OutputError, match="has neither `T` nor"):
        imported(tmp_path / "x.json")


# ---------------------------------------------------------------- runs


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("results.json", b'{"fit": {"loss": 1' + b"0" * 400 + b"}}", "a number has more than 300 digits"),
        ("results.json", b"[" * 100_000 + b"]" * 100_000, "nested more than 100 deep"),
        ("results.json", b"[1]", "holds nothing by name"),
        ("results.json", b'{"fit": Infinity}', "Infinity is no number"),
        ("results.json", b"\xff\xfe", "not UTF-8"),
        ("claims.json", b"null", "holds no claims of a run"),
        ("claims.json", b"[null]", "holds no claims of a run"),
        ("claims.json", b'[{"claim": 1}]', "holds no claims of a run"),
        ("environment.json", b"[1]", "holds nothing by name"),
    ],
)
def test_a_run_whose_files_are_not_what_a_run_writes_is_not_verified(
    name: str, content: bytes, message: str, tmp_path: Path
) -> None:
    run = run_folder(tmp_path)
    (run / name).write_bytes(content)
    with compiled_for(run, tmp_path) as (compiled, earlier), pytest.raises(OutputError, match=message):
        verify(compiled, earlier, Silence())
    if name != "environment.json":
        with pytest.raises(OutputError, match=message):
            load_run(run)


def test_a_pipe_in_a_run_folder_does_not_wait(tmp_path: Path) -> None:
    run = run_folder(tmp_path)
    (run / "environment.json").unlink()
    os.mkfifo(run / "environment.json")
    with compiled_for(run, tmp_path) as (compiled, earlier), pytest.raises(OutputError, match="it is a pipe"):
        verify(compiled, earlier, Silence())


def test_a_pack_whose_spec_is_no_text_is_refused(tmp_path: Path) -> None:
    files = {name: content for name, content in contents(run_folder(tmp_path)).items() if name != "log.jsonl"}
    path = forged(tmp_path / "x.hmmz", files | {"spec.hmm": b"# caf\xe9\n"})
    with pytest.raises(OutputError, match="not UTF-8 at byte 5"):
        read(path)


def test_a_curve_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "curves").mkdir()
    (tmp_path / "curves" / "fit.csv").write_text("step,loss\n1,two\n")
    with pytest.raises(OutputError, match="is no learning curve"):
        read_curve(tmp_path, "fit")
