"""What is done with an event on its way: what is added to it, what is hidden of it."""

from __future__ import annotations

from mplog.config import secrets, values
from mplog.config.key import Key


def _enrichers(value: object) -> tuple[str, ...]:
    """Their words, checked. Most processes have none, and load nothing for it."""
    if value is None or value is False or (type(value) is str and value == "off"):
        return ()
    from mplog.config.enrich import parse

    return parse(value)


KEYS = (
    Key(
        "redact",
        "redact",
        "process",
        secrets.parse_redact,
        secrets.redact_text,
        'names of keys, `"password, token"` or a list; with a leading `+`, `"+iban"`, they are '
        'added to the defaults; `"off"` or `None` for none',
        "Keys whose values are replaced by `[redacted]` in the process that logs them, at any "
        "depth: a key that is a name or ends in one as a word of its own (`db_token`, "
        "`accessToken`), in any case, with and without separators (`apiKey`, `api-key`).",
    ),
    Key(
        "redact_patterns",
        "redact_patterns",
        "service",
        values.parse_switch,
        values.switch_text,
        '`"on"` or `"off"`, `True` or `False`',
        "What looks like a secret is replaced by `[redacted]` in all that the writer puts out: "
        "what follows a name of `redact` and `=` or `:`, `Bearer` and a token, the password in a "
        "URL, card numbers. [More](../howto/redaction.md).",
    ),
    Key(
        "enrich",
        "enrich",
        "process",
        _enrichers,
        lambda words: ", ".join(words) or "off",
        "`host`, `service`, `version`, `environment`, `container`, `slurm`, `rank` or `all`; "
        "`name=value`, as `environment=production`; a callable, or its name "
        '(`"package.module:object"`); several as `"host, rank"`, as a list, or as a map '
        '(`{"host": true, "version": "1.4"}`); `"off"` or `None` for none',
        "Fields that every event of a process has: where it runs and what it is, or what the "
        "callable returns, which is called once in each process. "
        "[More](../howto/enrich.md).",
    ),
)
