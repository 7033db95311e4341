"""The faults of the writer's process: row, what befalls it, how, what holds besides, which tests.

`fault_rows.py` makes a chapter of them.
"""

from __future__ import annotations

AT_EVERY_CALL = "tests/stress/test_writer_kill_at_every_call.py"
STEPS = "tests/faults/test_kill_steps.py"
SIGNALS, STOP = "tests/process/test_signals.py", "tests/process/test_stop.py"
OTHERS, TWO = "tests/process/test_writer_signals.py", "tests/process/test_two_writers.py"
BOUNDS = "tests/process/test_writer_bounds.py"
OWNERSHIP = "tests/process/test_ownership.py"

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
    (
        "W3", "it stands still", "SIGSTOP for a second; a minute",
        "nobody starts a second one",
        ((OTHERS, "test_a_writer_that_stands_still_is_not_doubled"),),
    ),
    (
        "W3", "it is told to stop, once and twice, by its group", "SIGTERM, SIGINT", "",
        ((SIGNALS, "test_term_ends_a_writer_and_producers_start_another"),
         (SIGNALS, "test_a_writer_told_to_stop_leaves_when_the_last_one_has"),
         (STOP, "test_the_second_sigterm_ends_it_at_once"),
         (STOP, "test_a_groups_signal_is_one_wish"),
         (STOP, "test_a_writer_that_cannot_hear_is_ended")),
    ),
    (
        "W3", "signals that are none of its business",
        "SIGPIPE, SIGINT, SIGCHLD, SIGWINCH, SIGTTOU",
        "the same writer goes on",
        ((OTHERS, "test_signals_that_mean_nothing_to_it_change_nothing"),),
    ),
    (
        "W3", "SIGHUP, SIGUSR1, SIGUSR2", "`kill`, to it and to its supervisor",
        "the file is opened anew, or set aside",
        ((SIGNALS, "test_a_moved_file_is_left_and_a_new_one_begun"),
         (SIGNALS, "test_usr2_sets_the_file_aside_now")),
    ),
    (
        "W4", "two are started at once", "processes that configure at the same moment; 100 times",
        "one is made",
        ((TWO, "test_a_race_of_two_has_one_winner_each_time"),
         ("tests/process/test_start_methods.py", "test_a_race_of_configure_leads_to_one_writer"),
         ("tests/writer/test_supervisor.py", "test_a_second_supervisor_leaves_at_once")),
    ),
    (
        "W4", "the lock is deleted, stale, or another service's",
        "`unlink` under load; other places",
        "it is made again; who comes from elsewhere is refused",
        ((TWO, "test_a_deleted_lock_lets_nobody_in"),
         (OWNERSHIP, "test_another_directory_is_refused_too"),
         ("tests/ring/test_ownership.py", "test_it_is_free_when_the_holder_is_gone")),
    ),
    (
        "W5", "it is restarted again and again", "SIGTERM twice, beside eight processes that log",
        "",
        ((OTHERS, "test_restarts_under_load_lose_nothing"),),
    ),
    (
        "W6", "it has no descriptors left", "`prlimit` while it runs, below what it has open",
        "it goes on in its file; the rotation that cannot be made is told, and made later",
        ((BOUNDS, "test_a_writer_without_descriptors_goes_on_in_its_file"),),
    ),
    (
        "W6", "it is to start with few descriptors", "`RLIMIT_NOFILE` of 4, 5, 6, … 39",
        "the program runs to its end; what is accepted is there, at the latest by the next run",
        ((BOUNDS, "test_a_program_with_few_descriptors_runs_and_loses_nothing"),),
    ),
    (
        "W7", "it gets no memory", "the OOM killer, in a memory cgroup of 64 MiB, again and again",
        "the event at which it dies is not put aside for that",
        ((BOUNDS, "test_a_writer_that_the_oom_killer_ends_is_back"),
         ("tests/process/test_poison.py",
          "test_a_writer_that_is_killed_at_an_event_does_not_poison_it")),
    ),
    (
        "W8", "it has no rights but a user's own", "`setpriv` to nobody",
        "its files stay its own through rotation",
        ((BOUNDS, "test_a_writer_of_nobody_rotates_its_files"),
         ("tests/process/test_forks.py", "test_a_child_that_drops_its_uid_goes_on_logging")),
    ),
]  # fmt: skip
