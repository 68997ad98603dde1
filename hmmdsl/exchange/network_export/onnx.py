"""A trained network as an ONNX graph: token indices in, next-token logits out."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

from hmmdsl.runtime.failures import OutputError

if TYPE_CHECKING:
    from hmmdsl.models.network import Network


def onnx_bytes(network: Network) -> bytes:
    """The graph from `tokens`, int64 of shape (word, context), to `logits`, float32 of shape (word, position, token). There may
    be any number of words; their length is the context, since recurrences are unrolled. Raises OutputError if the extra is not
    installed."""
    try:
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise OutputError('ONNX needs its packages: run `pip install "hmmdsl[onnx]"`') from error
    words = torch.zeros((3, network.spec.context), dtype=torch.int64)
    with _quiet():
        program = torch.onnx.export(
            network.cpu().eval(),
            (words,),
            input_names=["tokens"],
            output_names=["logits"],
            dynamic_shapes={"tokens": {0: torch.export.Dim("word")}},
            dynamo=True,
            verbose=False,
        )
    if program is None:
        raise OutputError("this version of PyTorch makes no ONNX graph of the network: use `--to safetensors`")
    content: bytes = program.model_proto.SerializeToString()
    return content


@contextmanager
def _quiet() -> Iterator[None]:
    """The exporter speaks of packages that are not needed here, and of its own old names."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
