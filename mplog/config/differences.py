"""What a running service does otherwise than this caller has asked for."""

from __future__ import annotations

from collections.abc import Mapping, Set

from mplog.config.identity import service_name
from mplog.config.key import NOT_SHOWN, SECRET_PLACE
from mplog.config.schema import KEYS, SERVICE_KEYS, Settings


def differences(
    running: Settings,
    wanted: Settings,
    given: Set[str],
    origins: Mapping[str, str] | None = None,
) -> list[str]:
    """One sentence for each setting where the running service's value holds.

    Args:
        running: the settings of the service.
        wanted: what this caller has loaded.
        given: the keys that the caller set; defaults are no wish, and differ silently.
        origins: where each key was set (`Loaded.origins`), to be named.
    """
    sentences = []
    for key in KEYS.values():
        if key.name not in SERVICE_KEYS & given:
            continue
        holds, asked = getattr(running, key.attribute), getattr(wanted, key.attribute)
        # A name or directory that one side leaves open is the one at which the two have met.
        if key.none_is_unset and (holds is None or asked is None):
            continue
        if holds == asked or (key.name == "file" and _same_file(holds, asked)):
            continue
        place = (origins or {}).get(key.name, "here")
        secret = place.startswith(SECRET_PLACE)
        keeps, other = (NOT_SHOWN if secret else key.shown(value) for value in (holds, asked))
        sentences.append(
            f"{key.name}: the running service keeps {keeps}; {other} ({place}) has no effect"
        )
    return sentences


def _same_file(one: str, other: str) -> bool:
    return service_name(one) == service_name(other)
