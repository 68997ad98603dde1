"""Whether a file is safetensors: its header names tensors that fill the rest of it exactly, one after the other."""

from __future__ import annotations

import json
from itertools import pairwise
from math import prod
from typing import Any

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
