"""Build the one extension; everything else about the project stands in pyproject.toml."""

import os
from pathlib import Path

from setuptools import Extension, setup

ROOT = Path(__file__).parent
NATIVE = ROOT / "native"


def _under(folder: str, pattern: str) -> list[str]:
    return sorted(str(p.relative_to(ROOT)) for p in (NATIVE / folder).rglob(pattern))


# Builds for tests and benchmarks: with points at which a kill can be set off; without counting;
# with memory errors and undefined behaviour that end the process.
MACROS = [("MPL_FAULTS", "1")] if os.environ.get("MPLOG_BUILD_FAULTS") else []
if os.environ.get("MPLOG_BUILD_BARE"):
    MACROS.append(("MPL_BARE", "1"))
SANITIZE = ["-fsanitize=address,undefined"] if os.environ.get("MPLOG_BUILD_SANITIZE") else []
# As native/Makefile builds the same sources for coverage, so that both count the same branches.
COVER = []
if os.environ.get("MPLOG_BUILD_COVERAGE"):
    COVER = ["--coverage", "-O0", "-fprofile-update=atomic"]
    MACROS += [("MPL_FAULTS", "1"), ("MPL_COVERAGE", "1")]


setup(
    ext_modules=[
        Extension(
            "mplog._native",
            sources=_under("core", "*.c") + _under("python", "*.c"),
            depends=_under(".", "*.h") + _under(".", "*.def"),
            include_dirs=["native/include", "native/core"],
            define_macros=[("_GNU_SOURCE", "1"), *MACROS],
            extra_compile_args=[
                "-std=c11", "-O2", "-fvisibility=hidden", "-Wall", "-Wextra", "-Wshadow",
                "-Wno-unused-parameter", "-fno-asynchronous-unwind-tables", *SANITIZE, *COVER,
            ],
            extra_link_args=[*SANITIZE, *COVER],
        )
    ]
)
