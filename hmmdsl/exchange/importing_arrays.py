"""numpy's npz files from anybody: no objects, and no more bytes than they may be, however little they are on the disk."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from typing import Any, BinaryIO

MOST_ARRAYS = 100


def arrays_of(file: BinaryIO, most: int) -> Iterator[tuple[str, Any]]:
    """Each array by its name, as lists. Raises ValueError if all of them have more than `most` bytes or one is not what its
    header says, and whatever zipfile and numpy raise for what is no npz."""
    import numpy as np

    with zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
        if len(entries) > MOST_ARRAYS or sum(entry.file_size for entry in entries) > most:
            raise ValueError(f"it would unpack to more than {MOST_ARRAYS} arrays or {most >> 20} MiB")
        for entry in entries:
            with archive.open(entry) as member:
                version = np.lib.format.read_magic(member)
                read_header = {
                    (1, 0): np.lib.format.read_array_header_1_0,
                    (2, 0): np.lib.format.read_array_header_2_0,
                }.get(version)
                if read_header is None:
                    raise ValueError(f"{entry.filename} is of a version that is not read")
                shape, by_column, dtype = read_header(member)
                if dtype.hasobject:
                    raise ValueError(f"{entry.filename} holds objects, not numbers or texts")
                data = member.read(most + 1)
            count = 1
            for each in shape:
                count *= each
            if min(shape, default=0) < 0 or count > most or len(data) != count * dtype.itemsize:
                raise ValueError(f"{entry.filename} is not as large as its header says")
            array = np.frombuffer(data, dtype) if dtype.itemsize else np.zeros(count, dtype)
            yield entry.filename.removesuffix(".npy"), array.reshape(shape, order="F" if by_column else "C").tolist()
