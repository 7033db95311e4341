"""mplog.accelerate() in whole programs: the lines in the file are those of logging."""

from __future__ import annotations

import proof
import pytest

pytestmark = pytest.mark.process

SETUP = """
import asyncio, logging, logging.config, threading
logging.config.dictConfig({
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"mplog": {"class": "mplog.Handler", "file": LOG}},
    "root": {"level": "INFO", "handlers": ["mplog"]},
    "loggers": {"quiet": {"level": "ERROR"}},
})
if "accelerated" in sys.argv:
    mplog.accelerate()
log = logging.getLogger("shop.cart")
for _ in range(2):  # the second time, nothing is new
"""
USE = """
    log.debug("not shown")
    log.info("%s bought %d of %s", "ann", 3, "tea", extra={"order": 17, "password": "x"})
    log.warning("ratio %(part).2f", {"part": 0.5})
    log.error("failed: %s", ValueError("x"))
    log.log(35, "odd %r", [1])
    log.info("does not fit %d", "text")
    logging.getLogger("quiet.one").warning("not shown")
    logging.getLogger("quiet.one").error("shown")
    logging.LoggerAdapter(log, {"user": "ann"}).info("adapted")
    logging.info("of the root")
    log.info("deeper", stacklevel=2)
    log.exception("without an exception")
    try:
        1 / 0
    except ZeroDivisionError:
        log.exception("broken %s", "down")
    async def task():
        with mplog.context(user="eve"):
            log.info("in a task")
    asyncio.run(task())
    thread = threading.Thread(target=log.info, args=("in a %s", "thread"), name="worker")
    thread.start()
    thread.join()
    logging.disable(logging.WARNING)
    log.warning("not shown")
    log.error("shown")
    logging.disable(logging.NOTSET)
"""
OF_THE_RUN = ("timestamp", "session", "seq", "process.pid", "thread.id")


def test_an_accelerated_program_writes_the_same_lines(world):
    """But for what differs from run to run: times, pids, sessions, threads."""
    told = []
    for way in ("as it is", "accelerated"):
        world.log = world.root / way / "app.jsonl"
        world.log.parent.mkdir()
        program = world.root / "program.py"
        program.write_text(world.program(SETUP + USE).read_text())
        world.run(program, way)
        world.gone()
        lines = [line for line in proof.lines_of(world.log) if "seq" in line]
        told.append([{k: v for k, v in line.items() if k not in OF_THE_RUN} for line in lines])
    assert told[0] == told[1]
    assert 28 == len(told[0])


def test_children_of_a_fork_go_on_accelerated(world):
    """Each in a session of its own, through the loggers that they have inherited."""
    world.run(
        """
        import logging
        logging.basicConfig(handlers=[mplog.Handler(LOG)], level=logging.INFO)
        mplog.accelerate()
        log = logging.getLogger("shop")
        log.info("before")
        children = []
        for number in range(3):
            child = os.fork()
            if child == 0:
                for _ in range(100):
                    log.info("child %d", number)
                os._exit(0)
            children.append(child)
        for child in children:
            assert os.waitpid(child, 0)[1] == 0
        log.info("after")
        """
    )
    world.gone()
    lines = [line for line in proof.lines_of(world.log) if line.get("logger") == "shop"]
    said = [line["message"] for line in lines]
    assert [100] * 3 == [said.count(f"child {number}") for number in range(3)]
    assert 4 == len({line["session"] for line in lines})
    assert ("before", "after") == (said[0], said[-1])


def test_accelerated_and_unconfigured_warnings_go_to_stderr(world):
    """`Handler()` without a service: as without acceleration, until there is one."""
    out, err = world.run(
        """
        import logging
        logging.basicConfig(handlers=[mplog.Handler()], level=logging.DEBUG)
        mplog.accelerate()
        for _ in range(2):
            logging.getLogger("shop").info("not shown")
            logging.getLogger("shop").warning("shown %d", 1)
        mplog.configure(LOG)
        logging.getLogger("shop").info("in the file %d", 2)
        mplog.shutdown()
        logging.getLogger("shop").info("and later")
        """,
        quiet=False,
    )
    world.gone()
    assert "" == out
    assert "not shown" not in err
    assert 2 == err.count("shown 1")
    told = [line["message"] for line in proof.lines_of(world.log) if line["logger"] == "shop"]
    assert ["in the file 2", "and later"] == told
