"""What the facts of a machine mean for mplog, and what to do: a pure decision for each."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from mplog.cli.facts import Facts, Place, kernel_of

OK, WARN, FAIL = "OK", "WARN", "FAIL"
MIB = 1 << 20
CONTAINER_SHM_BYTES = 64 * MIB
ENOUGH_SHM_BYTES, ENOUGH_DISK_BYTES = 8 * MIB, 100 * MIB
CLOCK_UNSYNCED = 5
STEP_NS = 10_000_000
FIRST_YEAR_S = 1_577_836_800.0  # 2020


class Finding(msgspec.Struct, frozen=True):
    """One thing that was looked at: the verdict, what was found, what it means, what to do."""

    subject: str
    verdict: str
    found: str
    means: str = ""
    do: str = ""


def decide(facts: Facts) -> list[Finding]:
    """All findings, in the order in which they matter."""
    found = [*_shared(facts)]
    for log in (*([] if facts.log is None else [facts.log]), *facts.more_logs):
        found += _log(log, facts.euid)
    if facts.overflow is not None:
        found += [
            _locks(facts.overflow, "overflow: locks"),
            _privacy(facts.overflow, facts.euid, "overflow"),
        ]
    return [*found, *_limits(facts), *_cgroup(facts), *_clock(facts), *_versions(facts)]


def _size(size_bytes: int) -> str:
    return f"{size_bytes / MIB:,.0f} MiB"


def _locks(place: Place, subject: str) -> Finding:
    if place.locks is None:
        means = "no lock can be tried, and nothing written"
        do = f"mend that ({place.error}), or name another directory"
        return Finding(subject, FAIL, f"{place.path} cannot be written", means, do)
    if not place.locks:
        means = "who owns what is told by these locks: mplog does not work there"
        do = "name a directory on a local file system (dir=), on Linux 3.15 or later"
        return Finding(subject, FAIL, "the kernel keeps no open-file-description locks", means, do)
    return Finding(subject, OK, f"the kernel keeps open-file-description locks in {place.path}")


def _shared(facts: Facts) -> Iterator[Finding]:
    place = facts.shared
    yield _locks(place, "shared memory: locks")
    yield _shared_size(place)
    yield _privacy(place, facts.euid, "shared memory")
    stale = [(name, abi) for name, abi, used in facts.others if abi != facts.abi and not used]
    running = [(name, abi) for name, abi, used in facts.others if abi != facts.abi and used]
    if stale:
        found = ", ".join(f"{name} (layout {abi})" for name, abi in stale)
        means = "another version has left shared memory, perhaps with events nobody has read"
        yield Finding("shared memory: stale", WARN, found, means, "mplog recover --help")
    else:
        yield Finding("shared memory: stale", OK, "no other version has left any")
    if running:
        found = ", ".join(f"{name} (layout {abi})" for name, abi in running)
        means = f"processes of another version run; this one has layout {facts.abi}"
        do = "give all processes of a service the same version, and restart them"
        yield Finding("shared memory: layout", WARN, found, means, do)
    else:
        yield Finding("shared memory: layout", OK, f"layout {facts.abi}, as all services here")


def _privacy(place: Place, euid: int, what: str) -> Finding:
    subject = f"{what}: privacy"
    if not place.there or (place.mode & 0o777 == 0o700 and place.uid == euid):
        return Finding(subject, OK, "it is, or will be, this user's alone")
    found = f"{place.path} has mode {place.mode:04o} and belongs to user {place.uid}"
    means = "others could read or replace events: it is not used"
    do = f"chmod 0700 {place.path}, as its owner, or remove it so that mplog makes it"
    return Finding(subject, FAIL, found, means, do)


def _shared_size(place: Place) -> Finding:
    subject = "shared memory: room"
    found = f"{_size(place.free_bytes)} of {_size(place.size_bytes)} free in {place.path}"
    do = "free some, make it larger (--shm-size, or mount -o remount,size=), or set dir="
    if place.free_bytes < ENOUGH_SHM_BYTES:
        means = "lanes get small, or processes none: events overflow or are dropped and counted"
        return Finding(subject, FAIL if place.free_bytes < MIB else WARN, found, means, do)
    if place.size_bytes == CONTAINER_SHM_BYTES:
        means = "it is the 64 MB that containers get by default: about 50 processes that log"
        return Finding(subject, WARN, found, means, do)
    return Finding(subject, OK, found)


def _log(place: Place, euid: int) -> Iterator[Finding]:
    yield _locks(place, "log: locks")
    if place.file_problem:
        means = "what is logged waits in shared memory, within its limits"
        do = "give it to this user, move it out of the way, or name another file"
        yield Finding("log: file", FAIL, place.file_problem, means, do)
    else:
        yield Finding("log: file", OK, "nothing stands in its place that cannot be written")
    found = f"{_size(place.free_bytes)} free in {place.path}"
    if place.free_bytes < ENOUGH_DISK_BYTES:
        means = "when it is full events wait in shared memory, within its limits"
        yield Finding("log: room", WARN, found, means, "free some, or set retention or keep_free")
    else:
        yield Finding("log: room", OK, found)
    if place.open_to_all:
        found = f"anybody may write to {', '.join(place.open_to_all)}"
        means = "anybody can replace the log, or lead the writer elsewhere"
        do = "chmod o-w, or log below a directory of the service's own"
        yield Finding("log: permissions", FAIL if euid == 0 else WARN, found, means, do)
    else:
        yield Finding("log: permissions", OK, "no directory on its way is open to everybody")


# Below which a limit is worth a word, what it means, and what to do.
_LIMITS = {
    "RLIMIT_FSIZE": (
        1 << 30,
        "no file grows beyond it: the log waits there",
        "ulimit -f unlimited",
    ),
    "RLIMIT_NOFILE": (
        256,
        "the writer needs a descriptor for each file and process",
        "ulimit -n 1024",
    ),
    "RLIMIT_AS": (1 << 30, "lanes and the writer may find no address space", "ulimit -v unlimited"),
}


def _limits(facts: Facts) -> Iterator[Finding]:
    for name, (least, means, do) in _LIMITS.items():
        value = facts.limits.get(name)
        if value is not None and value < least:
            yield Finding(f"limits: {name}", WARN, f"{value:,}", means, do)
        else:
            yield Finding(f"limits: {name}", OK, "none" if value is None else f"{value:,}")


def _cgroup(facts: Facts) -> Iterator[Finding]:
    wanted = {"memory": (64 * MIB, "the kernel kills its processes, shared memory counts too"),
              "pids": (8, "the writer's processes cannot be started")}  # fmt: skip
    for name, (least, means) in wanted.items():
        limit, used = facts.cgroup.get(name), facts.cgroup.get(f"{name}_used")
        left = None if limit is None else limit - (used or 0)
        if left is None:
            yield Finding(f"cgroup: {name}", OK, "no limit")
            continue
        shown = (
            f"{_size(left)} of {_size(limit or 0)}" if name == "memory" else f"{left} of {limit}"
        )
        if left < least:
            do = f"raise the {name} limit of the container or the unit"
            yield Finding(
                f"cgroup: {name}", WARN, f"{shown} left", f"when it is used up, {means}", do
            )
        else:
            yield Finding(f"cgroup: {name}", OK, f"{shown} left")


def _clock(facts: Facts) -> Iterator[Finding]:
    do = "start a time service (chrony, systemd-timesyncd), or set the clock"
    if facts.wall_s < FIRST_YEAR_S:
        found = f"the wall clock says {facts.wall_s:,.0f} s since 1970"
        means = "it is not set: time stamps and rotation by time are wrong"
        yield Finding("clock: wall", FAIL, found, means, do)
    elif abs(facts.clock_step_ns) > STEP_NS:
        found = f"it has jumped by {facts.clock_step_ns / 1e6:,.1f} ms beside the monotonic one"
        means = "events keep their order, their time stamps jump"
        yield Finding("clock: wall", WARN, found, means, do)
    else:
        yield Finding("clock: wall", OK, "it goes with the monotonic one")
    if facts.clock_state is None:
        yield Finding("clock: kernel", OK, "adjtimex cannot be asked here")
    elif facts.clock_state == CLOCK_UNSYNCED:
        means = "nobody keeps it right: it may drift, and jump when somebody does"
        yield Finding("clock: kernel", WARN, "it is not synchronised (adjtimex)", means, do)
    else:
        yield Finding("clock: kernel", OK, "it is synchronised (adjtimex)")


def _versions(facts: Facts) -> Iterator[Finding]:
    release = facts.versions.get("kernel", "")
    if kernel_of(release) < (4, 14):
        means = "no process logs there: it has no memory that forks wipe (MADV_WIPEONFORK)"
        yield Finding("versions: kernel", FAIL, release, means, "use Linux 4.14 or later")
    elif kernel_of(release) < (6, 15):
        means = "how a worker died cannot always be told (from 6.15 on it can)"
        yield Finding("versions: kernel", OK, release, means)
    else:
        yield Finding("versions: kernel", OK, release)
    for name in ("python", "msgspec", "mplog"):
        yield Finding(f"versions: {name}", OK, facts.versions.get(name, ""))
