"""One parser a setting: any value in, the checked one out, or WrongValue; and the text back.

Each `parse_…` also takes what it has returned, and what its `…_text` has made of that.
"""

from __future__ import annotations

import os
import re
import sys
import types

from mplog.config import durations, named, sizes
from mplog.config.limits import MAX_EVENT_BYTES, MAX_OVERFLOW_BYTES, MIN_EVENT_BYTES
from mplog.config.wrong import WrongValue, nearest, plain
from mplog.event import level as levels

WHEN_FULL = ("overflow", "block", "drop_newest", "drop_oldest")
FORMATS = ("json", "logfmt", "text")
LAYOUT, MAX_LAYOUT_CHARS = "template:", 1_000
FORMAT_PATTERN = rf"\A(?:{'|'.join(FORMATS)}|{LAYOUT}.{{1,{MAX_LAYOUT_CHARS}}}|{named.PATTERN})\Z"
COMPRESSIONS = ("gzip", "zstd")
ZSTD_LIBRARIES = ("compression.zstd", "backports.zstd")  # the first is Python's own, from 3.14 on
SERVICE_PATTERN = r"\A[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}\Z"
# An archive's name adds a time, a generation and a suffix; a file name has at most 255 bytes.
MAX_FILE_NAME_BYTES = 200
MAX_PATH_BYTES = 4000
# The C core's paths have 512 bytes, with the service's name and a suffix after the directory.
MAX_DIR_BYTES = 400

_MODE_RIGHT = (
    'give the permission bits as octal text, "0600" or "0640", or as an int such as 0o640; '
    "the owner must be able to read and write"
)


def parse_level(value: object) -> int:
    """A level as its number, 0–255; names in any case."""
    right = f"give a number from 0 to 255, or one of {', '.join(levels.NUMBERS)}"
    given = plain(value)
    if isinstance(given, str):
        name = given.strip().upper() if len(given) <= 64 else given
        if name in levels.NUMBERS:
            return levels.NUMBERS[name]
        if name.isascii() and name.isdigit() and len(name) <= 4:
            given = int(name)
        else:
            near = nearest(name, levels.NUMBERS)
            right = f'did you mean "{near}"? Else {right}' if near else right
    if isinstance(given, bool) or not isinstance(given, int):
        raise WrongValue(value, "is not a level", right)
    if not 0 <= given <= 255:
        raise WrongValue(value, "is outside the levels", right)
    return given


def level_text(level: int) -> str:
    """A level's name, or its number where it has none."""
    return levels.NAMES.get(level) or str(level)


def parse_when_full(value: object) -> str:
    """The policy for a full lane, as its word."""
    return choice(value, WHEN_FULL)


def parse_on_internal_error(value: object) -> str:
    """The policy for a fault of mplog's own, as its word."""
    return choice(value, ("disable", "abort"))


def parse_format(value: object) -> str:
    """The format of the file's lines, as its word; or the name of a callable that makes them."""
    if type(value) is types.FunctionType:
        return named.name_of(value)
    given = plain(value)
    if isinstance(given, str) and given.startswith(LAYOUT):
        return _layout(given)
    if isinstance(given, str) and named.is_name(given):
        return given
    more = ', "template:{message}", or the name of a callable, "package.module:object"'
    return choice(value, FORMATS, more)


def _layout(given: str) -> str:
    text = given.removeprefix(LAYOUT)
    if not text.isprintable() or not 0 < len(text) <= MAX_LAYOUT_CHARS or "{" not in text:
        right = f"give names in braces, {LAYOUT}{{timestamp}} {{level}} {{message}}, on one line"
        raise WrongValue(given, "is no template of a line", right)
    return given


def choice(value: object, words: tuple[str, ...], more: str = "") -> str:
    """One of *words*; *more* is what else would be right."""
    given = plain(value)
    if isinstance(given, str) and given in words:
        return given
    right = "give " + " or ".join(f'"{word}"' for word in words) + more
    raise WrongValue(value, "is not one of the choices", right)


def parse_switch(value: object) -> bool:
    """Something that is on or off."""
    given = plain(value)
    if isinstance(given, bool):
        return given
    word = given.strip().lower() if isinstance(given, str) and len(given) <= 64 else ""
    if word in ("on", "true", "yes", "1"):
        return True
    if word in ("off", "false", "no", "0"):
        return False
    raise WrongValue(value, "is not one of the choices", 'give "on" or "off", True or False')


def switch_text(on: bool) -> str:
    """A switch as it may be written."""
    return "on" if on else "off"


def parse_block_timeout(value: object) -> float:
    """How long a full lane may hold a call, in seconds."""
    return durations.parse(value)


def parse_overflow(value: object) -> int:
    """How much the overflow may take, in bytes."""
    right = f'give a size up to "{sizes.text(MAX_OVERFLOW_BYTES)}"'
    try:
        size_bytes = sizes.parse(value)
    except WrongValue as wrong:
        wrong.right = right
        raise
    if size_bytes > MAX_OVERFLOW_BYTES:
        raise WrongValue(value, "is out of range", right)
    return size_bytes


def parse_compression(value: object) -> str | None:
    """How archives are compressed; None for not at all."""
    given = plain(value)
    word = given[:65].strip().lower() if isinstance(given, str) else None
    if given is None or word in ("", "off"):
        return None
    kind = {"gz": "gzip", "zst": "zstd"}.get(word or "", word)
    if kind not in COMPRESSIONS:
        raise WrongValue(value, "is not one of the choices", 'give "gzip", "zstd" or "off"')
    if kind == "zstd" and not _has_zstd():
        right = "install it, pip install 'mplog[zstd]', or give \"gzip\""
        raise WrongValue(value, "needs a library that is not installed", right)
    return kind


def _has_zstd() -> bool:
    return any(_is_installed(name) for name in ZSTD_LIBRARIES)


def _is_installed(library: str) -> bool:
    from importlib.util import find_spec  # for the few who want it

    try:
        return find_spec(library) is not None
    except ImportError:
        return False


def compression_text(kind: str | None) -> str:
    """A compression as it may be written."""
    return kind or "off"


def parse_mode(value: object) -> int:
    """The permission bits of the file and its archives."""
    given = plain(value)
    if isinstance(given, str):
        match = re.fullmatch(r"(?:0o)?([0-7]{1,5})", given.strip().lower(), re.ASCII)
        given = int(match[1], 8) if match else None
    if isinstance(given, bool) or not isinstance(given, int):
        raise WrongValue(value, "is not a file mode", _MODE_RIGHT)
    problem = mode_problem(given)
    if problem:
        raise WrongValue(value, problem, _MODE_RIGHT)
    return given


def mode_problem(mode: int) -> str | None:
    """What is wrong with *mode* as the permission bits of a log file, or None."""
    if not 0 <= mode <= 0o777:
        in_octal = f" (it is 0o{mode:o})" if 0 <= mode < 2**32 else ""
        return f"has other bits than the permission bits 0o777{in_octal}"
    if mode & 0o600 != 0o600:
        return "does not let the owner read and write"
    return None


def mode_text(mode: int) -> str:
    """A mode as it may be written."""
    return f"{mode:04o}"


def parse_max_event_bytes(value: object) -> int:
    """The largest event, in bytes."""
    size_bytes = sizes.parse(value)
    if not MIN_EVENT_BYTES <= size_bytes <= MAX_EVENT_BYTES:
        raise WrongValue(value, "is out of range", 'give a size from "1 KiB" to "256 KiB"')
    return size_bytes


def parse_service(value: object) -> str | None:
    """A service's name; None where the file is to give it."""
    given = plain(value)
    if given is None:
        return None
    if isinstance(given, str) and re.search(SERVICE_PATTERN, given):
        return given
    right = "give 1 to 64 characters out of A-Z a-z 0-9 . _ -, the first one not a dot"
    raise WrongValue(value, "is not a service name", right)


def parse_file(value: object) -> str | None:
    """The log file as an absolute path; None where none is named."""
    given = _path(value, 'give the path of a log file, such as "logs/app.jsonl"')
    if given is None:
        return None
    if "{" in given:
        from mplog.config.filename import filled  # for the few who have such a name

        given = filled(given, os.environ)
    path = _absolute(given, MAX_PATH_BYTES)
    right = "give the path of a regular file; it need not be there yet"
    if given.endswith(("/", "/.", "/..")) or os.path.isdir(path):
        raise WrongValue(given, "is a directory", right)
    if len(os.path.basename(path).encode()) > MAX_FILE_NAME_BYTES:
        right = f"give a file name of at most {MAX_FILE_NAME_BYTES} bytes: archives add to it"
        raise WrongValue(given, "is too long a file name", right)
    if os.path.exists(path) and not os.path.isfile(path):
        raise WrongValue(given, "is not a regular file", right)
    return path


def parse_dir(value: object) -> str | None:
    """The directory of the shared memory as an absolute path; None for the usual one."""
    given = _path(value, 'give the path of a directory, such as "/dev/shm/my-service"')
    return None if given is None else _absolute(given, MAX_DIR_BYTES)


def _path(value: object, right: str) -> str | None:
    if value is None:
        return None
    try:
        given = plain(os.fspath(value))  # type: ignore[call-overload]
    except Exception:  # a path object is anybody's code
        given = None
    if not isinstance(given, str):
        raise WrongValue(value, "is not a path", right)
    if not given.strip():
        raise WrongValue(given, "is empty", right)
    if any(_is_control(char) or "\ud800" <= char <= "\udfff" for char in given):
        wrong = "holds control characters, or bytes that are not UTF-8"
        raise WrongValue(given, wrong, right)
    return given


def _is_control(char: str) -> bool:
    return char < " " or "\x7f" <= char <= "\x9f"


def _absolute(given: str, limit_bytes: int) -> str:
    home = os.path.expanduser(given)
    if home.startswith("~"):
        wrong = "names a home directory that is not known here"
        raise WrongValue(given, wrong, "give the path without ~")
    try:
        path = re.sub(r"\A//+", "/", os.path.abspath(home))  # POSIX leaves two to the system
    except OSError:
        wrong = "is relative, and the current directory is no longer there"
        raise WrongValue(given, wrong, "give an absolute path") from None
    try:
        path_bytes = len(os.fsencode(path))
    except UnicodeEncodeError:
        wrong = f"cannot be a path here: file names are {sys.getfilesystemencoding()}"
        raise WrongValue(given, wrong, "set LC_ALL=C.UTF-8, or PYTHONUTF8=1") from None
    if path_bytes > limit_bytes:
        right = f"give a path that has at most {limit_bytes} bytes once it is absolute"
        raise WrongValue(given, "is too long a path", right)
    return path


def path_text(path: str | None) -> str:
    """A path or name for people."""
    return "not set" if path is None else path
