"""The same faults by other means: strace makes a call of a writer fail, as `libmpfault.so` does.

Run as a process of its own: as the whole of a check, or (--writer) as the writer under strace.
"""

from __future__ import annotations

import errno
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
if str(HERE) not in sys.path:
    sys.path.insert(0, str(HERE))

from mpfault import CONTROL, Rule  # noqa: E402
from watched import LATE, SERVICE, Service  # noqa: E402

from mplog.writer.state import Signals  # noqa: E402
from mplog.writer.work import work  # noqa: E402

# What strace calls it, what the shim does, which one of them fails, with what.
FAULTS = [
    ("pwrite64", "pwrite", 3, "ENOSPC"),
    ("renameat2", "rename", 2, "EIO"),
    ("pread64", "pread", 1, "ESTALE"),
]


def straced(service: Service, call: str, nth: int, error: str) -> list[str]:
    """The calls that strace has made fail, as it has noted them."""
    trace = service.directory.parent / "trace"
    folder = service.log.parent
    names = [folder, service.log, folder / f".{service.log.name}.new"]
    # Only a rotation renames so, and by its directory's descriptor, which strace takes for no path.
    by_path = call != "renameat2"
    paths = [word for name in names if by_path for word in ("-P", str(name))]
    inject = f"inject={call}:error={error}:when={nth}"
    writer = [sys.executable, __file__, "--writer", str(service.directory)]
    command = ["strace", "-f", "-qq", "-o", str(trace), *paths, "-e", f"trace={call}", "-e", inject]
    environment = {k: v for k, v in os.environ.items() if k not in ("LD_PRELOAD", CONTROL)}
    subprocess.run([*command, *writer], env=environment, check=False, timeout=60)
    return re.findall(r"(\w+)\(.*= -1 (\w+) .*\(INJECTED\)", trace.read_text())


def preloaded(service: Service, kind: str, nth: int, error: str) -> list[tuple[str, str]]:
    """The same by the shim."""
    rule = Rule(Path(os.environ[CONTROL]))
    rule.set([service.log.parent], nth, error=getattr(errno, error), kinds=[kind])
    service.rule = rule
    service.start()
    assert service.wait(service.over), "the writer does not leave"
    rule.lift()
    return [(kind, error)] * rule.struck


def finish(service: Service) -> list[str]:
    """A fresh event, and what is wrong in the end."""
    from mplog.ring import create_bell

    service.rule = None
    create_bell(service.directory, SERVICE, service.settings)
    service.log_once(LATE, 1)
    service.start()
    left = service.wait(service.over)
    return service.wrong() + ([] if left else ["the writer after the fault does not leave"])


def main() -> dict[str, Any]:
    """All faults, by both means."""
    found = []
    for call, kind, nth, error in FAULTS:
        for means in ("strace", "shim"):
            with tempfile.TemporaryDirectory(dir=os.environ["MPLOG_DIR"]) as place:
                service = Service(Path(place))
                service.log.parent.mkdir()
                if means == "strace":
                    struck = len(straced(service, call, nth, error))
                else:
                    struck = len(preloaded(service, kind, nth, error))
                found.append([means, call, nth, error, struck, finish(service)])
                service.close()
    return {"found": found}


if __name__ == "__main__":
    if sys.argv[1] == "--writer":
        sys.exit(work(Path(sys.argv[2]), SERVICE, Signals(), 0))
    print(json.dumps(main()))
