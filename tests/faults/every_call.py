"""Makes the n-th call of a writer fail, for n = 1, 2, 3 … until a run ends in which none did.

Run as a process of its own with `libmpfault.so` preloaded. Each run is a service with events of
producers that are gone, one producer that stays, several rotations, and the leaving at the end. A
call fails once, or from the n-th one on until that is lifted.
"""

from __future__ import annotations

import errno
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
if str(HERE) not in sys.path:
    sys.path.insert(0, str(HERE))

from mpfault import CONTROL, FAIL, KINDS, SHORT, Rule  # noqa: E402
from watched import LATE, Service  # noqa: E402

HOLD_S = 0.12  # how long calls go on failing
WHERE = ("log", "shm")


class Run:
    """One service with one rule."""

    def __init__(self, service: Service, rule: Rule, for_ever: bool) -> None:
        self.service, self.rule, self.for_ever = service, rule, for_ever
        self.wrong: list[str] = []

    def _struck(self) -> bool:
        return self.rule.struck > 0 or self.service.killed > 0

    def _lift(self) -> None:
        """A rule for ever strikes for a while, then no more; kills may follow one another."""
        if self.for_ever:
            self.service.wait(lambda: self.rule.struck > 3, HOLD_S)
        if not (self.service.killed or self.service.next_kills):
            self.rule.lift()

    def _fresh(self, when: str) -> None:
        self.service.ask()
        if not self.service.wait(lambda: self.service.answered() is not None):
            self.wrong.append(f"no fresh event gets through {when}")

    def all(self) -> None:
        """From the first writer to the last."""
        service = self.service
        service.settle_in()
        service.start()
        service.ask()
        answers: list[bool] = []

        def answered() -> bool:
            said = service.answered()
            if said is not None:
                answers.append(said)
            return bool(answers)

        service.wait(lambda: self._struck() or answered())
        if early := self._struck():
            self._lift()
            if not service.wait(answered) or not all(answers):
                self.wrong.append("the first event does not get through")
        if early or not self.for_ever:
            self._fresh("after the fault")
        service.leave()
        if not early:
            service.wait(lambda: self._struck() or service.over())
            self._lift()
        if not service.wait(service.over):
            self.wrong.append("the writer does not leave")
        elif not early and self._struck():
            self._again()

    def _again(self) -> None:
        """A service that was being taken down is used again."""
        from mplog.ring import create_bell

        service = self.service
        service.rule = None
        create_bell(service.directory, "watched", service.settings)
        service.log_once(LATE, 1)
        service.start()
        if not service.wait(service.over):
            self.wrong.append("the writer after the fault does not leave")


def once(
    rule: Rule, where: str, for_ever: bool, fsync: str = "none", **what: Any
) -> dict[str, Any]:
    """One run; what was seen."""
    with tempfile.TemporaryDirectory(dir=os.environ["MPLOG_DIR"]) as name:
        service = Service(Path(name), fsync=fsync)
        service.log.parent.mkdir()
        place = service.log.parent if where == "log" else service.directory
        rule.set([place], times=0 if for_ever else 1, **what)
        service.rule = rule
        run = Run(service, rule, for_ever)
        try:
            run.all()
            # What may not be unlinked stays until the next rotation does it.
            wrong = [*run.wrong, *service.wrong(tidy=not for_ever)]
        except AssertionError as error:
            wrong = [*run.wrong, f"AssertionError: {error}"]
        finally:
            rule.lift()
            service.close()
        found = {"struck": rule.struck, "restarts": service.restarts, "wrong": wrong}
        found["said"] = service.said()
        return {**found, "kind": rule.first, "matched": rule.matched}


def main(
    where: str,
    errnos: list[str],
    for_ever: bool,
    first: int = 1,
    step: int = 1,
    kinds: Sequence[str] = KINDS,
    fsync: str = "none",
) -> dict[str, Any]:
    """Every *step*-th n from *first* on, with each of *errnos*; "SHORT": a part is taken.

    Args:
        where: "log" or "shm": the directory whose calls are counted.
        for_ever: from the n-th on, until that is lifted; else the n-th alone.
        kinds: of calls, as in `mpfault`.
        fsync: of the service.
    """
    rule = Rule(Path(os.environ[CONTROL]))
    wrong: dict[str, Any] = {}
    runs, restarts, calls = 0, 0, 0
    struck: Counter[str] = Counter()
    ended: Counter[str] = Counter()
    began_s = time.monotonic()
    for name in errnos:
        n = first
        while True:
            short = name == "SHORT"
            what = {"action": SHORT if short else FAIL, "error": getattr(errno, name, 0)}
            found = once(rule, where, for_ever, nth=n, kinds=kinds, fsync=fsync, **what)
            restarts += found["restarts"]
            if found["restarts"]:
                ended[f"{found['kind']}: {found['said'][-1:]}"] += 1
            if found["wrong"]:
                wrong[f"{name} at {n} ({found['kind']})"] = [*found["wrong"], *found["said"]]
            if not found["struck"]:
                calls = max(calls, found["matched"])
                break
            runs += 1
            struck[found["kind"]] += 1
            n += step
    took_s = time.monotonic() - began_s
    told = {"runs": runs, "restarts": restarts, "calls": calls, "kinds": struck, "ended": ended}
    return {**told, "wrong": wrong, "took_s": took_s}


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(sys.argv[1]))))
