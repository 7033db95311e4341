"""Real syslog servers: each a process of its own, configured in a directory of a test."""

from __future__ import annotations

import os
import random
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import rfc5424

UNPACKED = Path(sys.prefix) / "receivers"  # .ci/receivers
FIELDS = ("time", "host", "app", "procid", "msgid", "data", "text")
START_TIMEOUT_S = 60.0
_DICE = random.SystemRandom()
_LISTENS = "0A"  # the state of a TCP socket, as proc(5) has it
_TAKES = {("0002", "00000000"), ("0001", "00010000")}  # datagrams; a stream that listens

RSYSLOG = r"""
global(workDirectory="{place}" maxMessageSize="64k" parser.escapeControlCharactersOnReceive="off"
  defaultNetstreamDriverCAFile="{certs}/ca.pem" defaultNetstreamDriverCertFile="{certs}/server.pem"
  defaultNetstreamDriverKeyFile="{certs}/server.key")
module(load="imtcp" maxSessions="500")
module(load="imudp")
module(load="imuxsock" SysSock.Use="off")
input(type="imtcp" address="127.0.0.1" port="{tcp}")
input(type="imtcp" address="127.0.0.1" port="{tls}" streamDriver.name="ossl" streamDriver.mode="1"
  streamDriver.authMode="{auth}")
input(type="imudp" address="127.0.0.1" port="{udp}" rcvbufSize="8m")
input(type="imuxsock" socket="{place}/log" useSpecialParser="off" parseHostname="on"
  rateLimit.interval="0" useSysTimeStamp="off" ignoreTimestamp="off" annotate="off")
template(name="line" type="string" string="{line}\n")
action(type="omfile" file="{out}" template="line" asyncWriting="off" ioBufferSize="4m"
  flushOnTXEnd="on")
"""
SYSLOG_NG = r"""
@version: 3.38
options {{ keep-hostname(yes); chain-hostnames(no); keep-timestamp(yes); log-msg-size(65536);
  flush-lines(1); stats-freq(0); create-dirs(no); use-dns(no); frac-digits(6); time-zone("UTC");
  send-time-zone("UTC"); }};
source s {{
  syslog(ip("127.0.0.1") transport("tcp") port({tcp}));
  network(ip("127.0.0.1") transport("tcp") port({lf}) flags(syslog-protocol));
  syslog(ip("127.0.0.1") transport("udp") port({udp}) so-rcvbuf(8388608));
  syslog(ip("127.0.0.1") transport("tls") port({tls}) tls(key-file("{certs}/server.key")
    cert-file("{certs}/server.pem") ca-file("{certs}/ca.pem") peer-verify({verify})));
  unix-dgram("{place}/log" flags(syslog-protocol));
  unix-stream("{place}/stream" flags(syslog-protocol));
}};
template line {{ template("{line}\n"); }};
destination d {{ file("{out}" template(line)); }};
log {{ source(s); destination(d); }};
"""

NAMES = {
    "rsyslog": "%timestamp:::date-rfc3339% %hostname% %app-name% %procid% %msgid% "
    "%structured-data% %msg%",
    "syslog-ng": "${ISODATE} ${HOST} ${PROGRAM} ${PID} ${MSGID} ${SDATA} ${MSG}",
}


class Line(NamedTuple):
    """What the server has written of one message."""

    time: str
    host: str
    app: str
    procid: str
    msgid: str
    data: dict[str, str]
    text: str

    @property
    def seq(self) -> int:
        """The event's number."""
        return int(self.data["seq"])


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens at, for TCP and UDP; none of those that the kernel gives to whoever
    asks for any, which would take them while the server is not there.
    """
    held = []
    ports: list[int] = []
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    try:
        while len(ports) < count:
            stream, datagram = socket.socket(), socket.socket(type=socket.SOCK_DGRAM)
            held += [stream, datagram]
            port = _DICE.randrange(10_000, max(first, 20_000))
            try:
                stream.bind(("127.0.0.1", port))
                datagram.bind(("127.0.0.1", port))
            except OSError:
                continue
            ports.append(port)
    finally:
        for sock in held:
            sock.close()
    return ports


class Receiver:
    """One server.

    Args:
        name: "rsyslog" or "syslog-ng".
        place: a directory of its own, its path short enough for a socket's.
        certs: with ca.pem, server.pem and server.key.
        client_certificates: whether a client must have one over TLS.
    """

    def __init__(self, name: str, place: Path, certs: Path, client_certificates: bool = False):
        self.root = UNPACKED / name
        if not self.root.is_dir():
            pytest.skip(f"needs {name}: .ci/receivers {UNPACKED}")
        self.name, self.place, self.out = name, place, place / "out"
        names = ("tcp", "udp", "tls", "lf")
        self.ports = dict(zip(names, free_ports(len(names)), strict=True))
        if name == "rsyslog":
            self.ports["lf"] = self.ports["tcp"]  # it tells the framings apart by itself
        config = {"rsyslog": RSYSLOG, "syslog-ng": SYSLOG_NG}[name].format(
            place=place, certs=certs, out=self.out, **self.ports,
            line=NAMES[name].replace(" ", "\\t"),
            auth="x509/certvalid" if client_certificates else "anon",
            verify="required-trusted" if client_certificates else "optional-untrusted",
        )  # fmt: skip
        (place / "conf").write_text(config)
        self.process: subprocess.Popen[bytes] | None = None

    def target(self, kind: str) -> dict[str, Any]:
        """The settings that lead a sink to it by *kind*."""
        if kind in ("unix-dgram", "unix"):
            return {"target": f"{kind}:{self.place}/log"}
        if kind == "unix-stream":
            return {"target": f"{kind}:{self.place}/stream"}
        if kind == "lf":
            return {"target": f"tcp://127.0.0.1:{self.ports['lf']}", "framing": "lf"}
        if kind == "tls":
            return {"target": f"tls://localhost:{self.ports['tls']}"}
        return {"target": f"{kind}://127.0.0.1:{self.ports[kind]}"}

    def start(self) -> Receiver:
        """Run it, and wait until it listens everywhere."""
        usr = self.root / "usr"
        lib = usr / "lib/x86_64-linux-gnu"
        paths = [lib, usr / "lib/syslog-ng", self.root / "lib/x86_64-linux-gnu"]
        place, conf = str(self.place), str(self.place / "conf")
        if self.name == "rsyslog":
            command = [f"{usr}/sbin/rsyslogd", "-n", "-f", conf, "-i", f"{place}/pid"]
            command += ["-M", f"{lib}/rsyslog"]
        else:
            command = [f"{usr}/sbin/syslog-ng", "-F", "-f", conf, "-R", f"{place}/persist"]
            command += ["-p", f"{place}/pid", "-c", f"{place}/ctl", "--no-caps"]
            command += [f"--module-path={usr}/lib/syslog-ng/3.38"]
        for stale in ("pid", "log", "stream"):
            (self.place / stale).unlink(missing_ok=True)
        environment = {**os.environ, "LD_LIBRARY_PATH": ":".join(map(str, paths)), "TZ": "UTC"}
        with open(self.place / "err", "ab") as err:
            self.process = subprocess.Popen(
                command,
                env=environment,
                cwd=place,
                stdin=subprocess.DEVNULL,
                stdout=err,
                stderr=err,
            )
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while not self._listens():
            if self.process.poll() is not None or time.monotonic() > deadline_s:
                pytest.fail(f"{self.name} does not listen:\n{(self.place / 'err').read_text()}")
            time.sleep(0.02)
        return self

    def _listens(self) -> bool:
        wanted = {f"0100007F:{port:04X}" for port in self.ports.values()}
        bound = set()
        for name in ("tcp", "udp"):
            rows = [row.split() for row in Path("/proc/net", name).read_text().splitlines()[1:]]
            bound |= {row[1] for row in rows if name == "udp" or row[3] == _LISTENS}
        local = [row.split() for row in Path("/proc/net/unix").read_text().splitlines()[1:]]
        paths = {row[7] for row in local if len(row) > 7 and (row[4], row[3]) in _TAKES}
        names = ("log",) if self.name == "rsyslog" else ("log", "stream")
        return wanted <= bound and {f"{self.place}/{name}" for name in names} <= paths

    def kill(self) -> None:
        """SIGKILL, as a crash would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """SIGTERM; then SIGKILL."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def wrote(self, lines: int) -> bool:
        """Whether it has written so many lines."""
        return self.out.exists() and self.out.read_bytes().count(b"\n") >= lines

    def lines(self) -> list[Line]:
        """What it has written so far, whole lines."""
        text = self.out.read_bytes() if self.out.exists() else b""
        return [_line(raw) for raw in text.split(b"\n")[:-1]]

    def seqs(self) -> list[int]:
        """The numbers of the events it has written, in its order."""
        return [line.seq for line in self.lines()]


def _line(raw: bytes) -> Line:
    parts = raw.split(b"\t")
    assert len(FIELDS) == len(parts), raw
    *words, data, text = parts
    elements, end = rfc5424.structured_data(data, 0)
    assert len(data) == end, data
    elements.pop("meta", None)  # syslog-ng numbers what comes from this machine
    (params,) = elements.values()
    if text.startswith(b" "):  # of rsyslog
        text = text[1:]
    return Line(*(word.decode() for word in words), params, text.decode().removeprefix("\ufeff"))


def make_certificates(place: Path) -> Path:
    """A CA, and certificates of it: server, client, expired, other (another host's), stranger (of
    another CA).
    """
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs openssl")

    def run(*arguments: str) -> None:
        subprocess.run([openssl, *arguments], cwd=place, check=True, capture_output=True)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    for ca in ("ca", "stranger_ca"):
        run("req", "-x509", *key, "-keyout", f"{ca}.key", "-out", f"{ca}.pem", "-days", "2",
            "-subj", f"/CN=test {ca}", "-addext", "basicConstraints=critical,CA:TRUE")  # fmt: skip
    for name, host, ca, dates in (
        ("server", "localhost", "ca", ()),
        ("client", "client", "ca", ()),
        ("expired", "localhost", "ca", ("20200101000000Z", "20200102000000Z")),
        ("other", "elsewhere.example", "ca", ()),
        ("stranger", "localhost", "stranger_ca", ()),
    ):
        run("req", *key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={host}")
        (place / "ext").write_text(f"subjectAltName=DNS:{host}\nbasicConstraints=CA:FALSE\n")
        (place / "index.txt").write_text("")
        (place / "ca.cnf").write_text(CA.format(place=place, ca=ca))
        span = ("-startdate", dates[0], "-enddate", dates[1]) if dates else ("-days", "2")
        run("ca", "-config", "ca.cnf", "-batch", "-notext", "-in", f"{name}.csr",
            "-out", f"{name}.pem", "-extfile", "ext", *span)  # fmt: skip
    return place


CA = """
[ca]
default_ca = d
[d]
dir = {place}
database = {place}/index.txt
new_certs_dir = {place}
certificate = {place}/{ca}.pem
private_key = {place}/{ca}.key
default_md = sha256
rand_serial = yes
policy = p
unique_subject = no
[p]
commonName = supplied
"""
