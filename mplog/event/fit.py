"""Cut sanitised values so that their msgpack form has at most so many bytes.

Space is shared fairly: what is small stays whole, what is large is cut to one common size. So a
megabyte in one field does not cost the event its other fields.
"""

from __future__ import annotations

from typing import Any

import msgspec

from mplog.event.event import ExceptionInfo, Frame
from mplog.event.sanitise import MORE

_HEAD_BYTES = 5
_LEAST_BYTES = 32


def level(sizes: list[int], limit_bytes: int) -> int:
    """The greatest size L for which the sum of `min(size, L)` is at most *limit_bytes*."""
    left = limit_bytes
    for index, size in enumerate(sorted(sizes)):
        share = left // (len(sizes) - index)
        if size > share:
            return max(share, 0)
        left -= size
    return max(sizes, default=0)


class Fit:
    """The cutting of one event; weighs each container once, as it is asked for at each depth."""

    def __init__(self) -> None:
        # With the container itself, so that no id is used again while this lasts.
        self._weighed: dict[int, tuple[Any, int]] = {}

    def weigh(self, value: Any) -> int:
        """An upper bound, in bytes, for the msgpack form of a sanitised *value*."""
        kind = type(value)
        if kind is str:
            return _HEAD_BYTES + (len(value) if value.isascii() else len(value.encode()))
        if kind is int:
            return 1 if 0 <= value < 128 else 9
        if kind is bytes:
            return _HEAD_BYTES + len(value)
        if kind is dict or kind is list:
            return self._weigh_container(value)
        if kind is msgspec.Raw:
            return len(memoryview(value))
        if kind is ExceptionInfo or kind is Frame:
            parts = (getattr(value, name) for name in kind.__struct_fields__)
            return _HEAD_BYTES + sum(map(self.weigh, parts))
        return 9

    def _weigh_container(self, value: Any) -> int:
        known = self._weighed.get(id(value))
        if known is not None:
            return known[1]
        size = _HEAD_BYTES + sum(map(self.weigh, value))
        if type(value) is dict:
            size += sum(map(self.weigh, value.values()))
        self._weighed[id(value)] = (value, size)
        return size

    def cut_text(self, text: str, limit_bytes: int) -> str:
        """*text* in at most *limit_bytes* as msgpack (at least 8), with `…` where it was cut."""
        if self.weigh(text) <= limit_bytes:
            return text
        head = text.encode()[: max(limit_bytes - _HEAD_BYTES - 3, 0)]
        return head.decode("utf-8", "ignore") + MORE

    def shrink(self, value: Any, limit_bytes: int) -> Any:
        """A sanitised *value*, cut to at most *limit_bytes* (at least 8) of msgpack."""
        if self.weigh(value) <= limit_bytes:
            return value
        kind = type(value)
        if kind is str:
            return self.cut_text(value, limit_bytes)
        if kind is bytes:
            return value[: max(limit_bytes - _HEAD_BYTES, 0)]
        if kind is dict:
            return self._shrink_mapping(value, limit_bytes - _HEAD_BYTES)
        if kind is list:
            return self._shrink_items(value, limit_bytes - _HEAD_BYTES)
        return MORE

    def _shrink_items(self, items: list[Any], limit_bytes: int) -> list[Any]:
        sizes = [self.weigh(item) for item in items]
        share = level(sizes, limit_bytes)
        if share >= _LEAST_BYTES:
            return [self.shrink(item, share) for item in items]
        return items[: self._whole(sizes, limit_bytes)]

    def _shrink_mapping(self, items: dict[Any, Any], limit_bytes: int) -> dict[Any, Any]:
        keys = [self.weigh(key) for key in items]
        sizes = [self.weigh(item) for item in items.values()]
        share = level(sizes, limit_bytes - sum(keys))
        if share >= _LEAST_BYTES:
            return {key: self.shrink(item, share) for key, item in items.items()}
        kept = self._whole(
            [a + min(b, _LEAST_BYTES) for a, b in zip(keys, sizes, strict=True)], limit_bytes
        )
        return {key: self.shrink(item, _LEAST_BYTES) for key, item in list(items.items())[:kept]}

    @staticmethod
    def _whole(sizes: list[int], limit_bytes: int) -> int:
        """How many, from the first on, fit."""
        for index, size in enumerate(sizes):
            limit_bytes -= size
            if limit_bytes < 0:
                return index
        return len(sizes)

    def shrink_exception(self, info: ExceptionInfo, limit_bytes: int) -> ExceptionInfo:
        """An exception in at most *limit_bytes* (at least 64): type and message first, then the
        innermost frames, then what led to it."""
        if self.weigh(info) <= limit_bytes:
            return info
        kept = ExceptionInfo(
            self.cut_text(info.type, max(limit_bytes // 8, 8)),
            self.cut_text(info.message, limit_bytes // 4),
        )
        kept.stack = self._innermost(info.stack, limit_bytes // 4)
        kept.notes = self.shrink(info.notes, max(limit_bytes // 16, 8))
        left = limit_bytes - self.weigh(kept)
        if info.cause is not None and left >= 256:
            kept.cause = self.shrink_exception(info.cause, left // 2)
        if info.context is not None and left >= 256:
            kept.context = self.shrink_exception(info.context, left // 2)
        left = limit_bytes - self.weigh(kept)
        members = info.group[: left // 256]
        kept.group = [self.shrink_exception(member, left // len(members) - 2) for member in members]
        return kept

    def _innermost(self, frames: list[Frame], limit_bytes: int) -> list[Frame]:
        kept = self._whole([self.weigh(frame) for frame in reversed(frames)], limit_bytes - 96)
        if kept == len(frames):
            return frames
        if limit_bytes < 96:
            return []
        left_out = Frame(MORE, 0, "", f"{len(frames) - kept} frames left out")
        return [left_out, *frames[len(frames) - kept :]]
