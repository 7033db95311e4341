"""The shop's data in SQLite: items, baskets and orders, shared by all worker processes.

Each change is one short transaction that begins as a writer (``BEGIN IMMEDIATE``), so two workers
never hold a read lock that both want to upgrade. Payment happens between two transactions: an
order first takes its goods out of the stock, and is then settled, or cancelled and put back. An
order whose worker was killed in between stays ``reserved``, for a person to decide.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

BUSY_TIMEOUT_S = 10.0

SCHEMA = """
CREATE TABLE item (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, price_cents INTEGER NOT NULL,
    stock INTEGER NOT NULL CHECK (stock >= 0)
);
CREATE TABLE basket_line (
    basket TEXT NOT NULL, item INTEGER NOT NULL REFERENCES item (id),
    quantity INTEGER NOT NULL CHECK (quantity > 0), PRIMARY KEY (basket, item)
);
CREATE TABLE purchase (
    id INTEGER PRIMARY KEY, basket TEXT NOT NULL, total_cents INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('reserved', 'paid', 'cancelled')),
    receipt TEXT, created_ns INTEGER NOT NULL
);
CREATE TABLE purchase_line (
    purchase INTEGER NOT NULL REFERENCES purchase (id), item INTEGER NOT NULL REFERENCES item (id),
    quantity INTEGER NOT NULL
);
"""

CATALOGUE = [
    ("teapot", 2490),
    ("cup", 690),
    ("saucer", 390),
    ("kettle", 4990),
    ("strainer", 450),
    ("green tea", 890),
    ("black tea", 790),
    ("honey", 650),
    ("tray", 1890),
    ("spoon", 290),
]
FIRST_STOCK = 40


@dataclass(frozen=True)
class Line:
    """Some pieces of one item, as the catalogue, a basket or an order shows them."""

    item: int
    name: str
    price_cents: int
    quantity: int


@dataclass(frozen=True)
class Order:
    """An order whose goods have been taken out of the stock."""

    id: int
    total_cents: int
    lines: list[Line]


class EmptyBasket(Exception):
    """There is nothing to order."""


class UnknownItem(Exception):
    """The catalogue has no such item."""


class OutOfStock(Exception):
    """Fewer pieces are left than the basket asks for."""

    def __init__(self, line: Line, left: int) -> None:
        super().__init__(f"{line.quantity} × {line.name} wanted, {left} left")
        self.line = line
        self.left = left


def create(directory: Path) -> Path:
    """Make the database in *directory* unless it is there; any number of processes may call this.

    The switch to write-ahead logging does not wait for other connections, hence the file lock.
    """
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "shop.db"
    with open(directory / "shop.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            draft = directory / f"shop.db.{os.getpid()}"
            draft.unlink(missing_ok=True)
            connection = sqlite3.connect(draft, isolation_level=None)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(SCHEMA)
            connection.executemany(
                "INSERT INTO item (name, price_cents, stock) VALUES (?, ?, ?)",
                [(name, price_cents, FIRST_STOCK) for name, price_cents in CATALOGUE],
            )
            connection.close()
            os.rename(draft, path)
    return path


class Store:
    """The database at *path*, which `create` has made; usable in every process and thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()

    def catalogue(self) -> list[Line]:
        """All items, with the pieces in stock as their quantity."""
        return self._lines("SELECT id, name, price_cents, stock FROM item ORDER BY id")

    def item(self, item: int) -> Line:
        """One item, with the pieces in stock as its quantity."""
        found = self._lines("SELECT id, name, price_cents, stock FROM item WHERE id = ?", item)
        if not found:
            raise UnknownItem(item)
        return found[0]

    def basket(self, basket: str) -> list[Line]:
        """What lies in *basket*."""
        return self._lines(
            "SELECT item.id, name, price_cents, quantity FROM basket_line"
            " JOIN item ON item.id = item WHERE basket = ? ORDER BY item.id",
            basket,
        )

    def put(self, basket: str, item: int, quantity: int) -> None:
        """Lay *quantity* more pieces of *item* into *basket*."""
        with self._transaction() as connection:
            if not connection.execute("SELECT 1 FROM item WHERE id = ?", (item,)).fetchone():
                raise UnknownItem(item)
            connection.execute(
                "INSERT INTO basket_line VALUES (?, ?, ?)"
                " ON CONFLICT (basket, item) DO UPDATE SET quantity = quantity + excluded.quantity",
                (basket, item, quantity),
            )

    def restock(self, item: int, quantity: int) -> int:
        """Add pieces of *item* to the stock; how many there are now."""
        with self._transaction() as connection:
            connection.execute("UPDATE item SET stock = stock + ? WHERE id = ?", (quantity, item))
            return self.item(item).quantity

    def reserve(self, basket: str) -> Order:
        """Turn *basket* into an order and take its goods out of the stock: all of them, or none."""
        with self._transaction() as connection:
            lines = self.basket(basket)
            if not lines:
                raise EmptyBasket(basket)
            total_cents = sum(line.price_cents * line.quantity for line in lines)
            order = connection.execute(
                "INSERT INTO purchase (basket, total_cents, state, created_ns)"
                " VALUES (?, ?, 'reserved', ?)",
                (basket, total_cents, time.time_ns()),
            ).lastrowid
            for line in lines:
                self._take(connection, line)
                connection.execute(
                    "INSERT INTO purchase_line VALUES (?, ?, ?)", (order, line.item, line.quantity)
                )
            connection.execute("DELETE FROM basket_line WHERE basket = ?", (basket,))
        return Order(int(order or 0), total_cents, lines)

    def settle(self, order: int, receipt: str) -> None:
        """Note that *order* has been paid."""
        with self._transaction() as connection:
            connection.execute(
                "UPDATE purchase SET state = 'paid', receipt = ? WHERE id = ?", (receipt, order)
            )

    def cancel(self, order: int) -> None:
        """Give up an order that was not paid, and put its goods back."""
        with self._transaction() as connection:
            changed = connection.execute(
                "UPDATE purchase SET state = 'cancelled' WHERE id = ? AND state = 'reserved'",
                (order,),
            ).rowcount
            if changed:
                connection.execute(
                    "UPDATE item SET stock = stock + (SELECT quantity FROM purchase_line"
                    " WHERE purchase = ? AND item = item.id)"
                    " WHERE id IN (SELECT item FROM purchase_line WHERE purchase = ?)",
                    (order, order),
                )

    def _take(self, connection: sqlite3.Connection, line: Line) -> None:
        taken = connection.execute(
            "UPDATE item SET stock = stock - ? WHERE id = ? AND stock >= ?",
            (line.quantity, line.item, line.quantity),
        ).rowcount
        if not taken:
            raise OutOfStock(line, self.item(line.item).quantity)

    def _lines(self, query: str, *values: object) -> list[Line]:
        return [Line(*row) for row in self._connection().execute(query, values)]

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        connection = self._connection()
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")

    def _connection(self) -> sqlite3.Connection:
        """This thread's connection, never one that was opened before a fork."""
        if getattr(self._local, "pid", None) != os.getpid():
            connection = sqlite3.connect(
                self._path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
            )
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA foreign_keys = ON")
            self._local.connection = connection
            self._local.pid = os.getpid()
        return self._local.connection  # type: ignore[no-any-return]

    def close(self) -> None:
        """Close this thread's connection, if it has one."""
        if getattr(self._local, "pid", None) == os.getpid():
            self._local.connection.close()
            self._local.pid = None
