"""The faults of the writer's process: row, what befalls it, how, what holds besides, which tests.

`fault_rows.py` makes a chapter of them.
"""

from __future__ import annotations

AT_EVERY_CALL = "tests/stress/test_writer_kill_at_every_call.py"
STEPS = "tests/faults/test_kill_steps.py"
SIGNALS, STOP = "tests/process/test_signals.py", "tests/process/test_stop.py"

WRITER = [
    (
        "W1", "it is killed at any system call", "SIGKILL before the n-th, for every n",
        "rotation is finished or undone, no line is torn",
        ((AT_EVERY_CALL, "test_a_kill_at_a_sample_of_system_calls_is_recovered_from"),),
    ),
    (
        "W2", "it is killed between two steps, and so is the one that recovers",
        "SIGKILL at each pair of steps of rotation, recovery and leaving", "",
        ((STEPS, "test_a_sample_of_pairs_of_steps_is_recovered_from"),
         (STEPS, "test_every_pair_of_steps_is_recovered_from"),
         ("native/tests/redo_at_every_kill_point.c", "")),
    ),
]  # fmt: skip
