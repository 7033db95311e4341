"""What is told of a user's own code that fails in the writer."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from mplog.producer.trouble import code_of
from mplog.writer.own_code import PROBLEM_BYTES, complain

LONG = "/very/long" * 40


@pytest.mark.parametrize("path", ["/l/app.jsonl", f"{LONG}/app.jsonl", f"/l/{'é' * 120}.jsonl"])
@pytest.mark.parametrize("problem", ["it has raised E", "it has raised " + "é" * 300])
def test_the_end_of_what_is_told_is_never_cut(place, path, problem):
    """However long path and error are: through shared memory, the name, what becomes of events, and
    the code are there.
    """
    sink = SimpleNamespace(path=Path(path))

    complain(place.job, sink, "filter shop.rules:keep", problem, "what it fails at is written")

    told, code = code_of(place.job.reader.problem)
    assert place.job.problem == place.job.reader.problem
    assert len(place.job.problem.encode()) <= PROBLEM_BYTES
    assert told.startswith("filter shop.rules:keep of ")
    assert told.endswith("; what it fails at is written")
    assert "MPL-U004" == code
    assert ("it has raised E" in told) or len(problem) > 30 or len(sink.path.name) > 100


def test_no_secret_that_an_error_repeats_is_told(place):
    """What raised was given events as they were logged."""
    sink = SimpleNamespace(path=Path("app.jsonl"))

    complain(place.job, sink, "format a:b", "it has raised E: password=hunter2", "text instead")

    assert "hunter2" not in place.job.reader.problem
    assert "[redacted]" in place.job.reader.problem
