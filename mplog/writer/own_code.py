"""What is told when a user's own code fails in the writer: the callable of a `filter`, a `format`
or a `rotation`. The log goes on without its answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mplog.event.redact import redact_text

if TYPE_CHECKING:
    from mplog.writer.state import FileSink, Job

CODE = "MPL-U004"
PROBLEM_BYTES = 243  # of the bell: what is longer would lose its end, where the code stands


def complain(job: Job, sink: FileSink, what: str, problem: str, meanwhile: str) -> None:
    """Tell the programs of it, in a text that has room.

    Args:
        what: the setting and the callable's name, as "filter shop.rules:keep".
        problem: what it has done.
        meanwhile: what becomes of the event, or of the file.
    """
    end = f"; {meanwhile} [{CODE}]".encode()
    left_bytes = PROBLEM_BYTES - len(end)
    # It was given events as they were logged, and may say anything of them.
    said = redact_text(problem)
    text = b""
    for place in (str(sink.path), sink.path.name):
        text = f"{what} of {place}: {said}".encode("utf-8", "backslashreplace")
        if len(text) <= left_bytes:
            break
    job.tell(text[:left_bytes].decode("utf-8", "ignore") + end.decode())
