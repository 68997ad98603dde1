"""A run folder without training, and packs of it with any one thing wrong."""

from __future__ import annotations

import json
import struct
import zipfile
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from hmmdsl.exchange.reading import read
from hmmdsl.files.sums import SUMS
from hmmdsl.runtime.run import write_inputs

SPEC = """\
import "parts/mine.hmm" as mine
param p = 1/3
process thrown = mine.coin(p)
model net: transformer { layers = 1, d_model = 8, context = 3 }
train fit { process = thrown, model = net, steps = 3 }
expect "it is not worse than guessing": fit.loss < 2
"""
PART = "hmm coin(p = 1/2) {\n  states A\n  tokens h, t\n  A -[h]-> A : p\n  A -[t]-> A : rest\n}\n"


def safetensors(seed: int = 0) -> bytes:
    """A file of one tensor of two floats."""
    header = b'{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}'
    return struct.pack("<Q", len(header)) + header + struct.pack("<2f", seed, 1.0)


def run_folder(folder: Path) -> Path:
    """What a run of SPEC leaves, its numbers invented."""
    source = folder / "source"
    (source / "parts").mkdir(parents=True)
    (source / "coins.hmm").write_text(SPEC)
    (source / "parts" / "mine.hmm").write_text(PART)
    run = folder / "coins-0123456789"
    run.mkdir()
    write_inputs(read(source / "coins.hmm", {"fit.steps": "4"}), run)
    (run / "log.jsonl").write_text(json.dumps({"time": 1.5, "event": "begin", "settings": {"fit.steps": "4"}}) + "\n")
    results = {"fit": {"loss": 0.7, "optimum": 0.6, "gap": 0.1, "parameters": 7}}
    claim = {"label": "", "claim": "fit.loss < 2", "holds": True, "measured": {"fit.loss": 0.7}, "reason": ""}
    for name, content in {"results": results, "claims": [claim], "facts": {}, "processes": {}, "environment": {}}.items():
        (run / f"{name}.json").write_text(json.dumps(content))
    (run / "report.html").write_text("<p>report</p>" * 100)
    for name, content in {"figures/a.svg": b"<svg/>" * 99, "figures/a.png": b"\x89PNG" + bytes(range(256))}.items():
        (run / name).parent.mkdir(exist_ok=True)
        (run / name).write_bytes(content)
    for step in (0, 4):
        place = run / "checkpoints" / "fit" / f"step_{step}.safetensors"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(safetensors(step))
    return run


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder but for the list of them, by its path from there."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != SUMS)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def forged(path: Path, files: Mapping[str, bytes], listed: Mapping[str, bytes] | None = None, **changed: Any) -> Path:
    """A zip with these files behind a manifest that lists them (or `listed`) rightly, as an attacker would write it."""
    sums = [
        {"path": name, "size": len(content), "sha256": sha256(content).hexdigest()} for name, content in (listed or files).items()
    ]
    manifest = {
        "format": 1,
        "hmmdsl": "0",
        "name": "x",
        "run": "x",
        "settings": {},
        "profile": None,
        "without": [],
        "files": sums,
    }
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("manifest.json", json.dumps({**manifest, **changed}))
        for name, content in files.items():
            entry = zipfile.ZipInfo("placeholder")
            entry.filename = entry.orig_filename = name  # the constructor would mend it
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return path
