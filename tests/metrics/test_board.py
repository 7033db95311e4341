"""The board shows sinks to any process, and takes nothing that it reads for granted."""

from __future__ import annotations

import errno
import os

import pytest

from mplog.metrics.board import MAX_ROWS, Board, Row, board_path, read_board


def test_what_is_shown_is_read(tmp_path):
    """Names, numbers and the last error."""
    rows = [
        Row(name="a", kind="null", promised=3, delivered=1, queued=2, breaker="half-open"),
        Row(name="b" * 32, kind="console", error="x" * 500),
    ]
    Board(tmp_path, "shop", 7).show(rows)
    life, read = read_board(tmp_path, "shop")

    assert (7, rows[0]) == (life, read[0])
    assert ("b" * 31, 255, 0) == (read[1].name, len(read[1].error), read[1].owed)
    assert 0o600 == os.stat(board_path(tmp_path, "shop")).st_mode & 0o777


def test_an_update_leaves_alone_what_is_promised(tmp_path):
    """Two threads write a row: the one before the commit, and the one that counts afterwards."""
    board = Board(tmp_path, "shop", 7)
    board.show([Row(name="a", kind="null")])
    board.promise(0, 9)
    board.update(0, Row(name="a", kind="null", promised=4, delivered=4))

    assert [(9, 4, 5)] == [
        (r.promised, r.delivered, r.owed) for r in read_board(tmp_path, "shop")[1]
    ]


def test_another_writer_begins_another_board(tmp_path):
    """Whoever waits sees by its life that the one before is over."""
    Board(tmp_path, "shop", 7).show([Row(name="a", kind="null", promised=9)])
    Board(tmp_path, "shop", 8)

    assert (8, []) == read_board(tmp_path, "shop")
    assert 1 == len(os.listdir(tmp_path))


def test_a_number_that_is_off_does_not_end_who_shows_it(tmp_path):
    """Less than nothing is nothing."""
    board = Board(tmp_path, "shop", 7)
    board.show([Row(name="a", kind="null", queued=-1)])
    _, (row,) = read_board(tmp_path, "shop")

    assert 0 == row.queued


def test_a_board_that_is_gone_is_none(tmp_path):
    """There is nothing to wait for."""
    assert (0, []) == read_board(tmp_path, "shop")


def test_what_a_killed_writer_has_begun_is_taken_over(tmp_path):
    """There is one name for a board that is being made: nothing piles up."""
    with open(board_path(tmp_path, "shop") + ".new", "wb") as out:
        out.write(b"half of it")
    Board(tmp_path, "shop", 8)

    assert (8, []) == read_board(tmp_path, "shop")
    assert [os.path.basename(board_path(tmp_path, "shop"))] == os.listdir(tmp_path)


def test_a_board_for_which_there_is_no_room_leaves_the_one_before(tmp_path, monkeypatch):
    """Shared memory is full: nothing half made stays, and what was shown is still read."""
    Board(tmp_path, "shop", 7).show([Row(name="a", kind="null", promised=9)])

    def full(fd, offset, length):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OSError, match="No space left"):
        Board(tmp_path, "shop", 8)

    assert (7, [9]) == (
        read_board(tmp_path, "shop")[0],
        [row.promised for row in read_board(tmp_path, "shop")[1]],
    )
    assert 1 == len(os.listdir(tmp_path))


def test_more_sinks_than_there_are_rows_are_not_shown(tmp_path):
    """Many are being let go: the rest of the memory, and of the rows, is left alone."""
    board = Board(tmp_path, "shop", 7)
    rows = [Row(name=f"n{number}", kind="null") for number in range(MAX_ROWS + 2)]
    board.show(rows)
    board.promise(MAX_ROWS + 1, 5)
    board.update(MAX_ROWS + 1, Row(name="n", kind="null", delivered=5, error="late"))

    assert (7, rows[:MAX_ROWS]) == read_board(tmp_path, "shop")


def test_what_is_no_file_is_no_board(tmp_path):
    """Somebody has put a directory there: it can be opened, and not read."""
    os.mkdir(board_path(tmp_path, "shop"))

    assert (0, []) == read_board(tmp_path, "shop")


@pytest.mark.parametrize("fill", [b"", b"\0", b"\xff", b"MPLSINK1"])
def test_anything_may_stand_there(tmp_path, fill):
    """Numbers stay numbers, and texts printable."""
    size_bytes = 512 * (1 + MAX_ROWS)
    with open(board_path(tmp_path, "shop"), "wb") as out:
        out.write((fill * size_bytes)[:size_bytes] if fill else b"short")
    life, rows = read_board(tmp_path, "shop")

    assert len(rows) <= MAX_ROWS
    assert all(row.name.isprintable() and row.error.isprintable() for row in rows)
    assert bool(rows) == (fill == b"MPLSINK1") == bool(life)
