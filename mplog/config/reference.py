"""docs/reference/configuration.md, made from the schema: `python -m mplog.config.reference`."""

from __future__ import annotations

import sys

from mplog.config.key import Key
from mplog.config.schema import KEYS, Settings
from mplog.config.sink import SinkSettings
from mplog.config.sinktypes import COMMON, TYPES

_HEAD = """\
# Configuration

<!-- Made by `python -m mplog.config.reference` from mplog/config/schema.py: edit that. -->

Every setting can be an argument of `mplog.configure()`, a key of a TOML file, or an environment
variable. Where several places set one key, the first of these wins: the command line of `mplog`,
the environment, `configure()`, the TOML file, the default.

Settings of the *process* hold for the process that gives them. Settings of the *service* hold for
everybody who logs to the file: those of the service that already runs win, and the difference is
told.

"""

_SINKS = """
## Sinks

Each table of `sinks` has a `type`, what is common to all, and what its type has of its own.

"""

_TAIL = """
`MPLOG_SERVICE`, `MPLOG_DIR` and `MPLOG_SETTINGS` in the environment are not settings: by them a
child process finds the service of its parent, or sets it up again where it has left meanwhile. Any
other unknown `MPLOG_…` name is an error.

The value of a variable may stand in a file: `MPLOG_SINKS_FILE=/run/secrets/sinks` is `MPLOG_SINKS`
with what that file holds, but for a line break at its end. So it is for each of them. What comes
from such a file is shown by no command and in no error. [More](../howto/secrets.md). An empty
`MPLOG_FILE` or `MPLOG_OVERFLOW_DIR` is as none.

## TOML

The keys stand at the top level of a file of their own, or in a table `[mplog]` or `[tool.mplog]`
(as in `pyproject.toml`); where such a table is there, nothing else in the file is read.

```toml
file = "logs/app.jsonl"
level = "INFO"
rotation = "100 MB"
retention = 10
```

`mplog check FILE` says what is wrong with such a file, and starts nothing. Every wrong value and
every unknown key is told at once, with its place and with what would be right. Python 3.10 has no
reader for TOML of its own: there `pip install tomli` as well.
"""


def markdown() -> str:
    """The page, from the schema."""
    rows = [
        "| key | environment | of the | takes | default | what it is for |",
        "|---|---|---|---|---|---|",
        *(_row(key) for key in KEYS.values()),
    ]
    return _HEAD + "\n".join(rows) + "\n" + _TAIL + _sinks()


def _sinks() -> str:
    """What a table of `sinks` may hold, from the table of its keys."""
    rows = ["| type | key | takes | default | what it is for |", "|---|---|---|---|---|"]
    default = SinkSettings(kind="")
    for key in COMMON:
        value = getattr(default, key.attribute)
        shown = f"`{key.text(value)}`" if value not in ("", None) else "not set"
        rows.append(f"| all | `{key.name}` | {key.takes} | {shown} | {key.what} |")
    for kind, keys in TYPES.items():
        rows += [f"| {kind} | `{key.name}` | {key.takes} | | {key.what} |" for key in keys]
    return _SINKS + "\n".join(rows) + "\n"


def _row(key: Key) -> str:
    default = getattr(Settings(), key.attribute)
    shown = "not set" if default is None and key.none_is_unset else f"`{key.text(default)}`"
    variable = f"`{key.environment}`" if key.environment else "–"
    return f"| `{key.name}` | {variable} | {key.scope} | {key.takes} | {shown} | {key.what} |"


if __name__ == "__main__":
    sys.stdout.write(markdown())
