"""On what the figures were taken: the machine, the versions, and how quiet it was meanwhile."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import platform
import subprocess
import time
from pathlib import Path
from typing import Any

PACKAGES = (
    "mplog", "msgspec", "loguru", "concurrent-log-handler", "structlog", "picologging", "logbook",
)  # fmt: skip
SPIN_STEPS = 200_000
GIB = 1 << 30
ROOT = Path(__file__).resolve().parents[1]


def machine() -> dict[str, Any]:
    """The processor, its cores, memory, kernel and C library; nothing that names the computer."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(pages / GIB),
        "architecture": platform.machine(),
        "kernel": f"{platform.system()} {platform.release()}",
        "libc": " ".join(platform.libc_ver()),
        "virtual": "hypervisor" in _cpu_field("flags").split(),
    }


def _cpu() -> str:
    return _cpu_field("model name") or platform.processor() or platform.machine()


def _cpu_field(name: str) -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == name:
                return value.strip()
    return ""


def versions() -> dict[str, str]:
    """Of the interpreter, of mplog (and the commit it was built from), of every peer installed."""
    found = {"CPython": platform.python_version()}
    for name in PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    found["commit"] = _commit()
    return found


def _commit() -> str:
    try:
        head = _git("rev-parse", "--short=10", "HEAD")
        changed = _git("status", "--porcelain", "--untracked-files=no", "--", "mplog", "native")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{head} with changes" if changed else head


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], capture_output=True, text=True, check=True, cwd=ROOT)
    return done.stdout.strip()


def spin_ms() -> float:
    """How long a fixed piece of Python work takes: where this varies, the machine was not quiet."""
    start_s = time.perf_counter()
    total = 0
    for step in range(SPIN_STEPS):
        total += step & 7
    return (time.perf_counter() - start_s) * 1_000


def file_system(directory: str) -> str:
    """The type of the file system that *directory* is on."""
    here, best = os.path.realpath(directory), ("", "unknown")
    with contextlib.suppress(OSError):
        for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines():
            _, mounted, kind, *_ = line.split()
            below = here == mounted or here.startswith(mounted.rstrip("/") + "/")
            if below and len(mounted) >= len(best[0]):
                best = (mounted, kind)
    return best[1]


def load() -> float:
    """How many processes wanted a core over the last minute."""
    return os.getloadavg()[0]
