"""Many places of settings into one `Settings`, or one error that tells all that is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import msgspec

from mplog.config.files import files_problem
from mplog.config.key import NOT_SHOWN, SECRET_PLACE
from mplog.config.schema import KEYS, Settings
from mplog.config.sources import Source, environment, in_arguments, on_command_line, toml_file
from mplog.config.wrong import WrongValue
from mplog.errors import ConfigError, Problem

if TYPE_CHECKING:
    from pathlib import Path

DEFAULT = "default"
_NOTHING: Mapping[str, object] = MappingProxyType({})


class Loaded(msgspec.Struct, frozen=True):
    """What a load has found.

    Attributes:
        settings: every setting.
        origins: for every key the place it comes from: "app.toml: rotation", or "default".
        given: the keys that some place has set.
        overruled: a sentence for each value that the command line has overruled with another one.
    """

    settings: Settings
    origins: dict[str, str]
    given: frozenset[str]
    overruled: tuple[str, ...] = ()

    def text(self, key: str) -> str:
        """The value of *key* as it may be told."""
        if self.origins[key].startswith(SECRET_PLACE):
            return NOT_SHOWN
        return KEYS[key].shown(getattr(self.settings, KEYS[key].attribute))


class _Finding(msgspec.Struct, frozen=True):
    key: str
    value: Any
    place: str
    operator: bool


def load(
    *,
    arguments: Mapping[str, object] = _NOTHING,
    environ: Mapping[str, str] = MappingProxyType({}),
    toml: Path | None = None,
    operator: Mapping[str, object] = _NOTHING,
) -> Loaded:
    """Read and check all settings: command line, then environment, arguments, TOML, default.

    Args:
        arguments: what `configure()` was called with; only what was really given.
        environ: the environment; only its `MPLOG_*` names are looked at.
        toml: a TOML file.
        operator: what stood on the command line of mplog, by key.

    Raises:
        ConfigError: with every problem of all places, also of values that another place overrules.
    """
    problems: list[Problem] = []
    sources = [on_command_line(operator), environment(environ), in_arguments(arguments)]
    if toml is not None:
        sources.append(toml_file(toml))
    findings: list[_Finding] = []
    for number, source in enumerate(sources):
        problems.extend(source.problems)
        findings.extend(_read(source, number == 0, problems))
    if problems:
        raise ConfigError.of(problems)
    return _choose(findings)


def _read(source: Source, operator: bool, problems: list[Problem]) -> list[_Finding]:
    findings = []
    for name, raw in source.values.items():
        key, place = KEYS[name], source.places[name]
        if raw is None and key.none_is_unset:
            continue
        try:
            findings.append(_Finding(name, key.parse(raw), place, operator))
        except WrongValue as wrong:
            secret = place.startswith(SECRET_PLACE)
            found = f"what stands there is no {name}, and is not shown" if secret else wrong.found
            problems.append(Problem(place, found, f"give {key.takes}" if secret else wrong.right))
    return findings


def _choose(findings: list[_Finding]) -> Loaded:
    """The first finding of each key wins: they come in the order of precedence."""
    chosen: dict[str, _Finding] = {}
    overruled = []
    for finding in findings:
        winner = chosen.setdefault(finding.key, finding)
        if winner.operator and winner.value != finding.value:
            text = KEYS[finding.key].shown
            secret = finding.place.startswith(SECRET_PLACE)
            given = NOT_SHOWN if secret else text(finding.value)
            overruled.append(
                f"{finding.place}: {given} gives way to {text(winner.value)} "
                f"from the {winner.place}"
            )
    values = {KEYS[name].attribute: finding.value for name, finding in chosen.items()}
    problem = files_problem(values.get("file"), values.get("files", ()))
    if problem:
        right = "name each file once"
        raise ConfigError.of([Problem(chosen["files"].place, problem, right)])
    origins = {name: chosen[name].place if name in chosen else DEFAULT for name in KEYS}
    return Loaded(Settings(**values), origins, frozenset(chosen), tuple(overruled))
