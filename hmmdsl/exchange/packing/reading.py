"""Reading a pack that may come from anyone: nothing in it is believed before it is checked.

A zip says everything twice and may lie in both places, so sizes are counted while bytes come out, and each file is compared with
the manifest. What is refused, and why: docs/sharing.md.
"""

from __future__ import annotations

import json
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

from hmmdsl.exchange.packing.limits import (
    DIRECTORY,
    FILES,
    MANIFEST_BYTES,
    PACKED,
    RATIO,
    SLACK,
    UNPACKED,
    PackError,
    check_names,
    shown,
)
from hmmdsl.exchange.packing.manifest import NAME, FileSum, Manifest, read_manifest
from hmmdsl.files.plain import NotPlain, open_plain
from hmmdsl.files.writing import appearing

_CHUNK = 2**18
_END = struct.Struct("<4s4H2LH")
"""The zip's last record: signature, disk numbers, entries here and in all, size and place of the list, length of a comment."""

_LOCAL = struct.Struct("<4s5H3L2H")
"""What stands before a file: signature, versions, times and sizes, and last the lengths of its name and of what follows that."""

_BROKEN = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, RuntimeError, ValueError, OverflowError)
"""What zipfile raises on bytes that are no zip."""


@dataclass(frozen=True)
class Pack:
    """An open pack, its manifest read and its list of files found safe; the files themselves are checked as they are read."""

    path: Path
    manifest: Manifest
    archive: zipfile.ZipFile
    entries: Mapping[str, zipfile.ZipInfo]

    def check(self) -> None:
        """Read every file and compare it with its size and checksum. Raises PackError; writes nothing."""
        for file in self.manifest.files:
            for _ in self.content(file):
                pass

    def extract(self, folder: Path, wanted: Callable[[str], bool] = lambda path: True) -> None:
        """Write the wanted files below `folder`, which is there and is empty. Raises PackError if one is not what the manifest
        says, and OSError if one can't be written; then the folder is to be thrown away."""
        for file in self.manifest.files:
            if wanted(file.path):
                place = folder / file.path
                place.parent.mkdir(parents=True, exist_ok=True)
                with appearing(place, durable=False) as target:
                    for chunk in self.content(file):
                        target.write(chunk)

    def content(self, file: FileSum) -> Iterator[bytes]:
        """A file's bytes in chunks; after the last one they have proved whole. Raises PackError as soon as they have not."""
        digest, head, count = sha256(), bytearray(), 0
        tensors, wanted = file.path.endswith(".safetensors"), LENGTH
        for chunk in _stream(self.archive, self.entries[file.path], self.path, file.size):
            count += len(chunk)
            digest.update(chunk)
            if tensors and len(head) < wanted:
                head += chunk
                wanted = max(wanted, header_end(bytes(head[:LENGTH])))
            yield chunk
        if count != file.size or digest.hexdigest() != file.sha256:
            raise PackError(
                f"{self.path} was changed or damaged: {shown(file.path)} is not what its manifest says; get the pack anew"
            )
        if tensors and not is_safetensors(bytes(head), count):
            raise PackError(f"{self.path} is refused: {shown(file.path)} holds no safetensors")


@contextmanager
def opened(path: Path) -> Iterator[Pack]:
    """The pack at `path`. Raises PackError if there is none, or if it is cut off, no zip, encrypted, of another version, larger
    than a pack may be, or lists files that would leave its folder, collide, or are no plain files."""
    try:
        file = open_plain(path)
    except NotPlain as error:
        raise PackError(f"{path} is no file: name a pack, which ends in .hmmz") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise PackError(f"{path} can't be read ({reason.lower()}): check its name and permissions") from error
    with file:
        archive = _archive(file, path)
        with archive:
            entries = _entries(archive, path)
            manifest = _manifest(archive, path, entries)
            yield Pack(path, manifest, archive, entries)


def _archive(file: BinaryIO, path: Path) -> zipfile.ZipFile:
    """The zip, once its last record has proved that it is whole and that its list of files is of a bearable size."""
    try:
        size = file.seek(0, 2)
        file.seek(0)
        if file.read(4) != b"PK\x03\x04":
            raise PackError(f"{path} is not a pack: it is no zip file; `hmmdsl pack RUN -o x.hmmz` makes one")
        if size > PACKED:
            raise PackError(f"{path} has {size:,} bytes; a pack has at most {PACKED:,}")
        file.seek(max(0, size - _END.size))
        tail = file.read(_END.size)
        end = _END.unpack(tail) if len(tail) == _END.size else (b"",)
        if end[0] != b"PK\x05\x06":
            raise PackError(f"{path} is cut off or has bytes after its end: get the pack anew")
        _, disk, first, here, entries, length, start, comment = end
        if entries > FILES or length > DIRECTORY:
            raise PackError(f"{path} lists {entries:,} files in {length:,} bytes; a pack holds at most {FILES:,} files")
        if disk or first or here != entries or comment or start + length + _END.size != size:
            raise PackError(f"{path} is damaged: its end does not fit the rest; get the pack anew")
        return zipfile.ZipFile(file)
    except _BROKEN as error:
        raise _damaged(path, error) from error
    except OSError as error:
        raise PackError(f"{path} can't be read: {(error.strerror or str(error)).lower()}") from error


def _entries(archive: zipfile.ZipFile, path: Path) -> dict[str, zipfile.ZipInfo]:
    """The files that the zip lists, by name. Raises PackError if one is not a plain file of a safe name, or all are too much."""
    infos = archive.infolist()
    try:
        check_names(info.orig_filename for info in infos)
    except PackError as error:
        raise PackError(f"{path} is refused: {error}") from None
    for info in infos:
        name = shown(info.orig_filename)
        kind = stat.S_IFMT(info.external_attr >> 16)
        if info.flag_bits & (0x1 | 0x40 | 0x2000):
            raise PackError(f"{path} is encrypted ({name}): a pack is not; ask for an open one")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise PackError(f"{path} is refused: {name} is compressed in a way that a pack does not use")
        if kind not in (0, stat.S_IFREG) or info.external_attr & 0x10 or info.orig_filename != info.filename:
            raise PackError(f"{path} is refused: {name} is a link, a folder or a device, not a plain file")
        if info.file_size > RATIO * info.compress_size + SLACK:
            raise PackError(f"{path} is refused: {name} would unpack to {info.file_size:,} bytes from {info.compress_size:,}")
    total, packed = sum(info.file_size for info in infos), sum(info.compress_size for info in infos)
    if total > UNPACKED:
        raise PackError(f"{path} is refused: it would unpack to {total:,} bytes; the files of a pack have at most {UNPACKED:,}")
    if total > RATIO * packed + SLACK:  # each may be small, and all of them a bomb
        raise PackError(f"{path} is refused: its files would unpack to {total:,} bytes from {packed:,}")
    _check_places(archive, path, infos)
    return {info.filename: info for info in infos}


def _check_places(archive: zipfile.ZipFile, path: Path, infos: list[zipfile.ZipInfo]) -> None:
    """Raise PackError unless the files stand one behind the other from the beginning up to the list of them, nothing between."""
    file, place = archive.fp, 0
    assert file is not None
    for info in sorted(infos, key=lambda info: info.header_offset):
        file.seek(info.header_offset)
        header = file.read(_LOCAL.size)
        if len(header) != _LOCAL.size or info.header_offset != place or not header.startswith(b"PK\x03\x04"):
            raise PackError(f"{path} is refused: its files overlap, or there is something between them")
        *_, name, extra = _LOCAL.unpack(header)
        place += _LOCAL.size + name + extra + info.compress_size
        if info.flag_bits & 0x8:  # its sizes stand behind it, with or without a signature
            file.seek(place)
            place += 16 if file.read(4) == b"PK\x07\x08" else 12
    if place != archive.start_dir:
        raise PackError(f"{path} is refused: its files overlap, or there is something between them")


def _manifest(archive: zipfile.ZipFile, path: Path, entries: Mapping[str, zipfile.ZipInfo]) -> Manifest:
    if NAME not in entries:
        raise PackError(f"{path} is not a pack: it is a zip without a {NAME}; `hmmdsl pack RUN -o x.hmmz` makes one")
    content = b"".join(_stream(archive, entries[NAME], path, MANIFEST_BYTES))
    try:
        manifest = read_manifest(content)
    except PackError as error:
        raise PackError(f"{path} is refused: {error}") from None
    listed = {NAME, *(file.path for file in manifest.files)}
    if listed != set(entries):
        lost = sorted(listed - set(entries))
        what = f"{shown(lost[0])} is missing" if lost else f"{shown(min(set(entries) - listed))} is not in its manifest"
        raise PackError(f"{path} was changed: {what}; get the pack anew")
    return manifest


def _stream(archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path, most: int) -> Iterator[bytes]:
    """What comes out of one entry, no more than `most` bytes, and no more than a pack's ratio allows."""
    count, limit = 0, min(most, RATIO * info.compress_size + SLACK)
    try:
        with archive.open(info) as source:
            while chunk := source.read(_CHUNK):
                count += len(chunk)
                if count > limit:
                    raise PackError(f"{path} is refused: {shown(info.filename)} holds more than the {limit:,} bytes it may")
                yield chunk
    except _BROKEN as error:
        raise _damaged(path, error, info.filename) from error
    except OSError as error:
        raise PackError(f"{path} can't be read: {(error.strerror or str(error)).lower()}") from error


def _damaged(path: Path, error: BaseException, name: str = "") -> PackError:
    where = f" in {shown(name)}" if name else ""
    return PackError(f"{path} is damaged{where} ({shown(str(error)) if str(error) else type(error).__name__}): get the pack anew")


LARGEST_HEADER = 16 * 2**20
"""Bytes of the header, at most."""

LENGTH = 8
"""Bytes in front that say how long the header is."""

_BITS = {"BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16}
_BITS |= {"I32": 32, "U32": 32, "F32": 32, "F64": 64, "I64": 64, "U64": 64}


def header_end(head: bytes) -> int:
    """Where the header ends that begins so; 0 if the file can't be safetensors."""
    length = int.from_bytes(head[:LENGTH], "little") if len(head) >= LENGTH else 0
    return LENGTH + length if 2 <= length <= LARGEST_HEADER else 0


def is_safetensors(head: bytes, size: int) -> bool:
    """Whether a file of so many bytes is safetensors, by all of its header."""
    end = header_end(head)
    if not end or end > min(size, len(head)) or head[LENGTH : LENGTH + 1] != b"{":
        return False
    try:
        header = json.loads(head[LENGTH:end])
        about = header.pop("__metadata__", {})
        spans = sorted(_span(tensor) for tensor in header.values())
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return False
    texts = isinstance(about, dict) and all(isinstance(each, str) for each in about.values())
    edges = [(0, 0), *spans, (size - end, size - end)]
    return texts and all(before[1] == after[0] for before, after in pairwise(edges))


def _span(tensor: Any) -> tuple[int, int]:
    """Where a tensor's bytes lie. Raises ValueError, TypeError or KeyError if the header is wrong about it."""
    shape, (begin, end) = tensor["shape"], tensor["data_offsets"]
    if not all(type(each) is int and each >= 0 for each in (*shape, begin, end)):
        raise ValueError("a size is no natural number")
    if 8 * (end - begin) != prod(shape) * _BITS[tensor["dtype"]]:
        raise ValueError("its bytes are not as many as its shape says")
    return begin, end
