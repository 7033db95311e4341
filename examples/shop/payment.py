"""A payment provider that is sometimes in a bad mood, the same way in every run.

Whether a charge succeeds depends on the order's number only, so that a test can choose its case.
"""

from __future__ import annotations

import zlib

import mplog

log = mplog.get_logger("shop.payment")

TRIES = 2


class Declined(Exception):
    """The provider has refused the charge, each time it was asked."""


class ProviderError(Exception):
    """The provider has answered with something that makes no sense."""


def charge(order: int, total_cents: int) -> str:
    """Charge *total_cents* for *order*; the provider's receipt.

    Raises `Declined` after two refusals, `ProviderError` when the answer cannot be read.
    """
    for attempt in range(1, TRIES + 1):
        answer = _provider(order, attempt)
        try:
            verdict, receipt = answer.split(":")
        except ValueError as fault:
            raise ProviderError(f"unreadable answer for order {order}: {answer!r}") from fault
        if verdict == "ok":
            log.debug("order {order} charged", order=order, total_cents=total_cents)
            return receipt
        log.warning(
            "charge for order {order} declined, attempt {attempt} of {tries}",
            order=order,
            attempt=attempt,
            tries=TRIES,
            total_cents=total_cents,
        )
    raise Declined(f"order {order} declined {TRIES} times")


def _provider(order: int, attempt: int) -> str:
    mood = zlib.crc32(f"{order}/{attempt}".encode()) % 100
    if mood < 4:
        return "<html>gateway time-out</html>"
    if mood < 34:
        return "declined:"
    return f"ok:R{order:08d}"
