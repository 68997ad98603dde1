"""`hmmdsl export RUN --to …`: one network of a finished run, written for other programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal, TypeAlias

from hmmdsl.exchange.loading import load_run
from hmmdsl.exchange.output_file import output_file, unwritable
from hmmdsl.files.folders import beside, move, remove
from hmmdsl.files.writing import write_whole
from hmmdsl.runtime.failures import OutputError

NetworkFormat: TypeAlias = Literal["transformer_lens", "safetensors", "onnx"]

CONFIGURATION, WEIGHTS = "config.json", "model.safetensors"
"""The files of a HookedTransformer's folder."""

INSTEAD = "give another place with `--out`"


def export_network(run: Path, name: str | None, to: NetworkFormat, step: int | None, out: Path | None) -> str:
    """Write the network of the train `name` at checkpoint `step` (the last if None) and say in a line what was written.

    `transformer_lens` makes a folder with HookedTransformerConfig's fields and the weights under HookedTransformer's names;
    `safetensors` a file with the weights under our names and the model's record as metadata; `onnx` a file. Raises OutputError.
    """
    from hmmdsl.training.weights import DamagedCheckpointError

    loaded = load_run(run)
    try:
        trained = loaded.train(name)
        network = trained.network(step)
    except KeyError as error:
        raise OutputError(f"{run}: {error.args[0]}") from error
    except DamagedCheckpointError as error:
        raise OutputError(f"{error}: run its spec again") from error
    at = trained.steps[-1] if step is None else step
    about = {
        "model": trained.model.model_dump_json(),
        "tokens": json.dumps(trained.process.tokens, ensure_ascii=False),
        "train": trained.name,
        "step": str(at),
    }
    ending = {"transformer_lens": "", "safetensors": ".safetensors", "onnx": ".onnx"}[to]
    path = out if out is not None else Path(f"{trained.name}{ending}")
    match to:
        case "transformer_lens":
            from safetensors.torch import save

            from hmmdsl.exchange.network_export.transformer_lens import as_transformer, configuration, weights

            transformer = as_transformer(network)
            fields = json.dumps(configuration(transformer), indent=1) + "\n"
            _write_folder(path, {CONFIGURATION: fields.encode(), WEIGHTS: save(weights(transformer), about)})
        case "safetensors":
            from safetensors.torch import save

            state = {key: value.detach().cpu().clone() for key, value in network.state_dict().items()}
            _write_file(path, save(state, about))
        case "onnx":
            from hmmdsl.exchange.network_export.onnx import onnx_bytes

            _write_file(path, onnx_bytes(network))
    return f"wrote {path}: {trained.model.summary}, {trained.name} after {at:,} steps\n"


def _write_file(path: Path, content: bytes) -> None:
    """Beside its place and renamed into it, so that a file is whole or not there."""
    with output_file(path, INSTEAD) as file:
        file.write(content)


def _write_folder(path: Path, files: dict[str, bytes]) -> None:
    """The same for a folder, which must not be there yet, or hold such files only."""
    if path.is_symlink() or (path.exists() and not (path.is_dir() and {each.name for each in path.iterdir()} <= set(files))):
        raise OutputError(f"{path} is there and something else: give another folder with `--out`")
    unfinished, old = beside(path, "unfinished"), beside(path, "replaced")
    try:
        unfinished.mkdir(parents=True)
        for name, content in files.items():
            write_whole(unfinished / name, content)
        if path.exists():
            move(path, old)
        move(unfinished, path)
    except OSError as error:
        remove(unfinished)
        raise unwritable(path, error, INSTEAD) from error
    remove(old)
