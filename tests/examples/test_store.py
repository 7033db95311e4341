"""The shop's store under several processes at once."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

SHOPPER = """
import sys
from pathlib import Path
from shop import store
goods = store.Store(store.create(Path(sys.argv[1])))
sold = 0
for turn in range(40):
    basket = f"{sys.argv[2]}-{turn}"
    goods.put(basket, 1, 1)
    try:
        order = goods.reserve(basket)
    except store.OutOfStock:
        continue
    if turn % 4 == 0:
        goods.cancel(order.id)
    else:
        goods.settle(order.id, "R")
        sold += 1
print(sold)
"""


@pytest.mark.process
def test_no_piece_is_sold_twice(tmp_path):
    """Four processes that start at once and want more than there is sell no more than that."""
    from shop import store

    environment = {**os.environ, "PYTHONPATH": str(EXAMPLES)}
    shoppers = [
        subprocess.Popen(
            [sys.executable, "-c", SHOPPER, str(tmp_path), str(number)],
            stdout=subprocess.PIPE,
            env=environment,
        )
        for number in range(4)
    ]
    sold = sum(int(shopper.communicate(timeout=60)[0]) for shopper in shoppers)
    goods = store.Store(tmp_path / "shop.db")
    left = goods.item(1).quantity
    goods.close()

    assert [shopper.returncode for shopper in shoppers] == [0, 0, 0, 0]
    assert left == 0
    assert sold == store.FIRST_STOCK


def test_create_keeps_what_is_there(tmp_path):
    """A second `create` changes nothing."""
    from shop import store

    goods = store.Store(store.create(tmp_path))
    goods.restock(1, 2)
    again = store.Store(store.create(tmp_path))

    assert again.item(1).quantity == 42
    goods.close()
    again.close()


def test_cancelling_twice_puts_back_once(goods):
    """Only a reserved order gives its goods back."""
    goods.put("b", 5, 7)
    order = goods.reserve("b")
    goods.cancel(order.id)
    goods.cancel(order.id)

    assert goods.item(5).quantity == 40


def test_paid_order_is_not_cancelled(goods):
    """What is paid stays sold."""
    goods.put("b", 5, 7)
    order = goods.reserve("b")
    goods.settle(order.id, "R1")
    goods.cancel(order.id)

    assert goods.item(5).quantity == 33


def test_failed_transaction_leaves_no_lock(goods):
    """After an error the next transaction begins at once."""
    with pytest.raises(sqlite3.IntegrityError):
        goods.put("b", 1, 0)
    goods.put("b", 1, 1)

    assert [line.quantity for line in goods.basket("b")] == [1]
