"""What counts as a worker's memory, and what as its lane."""

from __future__ import annotations

from resident import counted, resident

SMAPS = """\
559a00000000-559a00001000 r-xp 00000000 fe:00 1234    /usr/bin/python3
Size:                 40 kB
Rss:                  40 kB
Private_Clean:         0 kB
Private_Dirty:         0 kB
7f0000000000-7f0000100000 rw-s 00000000 00:1a 77      /dev/shm/place/segment 0
Size:               1024 kB
Rss:                 512 kB
Private_Clean:         0 kB
Private_Dirty:       512 kB
7f0000200000-7f0000300000 rw-p 00000000 00:00 0
Rss:                  16 kB
Private_Clean:         4 kB
Private_Dirty:         8 kB
VmFlags: rd wr mr
"""


def test_the_lane_is_told_apart_from_the_rest() -> None:
    """Mappings from below the segments' directory are no memory of the worker's own."""
    found = counted(SMAPS, "/dev/shm/place")

    assert {
        "above_bytes": 56 * 1024, "private_bytes": 12 * 1024, "lane_bytes": 512 * 1024,
    } == found  # fmt: skip


def test_this_process_has_memory_and_no_lane() -> None:
    """The kernel's own text is understood."""
    found = resident("/no/such/directory")

    assert found["above_bytes"] > found["private_bytes"] > 0
    assert 0 == found["lane_bytes"]
