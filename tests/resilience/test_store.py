"""What a store makes of events that no lane has brought, and of those that a fallback loses."""

from __future__ import annotations

from given import WALL_NS, adds_up, event, events, take

from mplog.event.event import Event
from mplog.resilience.backlog import Backlog
from mplog.resilience.loss import notice
from mplog.resilience.store import Encoded, Limits, held, outgoing
from mplog.sinks.base import Outgoing


def test_a_value_that_no_lane_could_have_brought_waits_as_its_repr():
    """Whoever calls a sink by himself may hand over anything."""
    odd = Outgoing(event(1).stamped, Event("shop", "sold {what}", {"what": complex(0, 1)}))

    assert {"what": "1j"} == outgoing(held(odd)).event.fields


def test_the_service_s_own_events_that_a_fallback_loses_count_as_lost():
    """A death's notice has no session; that nobody has taken it is counted like any event."""
    store = Backlog(Limits(), "loki")
    store.put([held(one) for one in [notice(WALL_NS, "mplog.death", "gone", {}), event(1)]], 0.0)
    batch = take(store)
    store.write_off(batch, "no_sink_left", 0.0)
    store.settle(len(batch), 0.0)

    counts = store.counts
    assert (0, 2, 0) == (counts.delivered, counts.dropped, counts.in_flight)
    assert {"no_sink_left": {"WARNING": 1, "INFO": 1}} == counts.reasons
    assert adds_up(store)


def test_a_loss_that_could_not_be_told_is_told_once_whatever_was_lost_with_it():
    """The numbers of the next notice are the sum, with other notices of the service among them."""
    store = Backlog(Limits(max_events=8), "loki")
    store.put([held(one) for one in events(10)], 0.0)
    assert 3 == store.counts.dropped
    store.put([held(notice(WALL_NS, "mplog.death", "gone", {}))], 0.0)
    batch = take(store)
    assert (3, 9) == (batch[0].event.fields["count"], len(batch))
    store.write_off(batch, "no_sink_left", 0.0)
    store.settle(len(batch), 0.0)

    (told,) = take(store, 100.0)
    assert 3 + 8 == told.event.fields["count"] == store.counts.dropped
    assert {"INFO": 3} == told.event.fields["reasons"]["queue_full"]
    assert adds_up(store)


def test_an_event_that_waits_encoded_is_decoded_once_where_somebody_asks():
    """Its id needs no decoding, and it waits again as the bytes that it was."""
    one = Outgoing(event(7).stamped, Event("shop", "sold", {"what": 1}))
    encoded = Encoded(held(one))

    assert one.id == encoded.id
    assert one.event == encoded.event
    assert encoded.event is encoded.event
    assert held(one) == held(encoded)
