"""What the supervisor says to an init system: nothing where none listens."""

from __future__ import annotations

import os
import socket

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
    init.beat()
    init.wait(ended())
    init.say("STOPPING=1")
    told = there.recv(100)
    closed(init)
    there.close()

    assert b"STOPPING=1" == told
