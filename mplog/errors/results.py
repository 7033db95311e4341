"""A negative result of the C core becomes an error of the tree."""

from __future__ import annotations

import errno
import os
from typing import Any

from mplog import errors
from mplog.errors import MplogError
from mplog.errors.table import CLASSES, RESULTS, Result


def of_code(code: str, text: str, **context: Any) -> MplogError:
    """The error that carries *code*; one of our own where no such code is known.

    Args:
        code: as "MPL-S003".
        text: what has happened.
        context: values for programs.
    """
    cls: type[MplogError] = getattr(errors, CLASSES.get(code, "InternalError"))
    return cls(text, code=code if code in CLASSES else None, **context)


def from_result(result: int, doing: str, **context: Any) -> MplogError:
    """The error for a negative result of the C core; raise what this returns.

    Args:
        result: a number of native/include/errors.def, or -errno.
        doing: what was tried, as "creating the segment /dev/shm/…".
        context: values for programs; `errno=` is told in the text too.
    """
    row = RESULTS.get(result) or _of_errno(result)
    cause = f" ({os.strerror(context['errno'])})" if context.get("errno") else ""
    context["result"] = row.name
    return of_code(row.code, f"{doing}: {row.text}{cause}", **context)


def _of_errno(result: int) -> Result:
    name = errno.errorcode.get(-result)
    if name is None:
        text = f"unknown result {result} of the C core"
        return Result(str(result), result, "MPL-I001", text)
    full = -result in (errno.ENOSPC, errno.ENOMEM, errno.EDQUOT)
    return Result(name, result, "MPL-S003" if full else "MPL-S001", os.strerror(-result))
