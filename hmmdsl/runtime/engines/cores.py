"""How many processor cores this process may use."""

from __future__ import annotations

import os
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
"""Where Linux shows control groups, version 2."""

OWN_CGROUP = Path("/proc/self/cgroup")
"""Which of them this process belongs to."""


def available_cores() -> int:
    """The cores of the affinity mask (`taskset`, SLURM, Docker's --cpuset-cpus), or fewer if a control group's quota (Docker's
    --cpus, Kubernetes) allows less; at least 1."""
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = quota_cores()
    return max(1, affinity if quota is None else min(affinity, int(quota)))


def quota_cores(groups: Path = CGROUPS, own: Path = OWN_CGROUP) -> float | None:
    """The least `cpu.max` of this process' control group and those above it, in cores; None where nothing limits it.

    `cpu.max` is `max 100000` or a quota and a period in microseconds (Linux, admin-guide/cgroup-v2).
    """
    try:
        lines = own.read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    path = next((line.removeprefix("0::") for line in lines if line.startswith("0::")), "/")
    group = groups / path.strip("/")
    limits = []
    for folder in (group, *group.parents):
        try:
            quota, _, period = (folder / "cpu.max").read_text(encoding="utf-8").partition(" ")
            if quota != "max":
                limits.append(float(quota) / float(period or 100_000))
        except (OSError, ValueError, ZeroDivisionError):
            pass  # the root group has none, and neither have machines without control groups
        if folder == groups:
            break
    return min(limits, default=None)
