"""What a batch adds up to."""

from __future__ import annotations

import pytest
from one_writer import PAYLOADS

from mplog.writer import account
from mplog.writer.compose import Batch


def test_a_batch_of_more_events_than_were_drained_is_refused(place):
    """Else numbers would be counted as delivered that stand in no file."""
    assert place.producer().publish(20, PAYLOADS[0])
    batch, _ = place.both()
    with pytest.raises(RuntimeError, match="more sessions than it can"):
        account.accept(place.job, Batch(batch.count + 1))
    place.job.reader.rewind()
    batch, _ = place.both()

    assert (1, 0, 0) == (batch.count, place.deliver(batch).dropped, place.job.reader.pending())
