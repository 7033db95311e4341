"""docs/reference/cli.md, made from the parsers: `python -m mplog.cli.reference`."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Iterator

from mplog.cli import exits
from mplog.cli.main import COMMANDS, parser_of

_HEAD = """\
# The command `mplog`

<!-- Made by `python -m mplog.cli.reference` from mplog/cli: edit that. -->

`mplog COMMAND …`, or `python -m mplog COMMAND …`. What was asked for is on standard output; what a
command has to tell of its own work is on stderr, one line each, in a form that cannot drive a
terminal. With `--json-errors` each error there is one line of JSON instead, with `code`, `kind`,
`text`, `hint` and `context` as [the table of errors](errors.md) has them.

Every command has `--help`, and these, which may also stand before its name:

"""
_COMMON = ("--log-level", "--log-file", "--json-errors")
_EXITS = """
Every command may end with these exit codes; its own stand with it.

"""


def markdown() -> str:
    """The page, from the parsers and the table of exit codes."""
    parsers = {name: _parser(name) for name in COMMANDS}
    common = [one for one in next(iter(parsers.values()))._actions if _is_common(one)]
    page = _HEAD + _options(common) + _EXITS + _codes(exits.COMMON)
    return page + "".join(_section(name, parser) for name, parser in parsers.items())


def _parser(name: str) -> argparse.ArgumentParser:
    parser = parser_of(name, importlib.import_module(f"mplog.cli.{name}"))
    subparsers = next(one for one in parser._actions if one.dest == "command")
    found = dict(subparsers.choices or {})[name]
    assert isinstance(found, argparse.ArgumentParser)
    return found


def _is_common(action: argparse.Action) -> bool:
    return any(flag in _COMMON for flag in action.option_strings)


def _section(name: str, parser: argparse.ArgumentParser) -> str:
    own = [one for one in parser._actions if not _is_common(one) and one.dest != "help"]
    codes = exits.OWN.get(name, {})
    text = f"\n## mplog {name}\n\n{parser.description}\n\n{_options(own)}"
    return text + f"\n{_codes(codes)}" if codes else text


def _options(actions: list[argparse.Action]) -> str:
    return "| argument | what it is for |\n|---|---|\n" + "".join(
        f"| {_shown(one)} | {_cell(one.help or '')} |\n" for one in actions
    )


def _shown(action: argparse.Action) -> str:
    value = "|".join(map(str, action.choices)) if action.choices else action.metavar
    if action.metavar is not None and action.option_strings:
        value = action.metavar
    if not action.option_strings:
        return f"`{value or action.dest}`"
    takes = f" {value}" if value and action.nargs != 0 else ""
    return _cell(", ".join(f"`{flag}{takes}`" for flag in action.option_strings))


def _codes(codes: dict[int | str, str]) -> str:
    return "| exit code | means |\n|---|---|\n" + "".join(_lines(codes))


def _lines(codes: dict[int | str, str]) -> Iterator[str]:
    for code, text in codes.items():
        yield f"| {code} | {_cell(text)} |\n"


def _cell(text: str) -> str:
    return text.replace("%%", "%").replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(markdown())
