"""The kinds of input that are damaged, each with its seeds and with what must hold of every case.

A case that raises anything but a message is a defect; so is a spec that `fmt` does not leave alone the second time.
"""

from __future__ import annotations

import copy
import io
import json
import random
import re
import shutil
import sys
import zipfile
from abc import ABC, abstractmethod
from contextlib import closing, suppress
from fractions import Fraction
from functools import cached_property, partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from typer.testing import CliRunner

from hmmdsl.analysis import kinds
from hmmdsl.cli.app import app
from hmmdsl.cli.check import check_file
from hmmdsl.cli.fmt import format_stdin
from hmmdsl.exchange.exporting import labelled_matrices
from hmmdsl.exchange.finding import find_processes
from hmmdsl.exchange.importing import imported
from hmmdsl.exchange.loading import load_run
from hmmdsl.exchange.packing.opening import compile_pack, unpack
from hmmdsl.exchange.packing.writing import pack
from hmmdsl.language.diagnostics import Diagnostics, SpecError
from hmmdsl.language.elaborate import compile_file
from hmmdsl.language.experiment_file import write_experiment
from hmmdsl.language.messages.render import render
from hmmdsl.language.parser import parse
from hmmdsl.language.source import Source
from hmmdsl.language.syntax import File
from hmmdsl.runtime.failures import OutputError
from hmmdsl.runtime.store.store import Key, Store
from tests.exchange.packing.packed_runs import forged, run_folder
from tests.fuzz import mutations

ROOT = Path(__file__).parents[2]


class Kind(ABC):
    """A kind of input: `made` damages one of its seeds, `tried` gives it to hmmdsl and raises where that is a defect."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @abstractmethod
    def made(self, rng: random.Random) -> bytes: ...

    @abstractmethod
    def tried(self, case: bytes) -> None: ...


class Specs(Kind):
    """Specs: those of specs/, the library, and the examples of every message's page."""

    @cached_property
    def seeds(self) -> list[str]:
        files = [*ROOT.glob("specs/**/*.hmm"), *ROOT.glob("hmmdsl/library/**/*.hmm")]
        pages = [page.read_text() for page in ROOT.glob("hmmdsl/language/messages/codes/*.md")]
        examples = [example for page in pages for example in re.findall(r"```hmm\n(.*?)```", page, re.DOTALL)]
        # Long ones are as many as short ones are in what they say, and take longer: one in a hundred cases is one of them.
        return sorted(examples) + sorted(path.read_text() for path in files)

    @cached_property
    def pool(self) -> list[str]:
        words = {word for seed in self.seeds for word in mutations.TOKENS.findall(seed) if not word.isspace()}
        return sorted(words)

    def made(self, rng: random.Random) -> bytes:
        short = [seed for seed in self.seeds if len(seed) < 600]
        seed = rng.choice(short if rng.random() < 0.9 else self.seeds)
        if rng.random() < 0.1:
            seed += "\n" + rng.choice(short)
        return mutations.text(rng, seed, self.pool).encode("utf-8", "surrogatepass")

    def tried(self, case: bytes) -> None:
        path = self.folder / "case.hmm"
        path.write_bytes(case)
        checked = check_file(path, 10_000)
        for diagnostic in checked.diagnostics:
            assert diagnostic.code
            assert diagnostic.message
            render(diagnostic)
        if not any(diagnostic.code.startswith(("E00", "E01")) for diagnostic in checked.diagnostics):
            kept_by_fmt(case)  # what does not parse is left alone by fmt


def kept_by_fmt(content: bytes) -> None:
    """What parses is written so that it parses to the same, and the second time it stays as it is."""
    once = format_stdin(content)
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(20_000)  # it is the comparison here that goes deep
    try:
        assert tree(once) == tree(content.decode()), f"fmt changes the meaning: {once!r}"
    finally:
        sys.setrecursionlimit(limit)
    assert format_stdin(once.encode()) == once, f"fmt changes what it wrote: {once!r}"


def tree(text: str) -> File:
    """The syntax tree of a text without mistakes."""
    diagnostics = Diagnostics()
    found = parse(Source("case.hmm", text), diagnostics)
    diagnostics.raise_if_errors()
    return found


class Experiments(Kind):
    """experiment.yaml of every spec."""

    @cached_property
    def seeds(self) -> list[Any]:
        specs = sorted(ROOT.glob("specs/**/*.hmm"))
        experiments = [compile_file(path, kinds(), profile="smoke").experiment for path in specs]
        return [yaml.safe_load(write_experiment(each)) for each in experiments]

    def made(self, rng: random.Random) -> bytes:
        if rng.random() < 0.2:
            return mutations.raw(rng, written(rng.choice(self.seeds)))
        return written(mutations.data(rng, copy.deepcopy(rng.choice(self.seeds))))

    def tried(self, case: bytes) -> None:
        path = self.folder / "case.yaml"
        path.write_bytes(case)
        for diagnostic in check_file(path, 10_000).diagnostics:
            render(diagnostic)


def written(plain: Any) -> bytes:
    """Plain data as YAML."""
    return bytes(yaml.dump(plain, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper), encoding="utf-8"))


class Matrices(Kind):
    """Matrices in JSON, as `import` reads them."""

    @cached_property
    def seeds(self) -> list[Any]:
        names = ("rrxor", "even", "mess3", "bloch_walk")
        return [
            labelled_matrices(process) for name in names for process in find_processes("std.processes", name, {}, None).values()
        ]

    def made(self, rng: random.Random) -> bytes:
        if rng.random() < 0.2:
            return mutations.raw(rng, json.dumps(rng.choice(self.seeds)).encode())
        return json.dumps(mutations.data(rng, copy.deepcopy(rng.choice(self.seeds)))).encode()

    def tried(self, case: bytes) -> None:
        path = self.folder / "case.json"
        path.write_bytes(case)
        with suppress(OutputError, SpecError):
            imported(path)


class Arrays(Matrices):
    """Matrices in npz files."""

    def made(self, rng: random.Random) -> bytes:
        if rng.random() < 0.5:
            size, tokens, weights = (rng.choice((1, 2, 8)) for _ in range(3))
            uniform = np.full((size, size), 1 / size / tokens)
            matrix = rng.choice((np.eye(size), np.ones((size, size)), np.zeros((size, size)), uniform))
            arrays = {"T": np.broadcast_to(matrix, (tokens, size, size)), "start": np.ones(weights)}
        else:
            arrays = {name: np.asarray(value) for name, value in rng.choice(self.numeric).items()}
        if rng.random() < 0.5:
            name = rng.choice(list(arrays))
            arrays[name] = rng.choice(
                (
                    arrays[name].astype("f4"),
                    arrays[name] * np.nan,
                    -arrays[name],
                    arrays[name].T,
                    arrays[name].ravel(),
                    arrays[name] * 1e300,
                )
            )
        file = io.BytesIO()
        np.savez(file, **arrays)
        return mutations.raw(rng, file.getvalue()) if rng.random() < 0.6 else file.getvalue()

    @cached_property
    def numeric(self) -> list[dict[str, Any]]:
        return [
            {"T": [[[float(Fraction(str(x))) for x in row] for row in matrix] for matrix in seed["T"]]}
            for seed in self.seeds
            if "T" in seed
        ]

    def tried(self, case: bytes) -> None:
        path = self.folder / "case.npz"
        path.write_bytes(case)
        with suppress(OutputError, SpecError):
            imported(path)


class Packs(Kind):
    """Packs: their bytes, and their files behind a manifest that lists them rightly."""

    @cached_property
    def files(self) -> dict[str, bytes]:
        folder = self.folder / "packed"
        run = run_folder(folder)
        archive = folder / "x.hmmz"
        pack(run, archive)
        with zipfile.ZipFile(archive) as opened:
            return {name: opened.read(name) for name in opened.namelist() if name != "manifest.json"}

    @cached_property
    def whole(self) -> bytes:
        return forged(self.folder / "whole.hmmz", self.files).read_bytes()

    def made(self, rng: random.Random) -> bytes:
        if rng.random() < 0.5:
            return mutations.raw(rng, self.whole)
        files = dict(self.files)
        for _ in range(rng.choice((1, 1, 2))):
            name = rng.choice(sorted(files))
            if name.endswith(".json") and rng.random() < 0.7:
                files[name] = json.dumps(mutations.data(rng, json.loads(self.files[name]))).encode()
            elif name.endswith((".hmm", ".yaml")):
                words = mutations.TOKENS.findall(self.files[name].decode())
                files[name] = mutations.text(rng, self.files[name].decode(), words).encode("utf-8", "surrogatepass")
            elif rng.random() < 0.3:
                files[rng.choice(("../x", "/x", "a/../b", "x" * 300, "spec.hmm/x", "\u202ex", ""))] = files.pop(name)
            else:
                files[name] = mutations.raw(rng, files[name])
        return forged(self.folder / "made.hmmz", files).read_bytes()

    def tried(self, case: bytes) -> None:
        path, out = self.folder / "case.hmmz", self.folder / "out"
        path.write_bytes(case)
        with suppress(OutputError, SpecError):
            compile_pack(path, {}, None, 10_000)
        with suppress(OutputError, SpecError):
            unpack(path, out)
        if out.is_dir():
            with suppress(OutputError, SpecError):
                load_run(out)
            shutil.rmtree(out)


class Stores(Kind):
    """A store with four entries, one file of which is damaged, gone, or something else; the index among them."""

    @cached_property
    def whole(self) -> Path:
        folder = self.folder / "whole"
        with closing(Store.open(folder)) as store:
            for k, kind in enumerate(("train", "analysis", "figures", "process")):
                store.obtain(self.key(k, kind), partial(_write, k=k))
        return folder

    @staticmethod
    def key(k: int, kind: str) -> Key:
        return Key(sha256(f"entry {k}".encode()).hexdigest(), kind, f"stage{k}", "spec")

    def made(self, rng: random.Random) -> bytes:
        path = rng.choice(sorted(path for path in self.whole.rglob("*") if path.is_file()))
        content = path.read_bytes()
        if path.suffix == ".json" and rng.random() < 0.6:
            content = json.dumps(mutations.data(rng, json.loads(content))).encode()
        else:
            content = mutations.raw(rng, content)
        how = rng.choice(("write", "write", "write", "write", "remove", "folder", "link"))
        return json.dumps({"path": path.relative_to(self.whole).as_posix(), "how": how, "content": content.hex()}).encode()

    def tried(self, case: bytes) -> None:
        damage, folder = json.loads(case), self.folder / "store"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.whole, folder)
        path = folder / damage["path"]
        path.parent.chmod(0o755)
        path.unlink()
        match damage["how"]:
            case "write":
                path.write_bytes(bytes.fromhex(damage["content"]))
            case "folder":
                path.mkdir()
            case "link":
                path.symlink_to(folder / "nowhere")
        for arguments in (["list"], ["list", "--json"], ["size"], ["verify"], ["prune", "--unused", "1d"], ["list"]):
            done = CliRunner().invoke(app, ["store", *arguments, "--store", str(folder)], env={"HMMDSL_DEBUG": "1"})
            if done.exception is not None and not isinstance(done.exception, SystemExit):
                raise done.exception
            assert done.exit_code in (0, 1, 2), done.output
        with suppress(OutputError), closing(Store.open(folder)) as store:
            store.warn = lambda message: None
            for k, kind in enumerate(("train", "analysis", "figures", "process")):
                entry = store.obtain(self.key(k, kind), partial(_write, k=k))
                assert (entry.entry.folder / "f").read_bytes() == bytes([k]) * 100, "another content than was made"


def _write(folder: Path, k: int) -> dict[str, int]:
    (folder / "f").write_bytes(bytes([k]) * 100)
    return {"k": k}


KINDS: dict[str, type[Kind]] = {
    "specs": Specs,
    "yaml": Experiments,
    "json": Matrices,
    "npz": Arrays,
    "packs": Packs,
    "stores": Stores,
}
"""Every kind by its name on the command line."""
