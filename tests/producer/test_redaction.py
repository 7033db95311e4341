"""Secrets are replaced by key in the process that logs them, whichever way an event goes."""

from __future__ import annotations

import copy
import json
import re
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mplog
from mplog import _native
from mplog.config import REDACTED
from mplog.producer.context import LIMIT

MARK = "[redacted]"
CANARY = "canary-8f1e"
NAMES = {name.replace("_", "") for name in REDACTED}
SPELLED = ["DB_PASSWORD", "x-api-key", "privateKey", "SMTPPassword", "pass_word", "tokens", "é"]
KEYS = st.sampled_from(SPELLED) | st.text("tokenTOKEN_-2", max_size=9)
VALUES = st.recursive(
    st.integers(0, 1 << 40) | st.text(max_size=40) | st.none() | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=20,
)


def secret(key: str) -> bool:
    """What one key is, said a second time: its last words, written together, are a name."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=\w)(?=[A-Z][a-z])", " ", key)
    words = re.sub(r"[\W_]", " ", words).lower().split()
    return any("".join(words[at:]) in NAMES for at in range(len(words)))


def told(value: Any) -> Any:
    """What may be left of *value*."""
    if isinstance(value, dict):
        return {k: MARK if secret(k) and v is not None else told(v) for k, v in value.items()}
    return [told(item) for item in value] if isinstance(value, list) else value


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(KEYS, VALUES, max_size=6))
def test_secrets_go_at_any_depth_and_nothing_else_does(value):
    """The same in the call's own encoder and in what msgspec has written."""
    expected = told(value)
    packed = _native.pack(value)
    assert expected == msgspec.msgpack.decode(packed)
    assert packed == _native.redact(msgspec.msgpack.encode(value))


@pytest.mark.parametrize(
    ("key", "expected"),
    [("token", True), ("TOKEN", True), ("db_token", True), ("x-auth.token", True),
     ("accessToken", True), ("tokens", False), ("tokenize", False), ("broken", False),
     ("sometoken", False), ("Set-Cookie", True), ("cookies", False), ("api key", True),
     ("apiKey", True), ("", False), ("_", False), ("password", True), ("password_hint", False),
     ("privateKey", True), ("awsSecretAccessKey", True), ("SMTPPassword", True),
     ("PASS-WORD", True), ("user[password]", True), ("password:", True), ("password_", True),
     ("oauth2Token", True), ("oauth2token", False), ("COMPASS_WORD", False)],
)  # fmt: skip
def test_a_name_covers_keys_that_end_in_it_as_a_word(key, expected):
    """In any case, after a separator or from a capital on; separators within it do not count."""
    assert expected is (MARK.encode() in _native.pack({key: "x"}))


class Odd:
    def __repr__(self) -> str:
        return "odd"


@dataclass
class Login:
    user: Any
    password: str


def nested(depth: int, value: Any = 1) -> Any:
    """*value* in so many lists."""
    for _ in range(depth):
        value = [value]
    return value


WAYS: dict[str, dict[str, Any]] = {
    "keyword": {"token": CANARY},
    "nested": {"a": [{"b": {"token": CANARY}}]},
    "beside what msgspec alone writes": {"token": CANARY, "s": {1}},
    "beside what only repr can tell": {"token": CANARY, "odd": Odd()},
    "in a dataclass": {"login": Login("ann", CANARY)},
    "in what must be cut": {"token": CANARY, "text": "x" * 200_000},
    "in bytes": {"token": CANARY.encode()},
    "under bytes": {"headers": {b"x-api-key": CANARY.encode()}},
    "under bytes that only repr can tell": {"a": [{b"token": CANARY}], "odd": Odd()},
    "behind what lies deep": {"deep": nested(80), "token": CANARY},
    "in what lies deep": {"deep": nested(80, {"token": CANARY}), "token": 1},
    "in what lies deep in a dataclass": {"login": Login(nested(80, {"token": CANARY}), "x")},
}


@pytest.mark.parametrize("fields", WAYS.values(), ids=WAYS.keys())
def test_no_way_of_an_event_lets_a_secret_through(lane, fields, monkeypatch):
    """Not as a field, not bound, not in the context."""
    monkeypatch.setattr(LIMIT, "most_bytes", 1 << 20)
    log = mplog.get_logger("a")
    log.info("call {token}", **fields)
    log.bind(**fields).info("bound {token}")
    with mplog.context(**fields):
        log.info("context {token}")
        log.exception("slow", stacklevel=1)
    payloads = lane.payloads()

    assert 4 == len(payloads)
    for payload in payloads:
        assert CANARY.encode() not in payload
        assert MARK.encode() in payload


def test_extras_and_mappings_of_the_standard_library_are_covered(lane):
    """`extra=` and `%(name)s` arguments."""
    import logging

    from mplog.producer.gate import PERCENT_KIND

    record = logging.LogRecord("a", 20, "f.py", 1, "%(token)s", ({"token": CANARY},), None)
    record.password = CANARY
    from mplog.producer.handler import event_of

    assert lane.producer.emit(20, event_of(record), PERCENT_KIND)
    (payload,) = lane.payloads()
    assert CANARY.encode() not in payload
    assert 2 == payload.count(MARK.encode())


def test_the_repr_of_a_logger_shows_no_secret():
    """It may be printed anywhere."""
    log = mplog.get_logger("a").bind(token=CANARY, user="ann")
    assert f"mplog.get_logger('a', token={MARK}, user='ann')" == repr(log)
    assert CANARY not in repr(copy.copy(log))


def test_names_set_later_hold_for_what_was_bound_before(lane):
    """What is encoded once is encoded anew."""
    log = mplog.get_logger("a").bind(iban="x1")
    with mplog.context(iban="x2"):
        log.info("a", zip="x3")
        _native.set_redaction(["iban"])
        log.info("a", zip="x3")
        _native.set_redaction([])
        log.info("a", token="x3")
    told = [(event.context, event.fields) for event in lane.events()]

    assert [
        ({"iban": "x2"}, {"iban": "x1", "zip": "x3"}),
        ({"iban": MARK}, {"iban": MARK, "zip": "x3"}),
        ({"iban": "x2"}, {"iban": "x1", "token": "x3"}),
    ] == told


def test_the_setting_adds_names_and_turns_all_off(shm, logdir):
    """`redact="+iban"` and `redact="off"`, from the call to the file."""
    plain = ("x1", "x2")
    for setting, expected in (("+iban", (MARK, MARK)), ("off", plain), (["a"], plain)):
        path = logdir / "app.jsonl"
        mplog.configure(path, redact=setting)
        mplog.get_logger("a").info("a", iban="x1", token="x2")
        mplog.shutdown()
        line = json.loads(path.read_text().splitlines()[-2])
        assert expected == (line["iban"], line["token"])


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_bytes_that_are_no_msgpack_stay_as_they_are(payload):
    """Or lose a secret's value; nothing is read behind the end."""
    assert payload == _native.redact(payload) or MARK.encode() in _native.redact(payload)


@pytest.mark.parametrize("payload", [b"\x82\xa5token\x01\x81", b"\x92\x81\xa5token\x01\xc1"])
def test_a_secret_before_bytes_that_are_no_msgpack_does_not_raise(payload):
    """It stays, as they do."""
    assert payload == _native.redact(payload)


@pytest.mark.parametrize("key", ["schlüssel", "Schlüssel", "SCHLÜSSEL", "db-Пароль", "ПАРОЛЬ"])
def test_a_name_of_any_letters_is_found_in_any_case(key):
    """As people write it: small, large, or with a capital."""
    _native.set_redaction(["schlüssel", "Пароль"])
    packed = _native.pack({key: "x"})
    _native.set_redaction(REDACTED)

    assert MARK.encode() in packed
