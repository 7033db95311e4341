"""Canary secrets through every way into the log, and no file or word of error that holds one."""

from __future__ import annotations

import json

import pytest

from mplog.files.verify import verify

pytestmark = pytest.mark.process
CANARY = "S3cr3t-canary"
PROGRAM = """
    import logging
    FILES = [{"file": os.path.dirname(LOG) + f"/app.{f}", "format": f} for f in ("logfmt", "text")]
    FILES.append({"file": os.path.dirname(LOG) + "/app.own", "format": "making:line"})
    mplog.configure(LOG, files=FILES, sinks=[{"type": "callable", "target": "making:take"}])
    C = "S3cr3t-canary"
    log = mplog.get_logger("app")
    logging.getLogger("std").addHandler(mplog.Handler(LOG))
    logging.getLogger("std").propagate = False
    for _ in range(20):
        log.info("password=" + C)
        log.info(f"token: {C} for {{user}}", user="ann")
        log.info("password={p}", p=C)
        log.info("{scheme} {p}", scheme="Bearer", p=C)
        log.info("fields", password=C, a=f"password={C}", b=[{"c": f"https://u:{C}@h/"}])
        log.bind(token=C, note=f"Authorization: Basic {C}").info("bound")
        with mplog.context(api_key=C, header=f"Cookie: session={C}"):
            log.info("context")
        mplog.get_logger(f"app.token={C}").warning("logger")
        logging.getLogger("std").error("password=%s", C)
        logging.getLogger("std").error("%s", f"secret={C}")
        try:
            raise ValueError(f"login failed: password={C}")
        except ValueError as error:
            log.exception("failed")
        log.info("plain {n} at {at}", n=4, at="12:30")
    assert mplog.flush(60)
"""
MAKING = """
def line(line): return f"{line.message} {line.logger} {line.fields} {line.exception}"
def take(line):
    with open(__file__ + ".taken", "a") as out: out.write(repr(line) + "\\n")
"""


def test_no_canary_is_in_any_file_or_word(world):
    """Of every format and a sink; each event is there, and the log is proved complete."""
    folder = world.log.parent
    folder.mkdir(exist_ok=True)
    (folder / "making.py").write_text(MAKING)
    path = f"{world.environment()['PYTHONPATH']}:{folder}"
    out, err = world.run(PROGRAM, PYTHONPATH=path)
    world.gone()
    files = [one for one in folder.rglob("*") if one.is_file() and one.suffix != ".pyc"]

    assert {"app.jsonl", "app.logfmt", "app.text", "app.own"} <= {one.name for one in files}
    assert [] == [one.name for one in files if CANARY.encode() in one.read_bytes()]
    assert CANARY not in out + err
    taken = (folder / "making.py.taken").read_text()
    assert "plain 4 at 12:30" in taken
    assert 20 * 12 <= taken.count("\n")
    own = (folder / "app.own").read_text().splitlines()
    assert 20 == sum("plain 4 at 12:30" in line for line in own)
    for name in ("app.jsonl", "app.logfmt"):
        report = verify([folder / name])
        assert (0, 20 * 12) == (report.exit_code, report.events)


def test_an_unconfigured_program_shows_none_on_stderr(world):
    """What goes there because there is no service."""
    _, err = world.run(
        f"""
        mplog.get_logger("app").error("password={CANARY} {{a}}", a="Bearer {CANARY}")
        """,
        quiet=False,
        MPLOG_SERVICE=None,
    )

    assert "[redacted]" in err
    assert CANARY not in err


def test_a_switch_turns_the_patterns_off(world):
    """Keys are another setting."""
    world.run(
        f"""
        mplog.configure(LOG, redact_patterns=False)
        mplog.get_logger("app").info("password={CANARY}", token="{CANARY}")
        """
    )
    world.gone()
    line = json.loads(world.log.read_text().splitlines()[0])

    assert (f"password={CANARY}", "[redacted]") == (line["message"], line["token"])
