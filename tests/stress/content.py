"""Hostile values on the live path: several processes log each of them, and numbers between.

Run by the tests as a process of its own; prints what each call returned.
"""

from __future__ import annotations

import json
import math
import os
import sys
from typing import Any

from fleet import Fleet
from oracle import Ledger, body

import mplog

WORKERS, ROUNDS = 3, 2
LOGGED_INSIDE, LOGGED_BY_CHILD = "inside a repr", "by a child of a repr"


class Raising:
    def __repr__(self) -> str:
        raise ValueError("no")


class NoText:
    def __repr__(self) -> str:
        return 5  # type: ignore[return-value]


class Liar:
    @property
    def __class__(self) -> type:  # type: ignore[override]
        raise RuntimeError("outside")

    def __repr__(self) -> str:
        return "liar"


class Endless:
    def __repr__(self) -> str:
        return repr(self)


class Logging:
    def __repr__(self) -> str:
        assert mplog.get_logger("inner").info(LOGGED_INSIDE) is True
        return "logged"


class Forking:
    inside = False  # in a context it would meet itself again in what its child logs

    def __repr__(self) -> str:
        if Forking.inside:
            return "inside"
        pid = os.fork()
        if pid == 0:
            Forking.inside = True
            accepted = mplog.get_logger("inner").info(LOGGED_BY_CHILD)
            os._exit(0 if accepted is True and mplog.flush(60.0) else 1)
        return f"forked {os.waitpid(pid, 0)[1]}"


class ForkingAway:
    """Both go on: the child's copy of the very same call is an event of its own."""

    def __init__(self) -> None:
        self.child = False

    def __repr__(self) -> str:
        pid = os.fork()
        self.child = pid == 0
        if pid:
            os.waitpid(pid, 0)
        return "child" if self.child else "parent"


def deep(levels: int) -> Any:
    """Lists in lists."""
    value: Any = "bottom"
    for _ in range(levels):
        value = [value]
    return value


def loop() -> Any:
    """A list that holds itself."""
    value: list[Any] = []
    value.append(value)
    return value


VALUES: dict[str, Any] = {
    "raises": Raising(),
    "no text": NoText(),
    "lies": Liar(),
    "endless": Endless(),
    "logs": Logging(),
    "forks": Forking(),
    "megabyte": "x" * (1 << 20),
    "wide characters": "€" * (1 << 19),
    "bytes": bytes(range(256)) * 4096,
    "many keys": {f"k{i}": i for i in range(10_000)},
    "deep": deep(1_000),
    "loop": loop(),
    "surrogates": "\ud800\udfff\udc80",
    "controls": "".join(map(chr, range(32))) + "\x7f\x85\u2028\u2029\x1b]0;title\x07",
    "second line": 'a\n{"timestamp":"2020","session":"x","seq":1}\n',
    "nan": math.nan,
    "infinity": -math.inf,
    "huge": 1 << 20_000,
    "beyond 64 bits": 2**64 + 1,
    "template": "{0.__class__} {name!r:>99999999} %s %(x)s ${jndi:ldap://x}",
    "lambda": lambda: None,
    "type": Raising,
    "exception": ValueError(Raising()),
    "empty": {"": ""},
    "strange keys": {None: 1, (1, 2): 2, 3.5: 3, Raising(): 4},
}


def work(ledger: Ledger, producer: int) -> None:
    """Every value as a field, as a nested one, as the message, in the context; numbers between."""
    log, n, said = mplog.get_logger("stress"), 0, set()
    ledger.begin(producer, os.getpid())
    for turn in range(ROUNDS):
        for name, value in VALUES.items():
            mark = f"{producer}/{turn}/{name}"
            said.add(log.info("field", mark=f"{mark}/field", value=value))
            said.add(log.info("nested", mark=f"{mark}/nested", value={"a": [value, (value,)]}))
            said.add(log.bind(mark=f"{mark}/template").info(value))
            # One that is larger than a context may be is left out, alone.
            with mplog.context(mark=f"{mark}/context"), mplog.context(value=value):
                said.add(log.warning("context"))
            n += 1
            ledger.sending(producer, n)
            text = body(producer, n)
            ledger.returned(producer, n, log.info("{n}", producer=producer, n=n, body=text))
        _fork_away(log, f"{producer}/{turn}", said)
    assert said == {True}, said


def _fork_away(log: mplog.Logger, mark: str, said: set[bool]) -> None:
    value = ForkingAway()
    said.add(log.info("both", mark=f"{mark}/both", value=value))
    if value.child:
        os._exit(0 if mplog.flush(60.0) else 1)


def main(file: str) -> dict[str, Any]:
    """All of it in several processes at once."""
    mplog.configure(file, retention="all", rotation="2 MB", block_timeout="120 s")
    ledger = Ledger(16)
    fleet = Fleet(ledger, lambda k: work(ledger, k))
    for _ in range(WORKERS):
        fleet.start()
    fleet.reap(wait=True)
    mplog.shutdown(60.0)
    names = list(VALUES)
    shape = {"names": names, "workers": WORKERS, "rounds": ROUNDS}
    return {"rows": fleet.rows(), "exits": fleet.exits, **shape}


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(sys.argv[1]))))
