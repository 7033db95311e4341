"""A far side that is there and cannot be reached: nothing is said, so only time tells."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import told

from mplog.errors import TargetError
from mplog.sinks.syslog import SyslogSettings, SyslogSink

HERE = Path(__file__).parent
ALONE = """
import subprocess, sys
sys.path[:0] = [{here!r}, {formats!r}]
import peers, told
from mplog.errors import TargetError
from mplog.sinks.syslog import SyslogSettings, SyslogSink

def lo(state):
    subprocess.run(["ip", "link", "set", "lo", state], check=True)

lo("up")
with peers.Peer() as peer:
    sink = SyslogSink(SyslogSettings(target=f"tcp://127.0.0.1:{{peer.port}}", timeout_s=0.5))
    sink._timeout_s = 20
    sink.write(told.batch(1, 10))
    sink._link._timeout_s = sink._timeout_s = 0.5
    lo("down")
    failures = []
    for _ in range(2):
        try:
            sink.write(told.batch(11, 20))
        except TargetError as error:
            failures.append((error.temporary, error.done))
    lo("up")
    sink._timeout_s = 20
    sink.write(told.batch(11, 20))
    sink.close()
print(failures, peer.seqs() == list(range(1, 21)), peer.connections)
"""


@pytest.mark.process
@pytest.mark.needs_root
def test_a_network_that_goes_silent_is_noticed_and_gone_on_with():
    """Its interface goes down under a connection, and up again: nothing is lost or doubled."""
    source = ALONE.format(here=str(HERE), formats=str(HERE.parent / "format"))
    unshare = shutil.which("unshare")
    assert unshare
    done = subprocess.run(
        [unshare, "-n", sys.executable, "-c", source], capture_output=True, text=True,
        timeout=60, cwd=HERE.parents[1],
    )  # fmt: skip
    assert "[(True, 0), (True, 0)] True 2\n" == done.stdout, done.stderr


def test_a_connection_that_nobody_accepts_is_given_up_in_time():
    """The kernel leaves such a greeting without an answer when the line before it is full."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(address)
        sink = SyslogSink(SyslogSettings(target=f"tcp://127.0.0.1:{address[1]}", timeout_s=0.2))

        with pytest.raises(TargetError, match="timed out") as caught:
            sink.write([told.outgoing(1)])
        assert (True, 0) == (caught.value.temporary, caught.value.done)

        for one in waiting:
            one.close()
        accepting = threading.Thread(target=_read_one, args=(listener,))
        accepting.start()
        for _ in range(50):
            try:
                sink.write([told.outgoing(1)])
                break
            except TargetError:
                continue
        accepting.join(20)
        assert not accepting.is_alive()
        sink.close()


def _read_one(listener):
    """Accept until one comes that says something."""
    listener.settimeout(20)
    while True:
        conn, _ = listener.accept()
        with conn:
            if conn.recv(10):
                return
