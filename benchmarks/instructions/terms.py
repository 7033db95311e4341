"""What the guard and the program that it measures agree on."""

from __future__ import annotations

# Each is a function of workload.py.
WORKLOADS = ("call", "disabled", "stdlib", "accelerated", "writer")

# A function of libc that nothing else calls: callgrind ends a part of its count on it.
MARK = "sched_get_priority_max"

# Exit statuses: the tree does not have the public name; the workload cannot be set up in it.
LACKS, UNFIT = 3, 4
