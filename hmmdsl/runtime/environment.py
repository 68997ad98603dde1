"""What a run depended on besides its spec: versions, processor, threads. No names or paths of the machine."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import MappingProxyType
from typing import Any

from hmmdsl.runtime.failures import OutputError
from hmmdsl.version import __version__

_PACKAGES = ("torch", "numpy", "scikit-learn", "scipy", "matplotlib", "pydantic", "lark", "safetensors")
_SAME = ("hmmdsl", "python", "torch", "numpy", "scikit-learn", "scipy", "processor", "kernels", "devices", "threads")
"""What must agree before two runs can be expected to agree to the bit."""


_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "devices": "another device",
        "processor": "another processor",
        "kernels": "other kernels of the processor",
        "threads": "another number of threads",
    }
)
"""What is different where one of these is, the farthest first; else versions are."""

_AVX2 = frozenset({"avx2", "fma"})
_AVX512 = _AVX2 | {"avx512f", "avx512vl", "avx512bw", "avx512dq"}

_ASKS: Mapping[str, Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "ATEN_CPU_CAPABILITY": {"avx2": _AVX2, "avx512": _AVX512},
        "OPENBLAS_CORETYPE": {
            **dict.fromkeys(("haswell", "zen"), _AVX2),
            "skylakex": _AVX512,
            **dict.fromkeys(("cooperlake", "sapphirerapids"), _AVX512 | {"avx512_bf16"}),
        },
    }
)
"""What the libraries take at its word and execute, by variable and value: the instructions, as Linux names them."""


def check_instructions() -> None:
    """Raise OutputError where a variable asks for instructions that this processor lacks: the first of them would end the process
    with SIGILL and no word. Where the system does not tell what its processor has, nothing is refused."""
    for variable, values in _ASKS.items():
        asked = os.environ.get(variable, "")
        needs, has = values.get(asked.lower(), frozenset()), _flags()
        if has and not needs <= has:
            raise OutputError(
                f"{variable}={asked} asks for instructions that this processor lacks ({', '.join(sorted(needs - has))}): "
                f"run `unset {variable}`"
            )


def _flags() -> frozenset[str]:
    """The instructions that the processor has; empty where that is not told."""
    return frozenset(_of_the_processor("flags").split())


def environment(devices: Mapping[str, str], threads: Mapping[str, int], kernels: str = "") -> dict[str, Any]:
    """What environment.json holds; `devices` and `threads` are those of each train, `kernels` those that computed the numbers."""
    found: dict[str, Any] = {
        "hmmdsl": __version__,
        "python": platform.python_version(),
        "system": platform.system(),
        "machine": platform.machine(),
        "processor": processor(),
        "kernels": kernels,
    }
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return {**found, "devices": dict(devices), "threads": dict(threads)}


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """In words, what differs between two environments among what can change a number."""
    return [f"{key}: {before.get(key, 'unknown')} then, {now.get(key, 'unknown')} now" for key in _different(before, now)]


def place_words(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """In a few words, how the place of a second run stands to that of the first: `same machine`, `another processor`, …"""
    different = _different(before, now)
    if not different:
        return "same machine"
    return next((words for key, words in _WORDS.items() if key in different), "other versions")


def _different(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Runs of earlier versions don't tell their kernels: then the processor decides."""
    return [key for key in _SAME if before.get(key) != now.get(key) and (key != "kernels" or before.get(key))]


def kernels() -> str:
    """Which instructions of the processor the numerical libraries use that are loaded: `torch AVX512, openblas SkylakeX`. They
    are chosen by the processor, or by `ATEN_CPU_CAPABILITY`, `OPENBLAS_CORETYPE` and `MKL_CBWR`."""
    return _kernels(tuple(name for name in ("numpy", "scipy", "torch") if name in sys.modules))


@cache
def _kernels(loaded: tuple[str, ...]) -> str:
    """Finding the libraries takes longer than a trivial stage, so it is done again only when another one has come."""
    found = []
    if "torch" in loaded:
        import torch

        found.append(f"torch {torch.backends.cpu.get_cpu_capability()}")
    if loaded:
        from threadpoolctl import threadpool_info

        blas = {f"{each['internal_api']} {each['architecture']}" for each in threadpool_info() if each.get("architecture")}
        found += sorted(blas)
    if "MKL_CBWR" in os.environ:
        found.append(f"MKL_CBWR={os.environ['MKL_CBWR']}")
    return ", ".join(found)


@cache
def processor() -> str:
    """The processor's model name."""
    return _of_the_processor("model name") or platform.processor() or platform.machine()


def _of_the_processor(field: str) -> str:
    """What Linux tells of the first processor; empty elsewhere."""
    if sys.platform == "linux":
        with suppress(OSError):
            for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
                if line.partition(":")[0].strip() == field:
                    return line.partition(":")[2].strip()
    return ""
