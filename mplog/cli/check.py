"""`mplog check CONFIG`: is this file right? Starts nothing."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from mplog.cli.diagnostics import printable
from mplog.config.key import Key
from mplog.config.load import Loaded, load
from mplog.config.schema import KEYS
from mplog.errors import ConfigError
from mplog.event.redact import Redaction

if TYPE_CHECKING:
    from mplog.cli.main import Subparsers


def add(subparsers: Subparsers) -> None:
    """Add the parser of `mplog check`."""
    parser = subparsers.add_parser(
        "check",
        help="validate a configuration file; starts nothing",
        description="Validate a TOML file without starting anything, and show every setting with "
        "its value and where it comes from. Only the file is looked at, not the environment.",
    )
    parser.add_argument("config", metavar="CONFIG", type=Path, help="the TOML file")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--explain", action="store_true", help="tell what happens to an event of each level"
    )
    parser.add_argument(
        "--logger", default="root", metavar="NAME", help="whose events --explain is about (root)"
    )


def run(args: argparse.Namespace) -> int:
    """Print the settings of the file, or raise ConfigError with all that is wrong with it."""
    try:
        loaded = load(toml=args.config)
    except ConfigError as error:
        if args.json:
            print(json.dumps({"ok": False, **error.context}))
        raise
    if args.explain:
        _explain(loaded, args)
    else:
        print(json.dumps(_document(loaded)) if args.json else _table(loaded))
    return 0


def _explain(loaded: Loaded, args: argparse.Namespace) -> None:
    from mplog.cli.explain import explain, lines  # not for a mere check

    if args.json:
        events = [msgspec.to_builtins(one) for one in explain(loaded.settings, args.logger)]
        told = Redaction().value({"logger": args.logger, "events": events})
        print(json.dumps({**told, "redacted": list(loaded.settings.redact)}))
        return
    for line in lines(loaded.settings, args.logger):
        print(printable(Redaction().text(line)))


def _document(loaded: Loaded) -> dict[str, Any]:
    settings = {
        key.name: {
            "value": _value(loaded, key),
            "text": loaded.text(key.name),
            "origin": loaded.origins[key.name],
        }
        for key in KEYS.values()
    }
    return {"ok": True, "settings": settings}


def _value(loaded: Loaded, key: Key) -> Any:
    """For programs, and without what looks like a secret."""
    return Redaction().value(msgspec.to_builtins(getattr(loaded.settings, key.attribute)))


def _table(loaded: Loaded) -> str:
    rows = [(name, loaded.text(name), loaded.origins[name]) for name in KEYS]
    name_chars = max(len(row[0]) for row in rows)
    value_chars = max(len(row[1]) for row in rows)
    return "\n".join(
        f"{name:<{name_chars}}  {value:<{value_chars}}  {origin}" for name, value, origin in rows
    )
