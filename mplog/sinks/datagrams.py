"""A socket that takes each message as one datagram: UDP, or a unix socket."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable


def connect_udp(host: str, port: int, timeout_s: float) -> Datagrams:
    """Datagrams to the first address that *host* has.

    Raises:
        OSError: it has none, or none that can be reached from here.
    """
    why: OSError = OSError(errno.EADDRNOTAVAIL, f"{host} has no address")
    for family, kind, protocol, _, address in socket.getaddrinfo(
        host, port, type=socket.SOCK_DGRAM
    ):
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(timeout_s)
            sock.connect(address)
        except OSError as error:
            sock.close()
            why = error
            continue
        return Datagrams(sock)
    raise why


def connect_unix(path: str, timeout_s: float) -> Datagrams:
    """Datagrams to the unix socket at *path*.

    Raises:
        OSError: nobody is there; EPROTOTYPE: it is a stream's.
    """
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        sock.settimeout(timeout_s)
        sock.connect(path)
    except BaseException:
        sock.close()
        raise
    return Datagrams(sock)


class Datagrams:
    """A connected socket.

    Args:
        sock: with a time-out, for as long as a local far side takes nothing.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def send(self, made: Callable[[int | None], bytes], least_bytes: int) -> None:
        """Hand over one datagram, a shorter one where the whole is more than the socket takes.

        Args:
            made: gives the message within a limit in bytes; None: the usual one.
            least_bytes: it is not asked for a shorter one.

        Raises:
            OSError: it was not taken. Of UDP, ECONNREFUSED is about the datagram before this one.
        """
        data = made(None)
        while True:
            try:
                self._sock.send(data)
                return
            except OSError as error:
                if error.errno != errno.EMSGSIZE or len(data) <= least_bytes:
                    raise
            data = made(max(least_bytes, len(data) * 3 // 4))

    def refused(self) -> OSError | None:
        """What the network has said meanwhile about what was sent."""
        number = self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        return OSError(number, "nobody takes the datagrams") if number else None

    def close(self) -> None:
        """Let go of it."""
        self._sock.close()
