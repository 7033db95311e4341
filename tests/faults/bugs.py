"""The bugs that are seeded on purpose: what each one breaks, and the test that must notice.

A bug in C stands beside the code that it breaks, as SEEDED(name), in builds with MPL_FAULTS only;
one in Python is put there by `python_bugs`. `make bugs` runs every test here without and with its
bug, and writes the page.
"""

from __future__ import annotations

from typing import NamedTuple

C = "native/tests"


class Bug(NamedTuple):
    """One bug.

    Attributes:
        name: as in SEEDED(name), or in `python_bugs`.
        breaks: what the program does wrong with it.
        test: a program of native/tests without its suffix, or a test as pytest names it.
        seen: by what the test notices.
    """

    name: str
    breaks: str
    test: str
    seen: str

    @property
    def in_python(self) -> bool:
        """Whether pytest runs the test."""
        return "::" in self.test


BUGS = [
    Bug(
        "one_in_a_thousand_dropped",
        "Every thousandth event is accepted and thrown away, without taking a number.",
        "positions_cross_powers_of_two",
        "fewer events in the file than were accepted",
    ),
    Bug(
        "doubled_by_the_redo",
        "A redo appends the whole batch without a look at what is in the file already.",
        "redo_at_every_kill_point",
        "an event stands in the file twice",
    ),
    Bug(
        "head_skipped",
        "The first lane of a batch keeps its old head, in the lane and in the journal.",
        "events_come_out_as_they_went_in",
        "the lane never gets its space back",
    ),
    Bug(
        "two_records_swapped",
        "Two neighbours of one lane change their contents; their numbers stay in order.",
        "redo_at_every_kill_point",
        "a producer's events are out of order",
    ),
    Bug(
        "wrong_wrap",
        "The pad before the end of a lane's data is eight bytes short.",
        "records_fit_at_every_offset",
        "the writer reads a record where none is, and sets the lane aside",
    ),
    Bug(
        "offset_added_twice",
        "A redo adds the batch's length to an offset that has it already.",
        "redo_at_every_kill_point",
        "the journal's offset is not the file's size",
    ),
    Bug(
        "back_from_overflow_early",
        "A producer returns to its lane while its overflow is unread.",
        "full_lane_overflows",
        "a younger event comes out before an older one",
    ),
    Bug(
        "mark_not_rewritten",
        "No mark is written beside tail, so that an heir does not know the last number.",
        "a_lane_set_aside_is_left_by_its_owner",
        "events lost with a broken lane are told by no end line",
    ),
    Bug(
        "drop_last_not_raised",
        "A dropped event's number is not told to the writer.",
        "full_lane_drops_newest_and_counts",
        "the lane's drop_last is not the last number taken",
    ),
    Bug(
        "taken_back_untold",
        "Events that their owner takes back (drop_oldest) are not told to the writer.",
        "full_lane_drops_oldest_and_counts",
        "a gap in the numbers that nobody explains: the lane is set aside",
    ),
    Bug(
        "gap_not_told",
        "The writer passes over a gap in a session's numbers.",
        "full_lane_drops_newest_and_counts",
        "drops without a notice before the next event",
    ),
    Bug(
        "settled_before_the_bytes",
        "Events count as settled before they are in the file.",
        "settled_means_in_the_file",
        "a flush ends although the file has refused the batch",
    ),
    Bug(
        "short_write_believed",
        "A write that took only a part counts as whole.",
        "a_short_write_is_completed",
        "a batch of which the half is missing counts as written",
    ),
    Bug(
        "failed_sync_believed",
        "A sync that has failed counts as one that has not.",
        "a_failed_sync_is_not_believed",
        "events count as being on the disk that need not be there",
    ),
    Bug(
        "session_closed_twice",
        "A session stays open after its end line, and gets another one.",
        "sessions_end_exactly",
        "more end lines than sessions",
    ),
    Bug(
        "retired_during_a_claim",
        "The writer takes the service down without the second look at locks and segments.",
        "a_claim_during_a_retirement_keeps_its_events",
        "an event that was accepted meanwhile is gone",
    ),
    Bug(
        "stale_generation_after_fork",
        "A forked child publishes in its parent's lane.",
        "a_child_claims_its_own_lane",
        "the child has the parent's lane",
    ),
    Bug(
        "filtered_not_counted",
        "An event that a filter takes is counted nowhere.",
        "filtered_numbers_are_told_once",
        "delivered + filtered is less than the last number",
    ),
    Bug(
        "staging_crc_unchecked",
        "A staged batch is believed although its checksum is wrong.",
        "a_damaged_batch_is_not_written",
        "damaged bytes are written to the file",
    ),
    Bug(
        "lent_write_believed",
        "A batch that a thread was to write counts as written, whatever came of it.",
        "the_next_batch_is_made_while_one_is_written",
        "the refused bytes are told as delivered",
    ),
    Bug(
        "adopted_without_a_pad",
        "An heir leaves the record as it is that its predecessor never finished.",
        "a_claimer_killed_anywhere",
        "an event appears that nobody has logged",
    ),
    Bug(
        "archive_named_twice",
        "A rotation renames over an archive that has the name already.",
        "tests/faults/test_archive_names.py::test_a_name_that_is_taken_is_left_to_its_file",
        "the file that had the name is gone",
    ),
    Bug(
        "deleted_without_a_claim",
        "Retention deletes archives that the manifest does not know as retired.",
        "tests/files/test_retention.py::test_an_archive_and_its_compressed_form_are_one",
        "`verify` finds numbers missing",
    ),
    Bug(
        "compressed_short",
        "The end of a compressed archive is never written.",
        "tests/files/test_compress.py::test_every_archive_is_compressed",
        "the archive cannot be read to its end",
    ),
    Bug(
        "next_batch_in_the_same_area",
        "The next batch is made over the bytes that are still being written.",
        "tests/writer/test_ahead.py::test_batches_follow_each_other_from_two_areas",
        "the same bytes are lent twice in a row",
    ),
]

PAGE = """# Seeded bugs

Bugs that are put into the code on purpose, to see that the tests notice. Each one is switched on
by the environment variable `SEEDED_BUG`, in builds for tests (`MPL_FAULTS`); in a build for users
none of them exists. `make bugs` runs every test below without its bug (it must pass) and with it
(it must fail, and the bug must have come into play), and writes this page; `make test` runs some.

| bug | what it breaks | caught by | how |
|---|---|---|---|
"""


def page() -> str:
    """The table for readers."""
    return PAGE + "".join(_row(bug) for bug in BUGS)


def _row(bug: Bug) -> str:
    test = bug.test if bug.in_python else f"{C}/{bug.test}.c"
    return f"| `{bug.name}` | {bug.breaks} | `{test}` | {bug.seen} |\n"
