"""The faults of files and file systems: row, what befalls them, how, what holds, which tests.

`fault_rows.py` makes a chapter of them.
"""

from __future__ import annotations

FULL, BROKEN, DENIED = (f"tests/process/test_fs_{name}.py" for name in ("full", "broken", "denied"))
SICK = "tests/process/test_sick_file.py"
OTHERS, ARCHIVES = "tests/process/test_others.py", "tests/process/test_others_archives.py"
LOGROTATE, EVERY = "tests/stress/test_logrotate.py", "tests/faults/test_every_call.py"

FILES = [
    (
        "F1", "the disk is full", "tmpfs with `size=`, filled up, then larger",
        "the batch that was cut by it is completed",
        ((FULL, "test_a_full_disk_is_waited_for"),
         (FULL, "test_a_disk_that_is_full_again_and_again_loses_nothing"),
         ("tests/stress/test_full_disk.py",
          "test_a_disk_that_was_full_loses_nothing_that_the_lanes_can_hold")),
    ),
    (
        "F1", "others fill it between two looks at what is free", "tmpfs with a ballast in it",
        "the oldest archives go at once, and no more than must",
        ((FULL, "test_archives_that_are_not_to_stay_make_room_on_a_full_disk"),),
    ),
    (
        "F1", "the full file is deleted to make room", "`unlink` on a full tmpfs",
        "the writer lets go of it, and its room is there again",
        ((FULL, "test_a_file_that_is_deleted_to_make_room_gives_it_back"),),
    ),
    (
        "F1", "the disk turns out full behind the page cache",
        "ext4 in a sparse file on a full tmpfs, then `sync`",
        "all that is logged after the file system has said so; what it took before and could not "
        "keep is gone",
        ((BROKEN, "test_a_disk_that_turns_out_full_behind_the_page_cache"),),
    ),
    (
        "F2", "no inode is left", "tmpfs with `nr_inodes=`, filled with empty files",
        "the file goes on growing; it is rotated once that is possible",
        ((FULL, "test_without_an_inode_for_the_next_file_this_one_goes_on"),),
    ),
    (
        "F3", "a write is short, the next one fails with EFBIG", "`RLIMIT_FSIZE` of the writer",
        "the line that it cut is completed",
        ((FULL, "test_a_limit_of_file_size_is_waited_for"),),
    ),
    (
        "F4", "EIO for a write: once, at every third call, for a while", "`strace -e inject`",
        "each line is there once",
        ((BROKEN, "test_a_write_that_fails_now_and_then_is_done_again"),
         (BROKEN, "test_writes_that_fail_for_a_while_are_waited_for")),
    ),
    (
        "F4", "EIO for every write to this one file, for ever, on a disk that is well",
        "`LD_PRELOAD`, by inode",
        "the log goes on in a new file after a second; the old one is kept, and what may be lost "
        "of it is told as after a failed sync",
        ((SICK, "test_the_log_goes_on_in_a_new_file"),
         (SICK, "test_a_sick_file_among_two_goes_on_in_a_new_one"),
         (SICK, "test_a_writer_that_dies_meanwhile_is_followed_by_one_that_finds_a_way"),
         (SICK, "test_where_no_other_file_can_be_written_either_it_is_waited_for")),
    ),
    (
        "F5", "the whole file system dies", "`EXT4_IOC_SHUTDOWN` on a loop ext4, repair, mount",
        "the same file is opened anew, by itself",
        ((BROKEN, "test_a_file_system_that_dies_and_is_repaired_is_gone_on_in"),),
    ),
    (
        "F7", "the file system turns read-only", "`errors=remount-ro` and `trigger_fs_error`",
        "all that is logged after that; what the kernel had not brought onto the disk is gone",
        ((BROKEN, "test_a_file_system_that_turns_read_only_is_gone_on_in"),),
    ),
    (
        "F8", "the directory is closed to the writer's user", "a writer of nobody, `chmod 0555`",
        "the open file goes on, without rotation; a new one waits for the right to it",
        ((DENIED, "test_a_directory_that_is_closed_to_the_writer_is_waited_for"),),
    ),
    (
        "F8", "the file may not be written from the start",
        "`chattr +a`, `chattr +i` before the service is",
        "what to do is told on stderr",
        ((DENIED, "test_a_file_that_cannot_be_begun_with_says_what_to_do"),),
    ),
    (
        "F8", "the file may not be changed", "`chattr +i`", "",
        ((DENIED, "test_a_file_that_may_not_be_changed_is_waited_for"),),
    ),
    (
        "F8", "the file may not be renamed", "`chattr +a`",
        "the rotation is undone, the file goes on growing",
        ((DENIED, "test_a_file_that_may_not_be_renamed_goes_on_growing"),),
    ),
    (
        "F8", "the quota is used up", "`strace -e inject=…:error=EDQUOT`", "",
        ((BROKEN, "test_writes_that_fail_for_a_while_are_waited_for"),),
    ),
    (
        "F9", "deleted; moved", "`unlink`, `rename` under load",
        "no line is lost, the deleted ones apart",
        ((OTHERS, "test_a_deleted_file_is_begun_anew"), (OTHERS, "test_a_moved_file_is_left")),
    ),
    (
        "F9", "truncated, to nothing and inside a line", "`truncate` beside a stopped writer",
        "the log goes on on a line of its own; a cut between the writer's look and its write too",
        ((OTHERS, "test_a_file_cut_to_nothing_goes_on_from_its_beginning"),
         (OTHERS, "test_a_file_cut_inside_a_line_goes_on_on_a_line_of_its_own")),
    ),
    (
        "F9", "copytruncate", "the real `logrotate`, four workers",
        "what is missing lies between two pieces, and `mplog verify` names the same numbers",
        ((LOGROTATE, "test_copytruncate_loses_what_is_written_before_its_cut_and_nothing_else"),),
    ),
    (
        "F9", "appended to by others", "whole lines and half ones",
        "they stay, on lines of their own, and none of ours is torn",
        ((OTHERS, "test_what_others_append_stays_on_lines_of_its_own"),),
    ),
    (
        "F9", "replaced by another file", "`rename` over it",
        "its lines, its mode and its owner stay",
        ((OTHERS, "test_another_file_at_the_path_is_taken_as_it_is"),),
    ),
    (
        "F9", "replaced by a link, a directory, a fifo, /dev/full", "`symlink`, `mkdir`, `mknod`",
        "nothing is written through it",
        ((OTHERS, "test_what_is_no_file_is_not_written_through"),),
    ),
    (
        "F10", "the directory is deleted, moved", "`rm -rf`, `rename`",
        "it is made again, with the lock that keeps other services out",
        ((OTHERS, "test_a_directory_that_is_taken_away_is_made_again"),),
    ),
    (
        "F10", "the directory is unmounted, mounted over", "`umount -l`, a mount on top",
        "the file that the path leads to gets the lines",
        ((OTHERS, "test_a_directory_that_is_mounted_or_unmounted_is_gone_on_in"),),
    ),
    (
        "F10", "the directory becomes another user's link; the writer is root",
        "`rename`, `symlink`, `lchown`; before each step of a rotation, a retention, a compression",
        "nothing behind the link is touched; events wait until it is gone",
        ((OTHERS, "test_a_root_writer_is_not_led_away_by_a_link"),
         ("tests/files/test_swapped.py",
          "test_nothing_behind_another_users_link_is_touched")),
    ),
    (
        "F9", "all of these at random, one after the other", "a hundred in three seconds; seeded",
        "also with signals, and with a writer that is killed while files are moved",
        (("tests/process/test_accidents.py",
          "test_whatever_befalls_the_file_every_line_is_in_a_piece"),
         ("tests/process/test_accidents.py",
          "test_a_writer_that_is_killed_meanwhile_finds_its_file")),
    ),
    (
        "F11", "`logrotate` and mplog rotate the same file", "both, many times, four workers",
        "every line is in one of the pieces, once",
        ((LOGROTATE, "test_a_file_moved_away_by_logrotate_loses_nothing"),
         (LOGROTATE, "test_logrotate_and_mplog_rotate_the_same_file"),
         (LOGROTATE, "test_many_outside_rotations_lose_nothing")),
    ),
    (
        "F11", "the clock is put back", "by an hour, by half of it, to 1970",
        "no archive's name is used twice; their order is that of their numbers",
        ((ARCHIVES, "test_a_clock_that_is_put_back_gives_no_name_twice"),),
    ),
    (
        "F11", "archives are deleted, the manifest is damaged", "under load",
        "the log goes on and verifies; no name is used twice",
        ((ARCHIVES, "test_archives_that_others_delete_are_missed_by_verify_alone"),
         (ARCHIVES, "test_a_damaged_manifest_costs_no_line_and_no_name")),
    ),
    (
        "F14", "any system call of the writer fails", "an `LD_PRELOAD` library; `strace`",
        "the n-th call, for every n",
        ((EVERY, "test_a_sample_of_failing_calls_is_survived"),
         (EVERY, "test_every_failing_call_is_survived")),
    ),
]  # fmt: skip
