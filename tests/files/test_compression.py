"""Both kinds of compression write what others read, and tell damage as such."""

from __future__ import annotations

import gzip
import os
import subprocess

import pytest

from mplog.files import compression
from mplog.files.compression import CHUNK_BYTES, ENDINGS, NoZstd, compressor, decompressed

TEXT = b"".join(b'{"n":%d,"text":"one of many"}\n' % n for n in range(100_000))
kinds = pytest.mark.parametrize("kind", list(ENDINGS))


def packed(kind, data=TEXT):
    made = compressor(kind)
    pieces = [made.compress(data[at : at + CHUNK_BYTES]) for at in range(0, len(data), CHUNK_BYTES)]
    return b"".join([*pieces, made.flush()])


def read_all(path, kind):
    fd = os.open(path, os.O_RDONLY)
    try:
        read = decompressed(fd, ENDINGS[kind])
        pieces = list(iter(read, b""))
        os.fstat(fd)  # still open, and the caller's
    finally:
        os.close(fd)
    return b"".join(pieces)


@kinds
@pytest.mark.parametrize("data", [TEXT, b"", b"x"], ids=["long", "empty", "short"])
def test_what_was_written_is_read(tmp_path, kind, data):
    """In chunks, the empty file too."""
    path = tmp_path / "a"
    path.write_bytes(packed(kind, data))

    assert data == read_all(path, kind)


@kinds
def test_several_members_are_one_file(tmp_path, kind):
    """As `cat a.gz b.gz` makes them."""
    path = tmp_path / "a"
    path.write_bytes(packed(kind, b"one\n") + packed(kind, b"two\n"))

    assert b"one\ntwo\n" == read_all(path, kind)


def test_gzip_reads_it(tmp_path):
    """The tool that everybody has, and Python's own module."""
    path = tmp_path / "a.gz"
    path.write_bytes(packed("gzip"))
    done = subprocess.run(["gzip", "-dc", str(path)], capture_output=True, check=True)

    assert TEXT == gzip.decompress(path.read_bytes()) == done.stdout


@kinds
@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-9],
        lambda data: data[: len(data) // 2],
        lambda data: data[:1000] + bytes(99) + data[1099:],
        lambda data: b"no archive at all" + data,
    ],
    ids=["end", "half", "middle", "beginning"],
)
def test_damage_is_an_oserror(tmp_path, kind, damage):
    """What is cut off or overwritten is told, and never taken for the end."""
    path = tmp_path / "a"
    path.write_bytes(damage(packed(kind)))

    with pytest.raises(OSError):  # noqa: PT011 - three libraries, three texts
        read_all(path, kind)


def test_without_a_library_for_zstd_it_is_said(monkeypatch):
    """By name, with what to install; gzip goes on."""
    monkeypatch.setattr(compression, "ZSTD_LIBRARIES", ("no_such_package.zstd",))

    assert compressor("gzip")
    with pytest.raises(NoZstd, match=r"mplog\[zstd\]"):
        compressor("zstd")
    with pytest.raises(NoZstd, match=r"mplog\[zstd\]"):
        decompressed(0, ".zst")
