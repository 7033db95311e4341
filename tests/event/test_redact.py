"""What looks like a secret in a text, and what does not."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mplog import _native
from mplog.config.limits import REDACTED as NAMES
from mplog.event.redact import REDACTED, Redaction, mask, redact_text


@pytest.fixture(autouse=True)
def _usual_names():
    _native.set_redaction(NAMES)


HIDDEN = {
    "password=S3": "password=*",
    "login: password: S3, ok": "login: password: *, ok",
    "db_password = S3 next": "db_password = * next",
    "accessToken=S3": "accessToken=*",
    "--api-key=S3 -v": "--api-key=* -v",
    "/login?token=S3&x=1": "/login?token=*&x=1",
    '"password": "S 3", "x": 1': '"password": "*", "x": 1',
    "{'secret': 'S 3'}": "{'secret': '*'}",
    '{\\"token\\": \\"S3\\", \\"x\\": 1}': '{\\"token\\": \\"*\\", \\"x\\": 1}',
    "env['API_KEY'] = 'S3'": "env['API_KEY'] = '*'",
    'login(password="S3")': 'login(password="*")',
    "token=b'S3'": "token=b'*'",
    'password="S3': 'password="*',
    "password=rb'S3'": "password=rb'*'",
    'password = """S3"""': 'password = """*"""',
    '{\\"token\\": \\"a\\\\\\"S3\\", \\"x\\": 1}': '{\\"token\\": \\"*\\", \\"x\\": 1}',
    '\\\\\\"token\\\\\\": \\\\\\"S3\\\\\\", x': '\\\\\\"token\\\\\\": \\\\\\"*\\\\\\", x',
    "{\\'token\\': b\\'S3\\'}": "{\\'token\\': b\\'*\\'}",
    "password=Secret('S3') x": "password=* x",
    "f(password=Secret(\\'S3\\'), x)": "f(password=*, x)",
    "password=[redacted]S3 x": "password=* x",
    "password={S3}S3 x": "password=* x",
    "private_key: -----BEGIN A KEY-----\nS3\n-----END A KEY-----\nnext": "private_key: *\nnext",
    "private_key=-----BEGIN PRIVATE KEY-----\nS3": "private_key=*",
    "private_key=-----BEGIN PRIVATE KEY-----\nS3\n-----END": "private_key=*",
    "SMTPPassword=S3 privateKey=S3": "SMTPPassword=* privateKey=*",
    "secret => S3": "secret => *",
    "password == S3": "password == *",
    "password={S3} x": "password=* x",
    "password=(S3) x": "password=* x",
    "password=<S3": "password=*",
    "password=S3\x7fnext": "password=*\x7fnext",
    "password====S3": "password===*",
    'password="S3\\"S4" next': 'password="*" next',
    "a" * 70 + "_password=S3": "a" * 70 + "_password=*",
    "token: [": "token: *",
    "token: [ 'S3']": "token: *",
    "token: [b'S3']": "token: *",
    "token: [\r\n'S3', 4]": "token: *",
    '{"token": {"a": "S3", "b": [1]}, "x": 1}': '{"token": *, "x": 1}',
    "{'secret': ['S3 }', b'S3'], 'x': 1}": "{'secret': *, 'x': 1}",
    '{\\"token\\": [{\\"a\\": \\"S3\\"}], \\"x\\": 1}': '{\\"token\\": *, \\"x\\": 1}',
    'password: {"cut off": "S3 ': "password: *",
    '{"token": [1, null, "S3"], "x": 1}': '{"token": *, "x": 1}',
    "{'token': (1, 'S3'), 'x': ('a',)}": "{'token': *, 'x': ('a',)}",
    "token: [INFO] next": "token: * next",
    "password=<S3>": "password=*",
    "password=Sé3 x": "password=* x",
    "Authorization: Basic UzM=": "Authorization: *",
    "Authorization: Digest username=S3, response=S3": "Authorization: *",
    "authorization: S3 user=ann": "authorization: * user=ann",
    "curl -H 'Authorization: Bearer S3' http://h": "curl -H 'Authorization: *' http://h",
    "Cookie: a=S3; b=S3\nnext": "Cookie: *\nnext",
    "Cookie: a=S3; b=S3\r\nnext": "Cookie: *\r\nnext",
    'Authorization: Digest username="S3", response="S3"\nnext': "Authorization: *\nnext",
    "'Authorization: Digest a=\"S3\", b=\"S3\"', 'next'": "'Authorization: *', 'next'",
    '"Authorization: OAuth a=\\"S3\\", b=\\"S3\\"", "x"': '"Authorization: *", "x"',
    '\\"Authorization: HMAC a=\\\\\\"S3\\\\\\", S3\\", x': '\\"Authorization: *\\", x',
    'curl -H "Authorization: Basic UzM=" "http://h"': 'curl -H "Authorization: *" "http://h"',
    'sent "a; Authorization: Basic UzM=" twice': 'sent "a; Authorization: *" twice',
    "Authorization: Splunk S3": "Authorization: *",
    "Authorization: AWS S3:S3\r\nnext": "Authorization: *\r\nnext",
    "authorization: denied, retry": "authorization: *, retry",
    'Cookie: a="S3"; b=S3': "Cookie: *",
    "Cookie: a=\\S3": "Cookie: *",
    "sent Bearer S3.x": "sent Bearer *",
    "bearer S3abcdefghijklmn": "bearer *",
    "bearer abcdefghijklmnop": "bearer *",
    "Bearer ~S3+x/y= next": "Bearer * next",
    "BEARER\tS3": "BEARER\t*",
    "postgres://ann:S3@db/x": "postgres://ann:*@db/x",
    "redis://:S3@db": "redis://:*@db",
    "https://ann:S/3@db/x": "https://ann:*@db/x",
    "https://ann:" + "S3" * 4000 + "@db/x": "https://ann:*@db/x",
    "http://h:80/x http://h:81y/ http://ann:S3@db": "http://h:80/x http://h:81y/ http://ann:*@db",
    "http://ann:S3…": "http://ann:*…",
    "http://a@b:c/://ann:S3@db": "http://a@b:*@db",
    "card 4111111111111111.": "card *.",
    "card 4111 1111 1111 1111, ok": "card *, ok",
    "4111-1111-1111-1111": "*",
    "17 4111 1111 1111 1111 2": "17 * 2",
    "378282246310005 5555555555554444": "* *",
    "4111 1111 1111 1…": "*…",
    "6011111111111117 30569309025904 2223003122003222": "* * *",
}
PLAIN = [
    "",
    "user ann logged in from 10.0.0.1",
    "12:30:45 http://host:8080/x@y?a=b",
    "tokens=5 token_count=5",
    "the password is wrong",
    "password=None token=null secret=true cookie=",
    "passwords: many",
    "password: " + " " * 8 + "in another column",
    "password" + " " * 9 + "= in another column",
    'password=""',
    "password=\\nnext",
    "token:\n'next'",
    "bearer of bad news",
    "Bearer token missing",
    "forbearer S3S3S3S3S3",
    "git@github.com:x/y",
    "ssh://git@host/x",
    "http://[::1]:80/",
    "4111111111111112",
    "x4111111111111111",
    "4111111111111111x",
    "0.4111111111111111",
    "4111111111111111.5",
    "1795334400123456789",
    "20261122080000",
    "http://host:80…",
    "http://[2001:db8::1]:80/a…",
    "http://ann:…",
    "at 1795334400123…",
    "order 411111111111…",
    "x41111111111111…",
    "2026-11-22 08:00:00",
    "411111111111111",
    "41111111111111111111",
    "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
    "4111 1111111 11111",
    "550e8400-e29b-41d4-a716-446655440000",
]


# What may end a URL before an `@`: then nothing in it is a password.
NO_PASSWORD = [
    "http://a:S3'@h", 'http://a:S3"@h', "http://a:S3<@h", "http://a:S3>@h", "http://a:S3\\@h",
    "http://a:S3 @h", "http://a/S3:b@h", "http://a?S3:b@h", "http://a#S3:b@h", "http://h:80/S3@x",
    "http://h:80?S3@x", "http://h:80#S3@x", "http:/a:S3@h", "http:.a:S3@h", "://", ":/", "://a:",
    "http://a:@h", "http://@h",
]  # fmt: skip


@pytest.mark.parametrize("text", NO_PASSWORD)
def test_a_url_without_a_password_stays(text):
    """Also one that has ended before the `@`."""
    assert redact_text(text) is text


@pytest.mark.parametrize("password", ["a/b", "a?b", "a#b", "a:b", "é"])
def test_a_password_that_was_not_encoded_is_hidden_whole(password):
    """What would end the name of a host does not end a password."""
    assert f"http://ann:{REDACTED}@h/x" == redact_text(f"http://ann:{password}@h/x")


@pytest.mark.parametrize("text", HIDDEN)
def test_a_secret_is_hidden_and_nothing_else(text):
    """The rest stands as it was; once hidden it stays so, and no second pass changes anything."""
    shown = redact_text(text)

    assert HIDDEN[text].replace("*", REDACTED) == shown
    assert shown == redact_text(shown)


@pytest.mark.parametrize("text", PLAIN)
def test_what_is_no_secret_stays(text):
    """The very same text."""
    assert redact_text(text) is text


def test_names_are_those_of_the_setting():
    """One of the user's own, and none of the others any more."""
    _native.set_redaction(["iban"])

    assert "iban=[redacted] password=x" == redact_text("iban=S3 password=x")


def test_bytes_are_masked_in_their_places():
    """As long as before, whatever else they hold."""
    data = b"\x93\xa5token\xabpassword=S3\xa1x\xff\x00"

    assert data.replace(b"S3", b"**") == mask(data)
    assert mask(b"\x00\xff") == b"\x00\xff"


def test_a_value_is_gone_through_at_any_depth():
    """Keys too; two that become one are told apart."""
    found = Redaction()
    value = {"a": [{"password=S3": 1, "password=S4": "token: S3"}], "n": 3, "same": "S3"}

    shown = found.value(value)

    hidden = {"password=[redacted]": 1, "password=[redacted]~2": "token: [redacted]"}
    assert {"a": [hidden], "n": 3, "same": REDACTED} == shown
    assert {"S3", "S4"} == found.hidden


@pytest.mark.parametrize("around", [lambda v: [v], lambda v: {"k": v}, lambda v: (v,)])
def test_what_lies_too_deep_to_be_gone_through_is_left_out(around):
    """A secret deeper than 64 reaches nobody; what is no container is looked at at any depth."""
    value, deep = "password=S3", "password=S3"
    for _ in range(80):
        deep = around(deep)
    for _ in range(64):
        value = around(value)
    found = Redaction()

    assert "S3" not in repr(found.value(deep))
    assert found.changed
    assert "…" in repr(found.value(deep))
    assert "password=[redacted]" in repr(found.value(value))


@pytest.mark.parametrize("key", ["a", b"a", 1, (1, 2), ("password=S3", b"token=S4")])
def test_a_map_with_keys_of_any_kind_is_gone_through(key):
    """What msgpack decodes to a tuple where it is a key, too."""
    shown = Redaction().value({key: "password=S3"})

    assert ["password=[redacted]"] == list(shown.values())
    assert "S3" not in repr(shown)
    assert "S4" not in repr(shown)


def test_bytes_are_gone_through():
    """As a request's body and headers are; those without a secret are the very same."""
    found = Redaction()
    body = b"\xff\x00 nothing"

    shown = found.value([b"password=S3&x=\xff", {b"k": b"Authorization: Bearer S4.S5"}])

    assert [b"password=[redacted]&x=\xff", {b"k": b"Authorization: [redacted]"}] == shown
    assert found.changed
    assert body is Redaction().value(body)


WORDS = (
    "password token = : :// @ / Bearer bearer b e be 4111111111111111 4111 1 , \" ' \\ { } [ ] é "
    "( ) Cookie Authorization Digest -----BEGIN -----END"
)
PIECES = st.lists(st.sampled_from([*WORDS.split(" "), " ", "  ", "\n"]), max_size=30)


@settings(max_examples=200, deadline=None)
@given(PIECES)
def test_the_quick_look_misses_nothing(pieces):
    """Where it sees nothing the long way sees nothing either; and what is hidden stays hidden."""
    data = "".join(pieces).encode()

    found = _native.secrets(data)

    assert not found or _native.may_hold_secret(data)
    at = 0
    for start, end in found or ():
        assert at <= start < end <= len(data)
        at = end


@pytest.mark.parametrize(
    "piece",
    ["password=", "://a:b", "4111 ", "411", "Bearer ", "bearer bearer", "token='", "1-",
     "://a:b&token=x", "password=[", "token=x('", "Cookie: a=\\", 'cookie=none=\\""',
     'Authorization: Digest x="', "token=-----BEGIN ", '=\\\\"', "token:[ [ ["],
)  # fmt: skip
def test_the_time_is_linear(piece):
    """A quarter of a megabyte of what begins like a secret is gone through, again and again."""
    text = piece * (262_144 // len(piece))

    for _ in range(3):
        redact_text(text)
