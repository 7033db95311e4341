"""How much memory this process has, as the kernel counts it."""

from __future__ import annotations

import re

KIB = 1024
MAPPING = re.compile(r"^[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \d+ *(.*)$")


def resident(segments: str) -> dict[str, int]:
    """Bytes in memory: all but what is mapped from below *segments*, the part of that which no
    other process has, and what is mapped from there.
    """
    with open("/proc/self/smaps", encoding="utf-8") as smaps:
        return counted(smaps.read(), segments)


def counted(smaps: str, segments: str) -> dict[str, int]:
    """The same from the text of a smaps file."""
    above = private = lane = 0
    of_segment = False
    for line in smaps.splitlines():
        if mapping := MAPPING.match(line):
            of_segment = mapping[1].startswith(segments)
            continue
        key, _, rest = line.partition(":")
        if key == "Rss":
            size = int(rest.split()[0]) * KIB
            lane, above = (lane + size, above) if of_segment else (lane, above + size)
        elif key in ("Private_Clean", "Private_Dirty") and not of_segment:
            private += int(rest.split()[0]) * KIB
    return {"above_bytes": above, "private_bytes": private, "lane_bytes": lane}
