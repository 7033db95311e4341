"""The standard library's logging with mplog's handler, as its users set it up."""

from __future__ import annotations

import json

import proof
import pytest

pytestmark = pytest.mark.process

DICT = """
import logging.config
logging.config.dictConfig({
    "version": 1,
    "handlers": {"mplog": {"class": "mplog.Handler", "file": LOG, "rotation": "1 MB"}},
    "root": {"level": "DEBUG", "handlers": ["mplog"]},
})
"""
YAML = """
import logging.config, yaml
logging.config.dictConfig(yaml.safe_load('''
version: 1
handlers:
  mplog:
    class: mplog.Handler
    file: %s
    level: INFO
    retention: 3
root:
  level: INFO
  handlers: [mplog]
''' % LOG))
"""
INI = """
import logging.config, io
logging.config.fileConfig(io.StringIO('''
[loggers]
keys = root
[handlers]
keys = mplog
[formatters]
keys =
[logger_root]
level = INFO
handlers = mplog
[handler_mplog]
class = mplog.Handler
args = (%r,)
kwargs = {"rotation": "5 MB"}
''' % LOG))
"""
USE = """
import logging
log = logging.getLogger("shop.cart")
log.info("%s bought %d of %s", "ann", 3, "tea", extra={"order": 17})
log.warning("ratio %(part).2f", {"part": 0.5})
try:
    1 / 0
except ZeroDivisionError:
    log.exception("broken %s", "down")
log.info("does not fit %d", "text")
logging.shutdown()
log.info("after shutdown")
"""


@pytest.mark.parametrize("setup", [DICT, YAML, INI], ids=["dictConfig", "YAML", "fileConfig"])
def test_every_way_of_configuring_leads_to_structured_events(world, setup):
    """Arguments, extra and exception travel as values; logging.shutdown() does no harm."""
    assert ("", "") == world.run(setup + USE)
    world.gone()
    first, second, third, fourth, fifth = (
        line for line in proof.lines_of(world.log) if line.get("logger") == "shop.cart"
    )

    assert "ann bought 3 of tea" == first["message"]
    assert ("%s bought %d of %s", 17) == (first["template"], first["order"])
    assert ("ratio 0.50", "WARNING") == (second["message"], second["level"])
    assert "division by zero" in json.dumps(third)
    assert ("broken down", "ERROR") == (third["message"], third["level"])
    assert "ZeroDivisionError" in json.dumps(third)
    assert "does not fit %d" in fourth["message"]
    assert "text" in fourth["message"]
    assert "after shutdown" == fifth["message"]


def test_raise_exceptions_changes_nothing(world):
    """Values whose conversion fails: the event arrives, and stderr stays empty, either way."""
    world.run(
        """
        import logging
        class Bad:
            def __str__(self): raise RuntimeError("no text")
            __repr__ = __str__
        logging.getLogger().addHandler(mplog.Handler(LOG))
        for logging.raiseExceptions in (True, False):
            logging.warning("bad one: %s", "arguments", "too", "many")
            logging.warning("worse: %s", 7, extra={"bad": Bad()})
        """
    )
    world.gone()
    told = [line["message"] for line in proof.lines_of(world.log) if line["level"] == "WARNING"]

    assert 2 == sum(one.startswith("bad one") for one in told)
    assert 2 == sum(one.startswith("worse: 7") for one in told)


def test_a_handler_without_a_file_attaches_to_the_inherited_service(world):
    """A program started by a configured one: `Handler()` is enough."""
    child = world.program(
        """
        import logging
        logging.basicConfig(handlers=[mplog.Handler()], level=logging.INFO)
        logging.info("from %s", "the child")
        """
    )
    world.run(
        f"""
        import subprocess
        mplog.configure(LOG)
        done = subprocess.run([sys.executable, {str(child)!r}], capture_output=True)
        assert (0, b"", b"") == (done.returncode, done.stdout, done.stderr), done
        """
    )
    world.gone()

    assert "from the child" in [line["message"] for line in proof.lines_of(world.log)]


def test_an_unconfigured_process_sends_warnings_to_stderr_with_one_hint(world):
    """`Handler()` and no service: WARNING and above on stderr, one hint, nothing on stdout."""
    out, err = world.run(
        """
        import logging
        logging.basicConfig(handlers=[mplog.Handler()], level=logging.DEBUG)
        logging.info("not shown")
        logging.warning("shown %d", 1)
        logging.error("shown %d", 2)
        mplog.get_logger("own").warning("shown {n}", n=3)
        """,
        quiet=False,
    )

    assert "" == out
    assert "not shown" not in err
    assert 1 == err.count("mplog.configure(")
    assert ["shown 1", "shown 2", "n=3"] == [n for n in ("shown 1", "shown 2", "n=3") if n in err]
    assert all(line.startswith("mplog: ") for line in err.splitlines())
    assert not world.log.exists()


def test_an_inherited_service_that_is_gone_is_told_once(world):
    """The handle names a service that has left: one line, then as unconfigured."""
    out, err = world.run(
        'for _ in range(3): mplog.get_logger("a").error("shown")',
        quiet=False,
        MPLOG_SERVICE="left-long-ago",
    )

    assert "" == out
    assert 1 == err.count("is gone")
    assert 3 == err.count("ERROR a: shown")
