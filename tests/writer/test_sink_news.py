"""What the files are told of sinks that are no files."""

from __future__ import annotations

from mplog.event.event import Event, Stamped
from mplog.event.level import INFO, WARNING
from mplog.sinks.base import Outgoing
from mplog.writer.sink_news import FIRST_PAUSE_S, LONGEST_PAUSE_S, News, Told, is_own_loss

STAMPED = Stamped(1, WARNING, 0, 0, "", 0, 0, "mplog")


def test_a_change_is_told_once():
    """Away, with the reason; back."""
    news = News()

    assert [] == news.state(False, "")
    assert [Told(WARNING, "mplog.sink", "does not take its events: refused")] == news.state(
        True, "refused"
    )
    assert [] == news.state(True, "refused")
    assert [Told(INFO, "mplog.sink", "takes its events again")] == news.state(False, "")


def test_a_loss_is_told_at_once_with_its_reason():
    """By reason and level, as every loss."""
    (told,) = News().losses(5.0, {"refused": {"INFO": 3}}, "ValueError: no")

    assert (
        Told(WARNING, "mplog.sink.drop", "3 events dropped: refused, INFO 3 (ValueError: no)")
        == told
    )


def test_each_loss_is_told_once():
    """Only what has come since is told the next time; nothing new, nothing told."""
    news = News()
    news.losses(0.0, {"refused": {"INFO": 3}}, "")
    later_s = FIRST_PAUSE_S + 1
    (told,) = news.losses(later_s, {"refused": {"INFO": 3, "ERROR": 1}, "full": {"INFO": 2}}, "")

    assert "3 events dropped: refused, ERROR 1; full, INFO 2" == told.text
    assert [] == news.losses(1e9, {"refused": {"INFO": 3, "ERROR": 1}, "full": {"INFO": 2}}, "")


def test_a_sink_that_loses_everything_is_told_of_less_and_less_often():
    """An hour of it, looked at each second, is some seventy lines with all of it in them."""
    news, told = News(), []
    for second in range(3_600):
        told += news.losses(float(second), {"refused": {"INFO": second + 1}}, "")
    told += news.losses(3_600.0, {"refused": {"INFO": 3_600}}, "", last=True)

    assert 60 <= len(told) <= 75
    assert 3_600 == sum(int(one.text.split()[0].replace(",", "")) for one in told)


def test_after_a_quiet_time_a_loss_is_told_at_once_again():
    """The pauses begin anew."""
    news, count = News(), 0
    for _ in range(20):
        count += 1
        news.losses(count * LONGEST_PAUSE_S, {"full": {"INFO": count}}, "")
    now_s = 100 * LONGEST_PAUSE_S
    news.losses(now_s, {"full": {"INFO": count}}, "")

    assert 1 == len(news.losses(now_s, {"full": {"INFO": count + 1}}, ""))
    assert 1 == len(news.losses(now_s + FIRST_PAUSE_S, {"full": {"INFO": count + 2}}, ""))


def test_a_sink_is_not_told_of_its_own_loss_here():
    """Its queue does that; it would lose this one too, and that would be told again."""
    event = Event("mplog", "x", {"event_name": "mplog.sink.drop", "sink": "bad"})
    other = Event("mplog", "x", {"event_name": "mplog.sink", "sink": "bad"})

    assert is_own_loss("bad", Outgoing(STAMPED, event))
    assert not is_own_loss("good", Outgoing(STAMPED, event))
    assert not is_own_loss("bad", Outgoing(STAMPED, other))
