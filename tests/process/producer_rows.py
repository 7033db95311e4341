"""The faults of programs that log, and of their shared memory: row, what, how, what holds, tests.

`fault_rows.py` makes two chapters of them.
"""

from __future__ import annotations

EVERY_STEP = "native/tests/a_kill_at_every_instruction_of_a_publish.c"
TRIPLES = "native/tests/a_kill_at_every_triple_of_points.c"
KILLS, STORMS = "tests/process/test_kills.py", "tests/stress/test_kill_storms.py"
BELL, OWNERSHIP = "tests/ring/test_bell.py", "tests/ring/test_ownership.py"
SMALL, NO_HARM = "tests/process/test_small_memory.py", "tests/process/test_no_harm.py"
MANY, RELIC = "tests/process/test_many.py", "tests/ring/test_relic.py"
CUT = "tests/stress/test_cut_segment.py"
FORKS, STARTS = "tests/process/test_forks.py", "tests/process/test_start_methods.py"
BOUNDED, ODD = "tests/process/test_producers_bounded.py", "tests/process/test_odd_moments.py"
MATRIX, HOSTILE = "tests/process/test_fork_matrix.py", "tests/stress/test_hostile_lane.py"
CONTENT, CALLS = "tests/stress/test_content_storm.py", "tests/producer/test_log_call.py"

PRODUCERS = [
    (
        "P1", "it is killed at any instruction of a log call",
        "single steps by `ptrace`, then SIGKILL; for every step",
        "the lane reads as if the event had never been, or is whole; the next one takes it over",
        ((EVERY_STEP, ""),),
    ),
    (
        "P2", "several are killed, and the writer, and the one that recovers",
        "SIGKILL at named points, every triple of them",
        "each producer's order, and what each session's end says",
        ((TRIPLES, ""),),
    ),
    (
        "P3", "workers are killed at random", "SIGKILL again and again, and new ones; seeded",
        "each loses the event at most that it was logging",
        ((KILLS, "test_killed_workers_lose_nothing_they_had_accepted"),
         (STORMS, "test_short_storm_loses_and_doubles_nothing"),
         (STORMS, "test_long_storm_loses_and_doubles_nothing")),
    ),
    (
        "P4", "it stands still in the middle of a log call",
        "single steps by `ptrace`, for longer than the writer waits for it; then it goes on",
        "the others' events come out meanwhile, its own comes once, marked as late",
        (("native/tests/a_producer_that_stands_still_anywhere.c", ""),),
    ),
    (
        "P5", "it forks while another thread logs", "`os.fork` in a loop beside two threads",
        "nobody hangs, each child has a session of its own",
        ((FORKS, "test_a_fork_while_another_thread_logs_hangs_nobody"),
         (FORKS, "test_a_fork_that_python_does_not_see_gets_its_own_session")),
    ),
    (
        "P5", "a fork bomb", "forks, also by all children, until `pids.max` of a cgroup refuses",
        "a writer that is killed meanwhile is back within a second of there being room for it",
        ((BOUNDED, "test_a_fork_bomb_in_its_bounds_loses_nothing"),),
    ),
    (
        "P5", "its workers are started in any way",
        "fork, spawn, forkserver; `multiprocessing`, `multiprocess`, executors, `loky`",
        "each session ends clean",
        ((STARTS, "test_children_of_every_start_method_log_by_themselves"),
         (STARTS, "test_workers_of_an_executor_log_by_themselves"),
         (ODD, "test_workers_of_loky_log_by_themselves")),
    ),
    (
        "P6", "it ends without a goodbye",
        "`os._exit`, a segfault, the OOM killer in a memory cgroup of 64 MiB",
        "its end is told in the log, with what the kernel says of it",
        ((BOUNDED, "test_what_a_process_had_logged_before_its_sudden_end_is_there"),),
    ),
    (
        "P7", "it logs in a signal handler",
        "an interval timer, hundreds of times; forks in it, too",
        "no deadlock",
        ((FORKS, "test_a_signal_handler_may_log"),
         (MATRIX, "test_a_fork_in_a_signal_handler_disturbs_no_call")),
    ),
    (
        "P7", "it logs in `__del__`, at the end of a thread, within another log call",
        "thread-local values; cycles that the collector finds inside a `__repr__`", "",
        ((ODD, "test_what_dies_with_a_thread_may_log"),
         (ODD, "test_what_is_collected_within_a_log_call_may_log")),
    ),
    (
        "P7", "it logs while the interpreter shuts down",
        "atexit, `__del__`, a thread that runs on",
        "",
        ((FORKS, "test_what_is_logged_at_the_very_end_arrives"),
         (FORKS, "test_a_finalizer_at_shutdown_may_log")),
    ),
    (
        "P7", "a subinterpreter imports mplog", "`_xxsubinterpreters`, `_interpreters`",
        "refused with ImportError; the main one logs on (free-threaded builds are not tested)",
        ((MATRIX, "test_a_subinterpreter_is_refused_and_harms_nobody"),),
    ),
    (
        "P8", "its pid is given again",
        "`ns_last_pid` in a pid namespace; also beside a writer that "
        "stands still",
        "each process has a session of its own; no end is told as another's",
        (("tests/process/test_pid_reuse.py", "test_processes_of_one_pid_are_told_apart"),),
    ),
    (
        "P9", "it writes anything into its own lane",
        "random bytes; positions put back and far ahead; forged lengths, numbers, sessions, gaps",
        "the lane is set aside and told; what it logs next arrives, through another lane",
        ((HOSTILE, "test_a_lane_that_cannot_be_right_is_set_aside_and_told"),
         (HOSTILE, "test_random_bytes_in_a_lane_harm_nobody_else"),
         (HOSTILE, "test_random_bytes_of_many_vandals_harm_nobody_else"),
         ("native/tests/a_ruined_epoch_gives_no_session_twice.c", "")),
    ),
    (
        "P9", "it cuts the file of the lanes to nothing", "`ftruncate` to 0 under load",
        "other services lose nothing; those whose lane was cut away are ended by SIGBUS",
        ((CUT, "test_a_truncated_segment_harms_no_other_service"),),
    ),
    (
        "P10", "it logs values of any kind",
        "a megabyte, 10,000 keys, depth 1,000, loops, bytes, surrogates, NaN, 2^64+1, a `__repr__` "
        "that raises, logs, forks, recurses; hypothesis",
        "one event each, cut and marked where it is too large",
        ((CONTENT, "test_hostile_values_are_each_one_event"),
         ("tests/event/test_sanitise.py", "test_a_value_looks_the_same_on_both_paths")),
    ),
    (
        "P10", "a `__repr__` never ends", "an endless loop in a value",
        "its own thread alone waits; what a signal handler raises ends it",
        ((ODD, "test_a_text_that_never_comes_holds_its_own_thread_alone"),
         (CALLS, "test_what_a_signal_handler_raises_reaches_the_program_and_doubles_nothing")),
    ),
    (
        "P11", "the wall clock is set: back, ahead, to 1970, 2106, over summer time, a leap second",
        "`LD_PRELOAD`, in all processes of a service, under load",
        "order, durable calls; an hour that is over makes one archive at most",
        (("tests/process/test_clock_steps.py",
          "test_a_clock_that_is_set_disturbs_neither_order_nor_rotation"),),
    ),
    (
        "P11", "its monotonic clock is another", "`unshare --time`: years ahead, or just booted",
        "waits end",
        (("tests/process/test_time_namespaces.py",
          "test_processes_of_two_time_namespaces_share_a_log"),),
    ),
]  # fmt: skip

MEMORY = [
    (
        "R1", "any bit is another",
        "each bit of the header, of a control page, of records, of bell and journal",
        "nothing is read out of bounds, and the service gets to its end",
        (("native/tests/every_bit_flip_is_survived.c", ""),),
    ),
    (
        "R2", "any bytes at all", "libFuzzer with ASan and UBSan: `make fuzz`",
        "no crash, no endless loop",
        tuple((f"native/fuzz/{name}.c", "")
              for name in ("header", "lane", "overflow", "frames", "journal")),
    ),
    (
        "R3", "shared memory is full", "tmpfs of a megabyte",
        "never SIGBUS; what is lost is told and counted",
        ((SMALL, "test_a_crowd_in_a_megabyte_ends_well"),
         (SMALL, "test_a_directory_that_is_full_is_told_and_logs_again_when_there_is_room"),
         ("native/tests/a_small_tmpfs_gives_smaller_lanes.c", "")),
    ),
    (
        "R3", "the file of the lanes is cut to nothing", "`truncate` while workers log",
        "the writer and other services go on; a worker whose own lane was cut is ended by SIGBUS",
        ((CUT, "test_a_truncated_segment_harms_no_other_service"),
         (CUT, "test_a_segment_that_nobody_can_read_is_passed_over"),
         ("native/tests/a_truncated_segment_does_not_end_the_writer.c", "")),
    ),
    (
        "R4", "/dev/shm is small, or not there", "mount namespaces",
        "a hundred processes in a container's 64 MB; without any, the lanes lie beside the log",
        ((NO_HARM, "test_a_containers_shared_memory_serves_a_hundred_processes"),
         (NO_HARM, "test_one_megabyte_of_shared_memory_is_enough"),
         (NO_HARM, "test_without_any_shared_memory_the_lanes_lie_beside_the_log")),
    ),
    (
        "R5", "its files, or their directory, are removed", "`rm` under load", "they are made anew",
        ((MANY, "test_removed_files_are_made_again_and_nothing_is_lost"),
         (MANY, "test_a_removed_directory_is_made_again_and_nothing_is_lost")),
    ),
    (
        "R5", "a name is taken: by a link, a fifo, broken bytes, another user",
        "made before the service is",
        "nothing is followed or taken over; whose it is is told",
        ((OWNERSHIP, "test_a_link_in_its_place_is_not_followed"),
         (OWNERSHIP, "test_a_fifo_in_its_place_holds_nobody_up"),
         (OWNERSHIP, "test_another_user_learns_whose_the_file_is_and_cannot_lock_it"),
         (BELL, "test_broken_bytes_are_refused_and_kept")),
    ),
    (
        "R6", "a lane is full", "SIGSTOP for the writer; each policy",
        "what is dropped is told with its exact number",
        ((KILLS, "test_a_stopped_writer_costs_announced_events_only"),
         ("tests/process/test_overflow.py",
          "test_while_the_writer_stands_still_events_go_into_the_overflow"),
         ("tests/process/test_drop_oldest.py", "test_the_newest_events_stay_and_the_loss_is_told")),
    ),
    (
        "R7", "positions wrap", "lanes begun near 2^32, 2^63 and 2^64", "",
        (("native/tests/positions_cross_powers_of_two.c", ""),),
    ),
    (
        "R8", "another version's layout", "golden files of each; an unknown number",
        "refused and kept; what was unread can be got out",
        ((RELIC, "test_a_service_beside_an_old_one_tells_it_and_leaves_it"),
         (RELIC, "test_an_unknown_layout_is_refused"),
         (RELIC, "test_log_and_recovered_events_together_are_whole")),
    ),
    (
        "R9", "memory is seen in another order", "ThreadSanitizer; models searched by `spin`",
        "on x86-64; other processors by argument alone",
        (("native/tests/threads_tsan.c", ""), ("native/model/commit.pml", "")),
    ),
]  # fmt: skip
