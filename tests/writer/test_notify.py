"""What the supervisor says to an init system: nothing where none listens."""

from __future__ import annotations

import os
import select
import socket

from mplog.writer import notify
from mplog.writer.notify import Init, init_of


def ended():
    """The number of a child that is gone."""
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return child


def closed(init):
    """Its pipe is let go."""
    os.close(init._read)
    os.close(init._write)


def test_where_no_init_system_waits_nothing_is_said(monkeypatch):
    """No socket is made."""
    assert init_of({}) is None
    init = Init({})
    monkeypatch.setattr(socket, "socket", None)
    init.say("READY=1")
    closed(init)


def test_a_socket_that_is_gone_is_no_error(tmp_path):
    """There is nothing to be done."""
    init = Init({"NOTIFY_SOCKET": str(tmp_path / "gone")})
    init.say("READY=1")
    closed(init)


def test_a_child_that_is_gone_is_not_waited_for(tmp_path):
    """It may have ended, and been buried, before anybody looks; its last beat is passed on by
    nobody.
    """
    there = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    there.bind(str(tmp_path / "notify"))
    there.setblocking(False)
    init = Init({"NOTIFY_SOCKET": str(tmp_path / "notify")})
    init.beat(True)
    init.wait(ended())
    init.say("STOPPING=1")
    told = there.recv(100)
    closed(init)
    there.close()

    assert b"STOPPING=1" == told


def test_each_change_is_told_at_once_and_the_rest_as_often_as_it_must(tmp_path, monkeypatch):
    """Ready also where a file cannot be written: events are taken, and wait."""
    clock = [100.0]
    monkeypatch.setattr(notify.time, "monotonic", lambda: clock[0])
    there = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    there.bind(str(tmp_path / "notify"))
    there.setblocking(False)
    init = Init({"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "3000000"})

    def told(now_s, delivers):
        clock[0] = now_s
        init.beat(delivers)
        if not select.select([init._read], [], [], 0)[0]:
            return None
        init._pass_on()
        return there.recv(1000).decode()

    waits = "STATUS=a file cannot be written, events wait in shared memory: see mplog status"
    seen = [told(100.0, False), told(100.9, False), told(101.0, False), told(101.1, True)]
    seen += [told(102.0, True), told(102.1, True)]
    closed(init)
    there.close()

    delivers = "WATCHDOG=1\nSTATUS=delivering"
    assert [f"READY=1\n{waits}", None, "WATCHDOG=1", delivers, None, "WATCHDOG=1"] == seen
