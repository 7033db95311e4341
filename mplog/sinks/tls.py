"""TLS as a client: the far side's certificate and name are always verified; TLS 1.2 at least.

There is no switch that turns this off. A certificate that signs itself is trusted by naming it as
`ca_file`, another name than the host's by `server_name`.
"""

from __future__ import annotations

import errno
import select
import socket
import ssl
import time
from functools import partial
from typing import NamedTuple

from mplog.sinks.stream import Stream

_VERDICT_S = 0.1
_MOST_BYTES = 1024  # what OpenSSL takes for a password


class TlsFiles(NamedTuple):
    """PEM files; they are read for each connection, so they may be renewed.

    Attributes:
        ca: certificates to trust; "": those of the system.
        cert, key: our own certificate and its key; "": none. A key may stand with its certificate.
        password: in which the key's password stands; "": it has none. No PEM.
    """

    ca: str = ""
    cert: str = ""
    key: str = ""
    password: str = ""


def secured(sock: socket.socket, name: str, files: TlsFiles, timeout_s: float) -> TlsStream:
    """*sock* after the handshake.

    Args:
        sock: connected; it is closed where this fails.
        name: whom the certificate must be for.
        timeout_s: for the handshake, and then for as long as the far side takes nothing.

    Raises:
        OSError: a file, the handshake, or the far side's certificate.
    """
    try:
        context = ssl.create_default_context(cafile=files.ca or None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if files.cert:
            password = partial(_password, files.password)
            context.load_cert_chain(files.cert, files.key or None, password=password)
        sock.settimeout(timeout_s)
        stream = TlsStream(context.wrap_socket(sock, server_hostname=name), timeout_s)
    except BaseException:
        sock.close()
        raise
    try:
        stream.listen(min(_VERDICT_S, timeout_s))
    except BaseException:
        stream.close()
        raise
    return stream


def _password(path: str) -> bytes:
    """What a key asks for: the file's content, but for a line break at its end."""
    if not path:
        right = "name the file that it stands in (key_password_file), or give a key without"
        raise PermissionError(errno.EACCES, f"the private key asks for a password; {right}")
    with open(path, "rb") as file:
        found = file.read(_MOST_BYTES).removesuffix(b"\n").removesuffix(b"\r")
    if not 0 < len(found) < _MOST_BYTES - 2:
        raise PermissionError(errno.EACCES, "no password of a key stands in that file", path)
    return found


class TlsStream(Stream):
    """One connection, encrypted."""

    WOULD_BLOCK = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
    WANTS_TO_READ = (ssl.SSLWantReadError,)
    EXACT = False

    def __init__(self, sock: ssl.SSLSocket, timeout_s: float) -> None:
        super().__init__(sock, timeout_s)
        self._secured = sock

    def listen(self, timeout_s: float) -> None:
        """Wait that long whether the far side takes the connection back.

        In TLS 1.3 the client is done before the server has looked at its certificate; what was sent
        meanwhile would be taken by the far side's kernel, and by nobody else.

        Raises:
            OSError: it does.
        """
        until_s = time.monotonic() + timeout_s
        poll = select.poll()
        poll.register(self._sock, select.POLLIN)
        while (left_s := until_s - time.monotonic()) > 0:
            poll.poll(left_s * 1_000)
            if self.ended():
                raise self._why or ConnectionAbortedError(errno.ECONNABORTED, "closed at once")

    def _say_goodbye(self) -> None:
        self._secured.unwrap()
