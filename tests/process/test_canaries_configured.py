"""Canary secrets in a configuration, and what the commands that read it say."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.process

CANARIES = ("K3yc4nary", "P4tc4nary", "4111111111111111")
CONFIG = """
file = "{log}"
enrich = ["host", "token=K3yc4nary", "note=password:P4tc4nary"]
filter = 'fields.note == "password=P4tc4nary" or fields.card == "4111111111111111"'
format = "template:{{message}} password=P4tc4nary"
[[files]]
file = "{log}.2"
filter = 'fields.password == "K3yc4nary"'
[[sinks]]
type = "syslog"
target = "udp://127.0.0.1:9"
filter = 'fields.authorization == "Bearer P4tc4nary"'
[[sinks]]
type = "console"
format = "template:{{message}} token=P4tc4nary"
"""
WRONG = """
level = "password=P4tc4nary"
enrich = ["Bearer P4tc4nary1234"]
format = "token:P4tc4nary"
filter = 'fields.a = "token=P4tc4nary'
rotation = "secret=P4tc4nary"
[levels]
"app.token=P4tc4nary" = "ERROR"
"""
COMMANDS = [
    *("check", "check --json", "check --json-errors"),
    *("check --explain --logger app.token=P4tc4nary", "check --explain --json"),
    *("doctor --config", "doctor --json --config"),
]
TOOL = "from mplog.cli.main import main\nsys.exit(main(sys.argv[1:]))\n"


def said(world, *words):
    """What a command prints, on both."""
    return "".join(world.start(TOOL, *words).communicate(timeout=60))


def test_no_command_shows_a_secret_of_the_configuration(world, tmp_path):
    """Right or wrong, what stands in it is told without what looks like one, to people and to
    programs; what is no secret is told.
    """
    right, wrong = tmp_path / "right.toml", tmp_path / "wrong.toml"
    right.write_text(CONFIG.format(log=world.log))
    wrong.write_text(WRONG)
    told = {
        (config.stem, words): said(world, *words.split(), str(config))
        for config in (right, wrong)
        for words in COMMANDS
    }

    assert [] == [words for words, text in told.items() if any(one in text for one in CANARIES)]
    for (config, words), text in told.items():
        if config == "wrong":
            assert "MPL-C001" in text, words
        elif "--explain" in words:
            assert 'fields.password == "[redacted]"' in text.replace("\\", "")
            assert "fields.card" in text
