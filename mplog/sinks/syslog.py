"""Syslog: RFC 5424 messages over a unix socket, UDP, TCP or TLS.

A stream may be cut at any moment, and says nothing of what had arrived. So what the far side's
kernel has not acknowledged is kept, and sent again on the next connection: after a cut messages may
be doubled, never silently lost on the way. What the far side had taken and not yet read when it was
killed is lost; syslog has no answer that could tell.
"""

from __future__ import annotations

import msgspec


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
    server_name: str = ""
