"""Syslog: RFC 5424 messages over a unix socket, UDP, TCP or TLS.

Syslog has no answers. Over TCP and TLS an event counts as delivered when the far side's kernel has
acknowledged it; so a cut connection loses nothing on the way, and may double what it had taken
just before. What the far side was killed with, unread, is lost. Over UDP and unix sockets an event
is delivered when the kernel has taken it.
"""

from __future__ import annotations

import errno
from collections.abc import Sequence

import msgspec

from mplog.config import syslog as config
from mplog.config.syslog import MIN_BYTES, Address, required
from mplog.errors import TargetError, UsageError
from mplog.format.base import Format
from mplog.format.syslog import SyslogFormat
from mplog.sinks import datagrams, stream
from mplog.sinks.base import Outgoing


class SyslogSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a syslog sink is told.

    Attributes:
        target: `unix:/dev/log` (datagrams where the socket takes them, else a stream),
            `unix-dgram:PATH`, `unix-stream:PATH`, `udp://HOST[:514]`, `tcp://HOST[:601]`,
            `tls://HOST[:6514]`.
        facility: a name of RFC 5424, as "daemon" or "local0".
        app: the application's name.
        host: this machine's name; "": as the kernel has it.
        sd_id: what the fields stand under, with an enterprise number.
        framing: how messages are told apart in a stream: "octets" counts them (RFC 6587), "lf" ends
            each with a line feed; "": octets over TCP and TLS, lf over a unix stream.
        max_bytes: a message's limit; longer ones are cut, and say so.
        bom: whether a text that is not ASCII begins with a byte order mark, as the RFC asks.
        timeout_s: for connecting, and for as long as the far side takes nothing.
        ca_file: certificates to trust (PEM); "": those of the system.
        cert_file, key_file: the client's own certificate and key (PEM).
        key_password_file: what the key is encrypted with stands in it; "": it is not.
        server_name: the name that the certificate must be for; "": the target's host.
    """

    target: str = "unix:/dev/log"
    facility: str = "user"
    app: str = "mplog"
    host: str = ""
    sd_id: str = "mplog@32473"
    framing: str = ""
    max_bytes: int = 8_192
    bom: bool = True
    timeout_s: float = 5.0
    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""
    key_password_file: str = ""
    server_name: str = ""


class SyslogSink:
    """Events to a syslog server.

    Args:
        settings: where and how.
        body: makes the text of a message, instead of the event's own with the fields beside it.

    Raises:
        UsageError: a setting is wrong.
    """

    def __init__(self, settings: SyslogSettings, body: Format | None = None) -> None:
        self._address = required(config.parse_target, settings.target, "syslog target")
        self._framing = required(config.framing, settings.framing, "syslog framing")
        self._timeout_s = required(config.timeout_s, settings.timeout_s, "syslog timeout_s")
        if settings.key_file and not settings.cert_file:
            raise UsageError("syslog key_file: it has no certificate; give cert_file with it")
        self._settings = settings
        self._form = SyslogFormat(
            facility=settings.facility,
            app=settings.app,
            host=settings.host,
            sd_id=settings.sd_id,
            bom=settings.bom,
            max_bytes=settings.max_bytes,
            body=body,
        )
        self._link: stream.Stream | datagrams.Datagrams | None = None

    def open(self) -> None:
        """Connect.

        Raises:
            TargetError: that was not possible.
        """
        self.close()
        self._connected(0)

    def write(self, batch: Sequence[Outgoing]) -> None:
        """Deliver all of *batch*; connects anew where the far side has gone since.

        Raises:
            TargetError: `done` of them have been delivered.
        """
        link = self._link
        if isinstance(link, stream.Stream) and link.ended():
            self.close()
            link = None
        if link is None:
            link = self._connected(0)
        if isinstance(link, stream.Stream):
            self._stream(link, batch)
        else:
            self._datagrams(link, batch)

    def flush(self) -> None:
        """Nothing waits here."""

    def close(self) -> None:
        """Let go of the connection."""
        link, self._link = self._link, None
        if link is not None:
            link.close()

    def _stream(self, link: stream.Stream, batch: Sequence[Outgoing]) -> None:
        framing = self._framing or ("lf" if self._address.port == 0 else "octets")
        messages = [self._form.message(one.event, one.stamped) for one in batch]
        try:
            if framing == "octets":
                link.deliver([b"%d %b" % (len(message), message) for message in messages])
            else:
                link.deliver([message + b"\n" for message in messages])
        except stream.Broken as broken:
            self._link = None
            raise self._error(broken.why, broken.done) from broken

    def _datagrams(self, link: datagrams.Datagrams, batch: Sequence[Outgoing]) -> None:
        done = 0
        try:
            for one in batch:
                self._datagram(link, one)
                done += 1
        except OSError as error:
            self.close()  # somebody else may listen there by now
            if self._address.kind == "udp" and error.errno == errno.ECONNREFUSED:
                done = max(done - 1, 0)  # it is about the one before
            raise self._error(error, done) from error
        refused = link.refused()
        if refused is not None:
            self.close()
            raise self._error(refused, max(len(batch) - 1, 0))

    def _datagram(self, link: datagrams.Datagrams, one: Outgoing) -> None:
        def made(max_bytes: int | None) -> bytes:
            return self._form.message(one.event, one.stamped, max_bytes)

        link.send(made, MIN_BYTES)

    def _connected(self, done: int) -> stream.Stream | datagrams.Datagrams:
        try:
            link = self._connect(self._address)
        except OSError as error:
            raise self._error(error, done) from error
        self._link = link
        return link

    def _connect(self, to: Address) -> stream.Stream | datagrams.Datagrams:
        timeout_s = self._timeout_s
        if to.kind == "udp":
            return datagrams.connect_udp(to.host, to.port, timeout_s)
        if to.kind == "tcp":
            return stream.Stream(stream.connect(to.host, to.port, timeout_s), timeout_s)
        if to.kind == "tls":
            from mplog.sinks import tls  # only who uses it pays for OpenSSL

            s = self._settings
            name = s.server_name or to.host
            files = tls.TlsFiles(s.ca_file, s.cert_file, s.key_file, s.key_password_file)
            sock = stream.connect(to.host, to.port, timeout_s)
            return tls.secured(sock, name, files, timeout_s)
        if to.kind != "unix-stream":
            try:
                return datagrams.connect_unix(to.host, timeout_s)
            except OSError as error:
                if error.errno != errno.EPROTOTYPE or to.kind == "unix-dgram":
                    raise
        return stream.Stream(stream.connect_unix(to.host, timeout_s), timeout_s)

    def _error(self, why: OSError, done: int) -> TargetError:
        target = self._settings.target
        return TargetError(f"syslog {target}: {why}", temporary=True, done=done, errno=why.errno)
