"""The shop as a WSGI application: its answers, and what it logs."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest


def order_until(visitor: Any, wanted: int) -> Any:
    """Order one spoon after the other until an order ends with *wanted*."""
    for _ in range(60):
        visitor.send("POST", "/basket", {"item": 10, "quantity": 1})
        reply = visitor.send("POST", "/order")
        if reply.status == wanted:
            return reply
        visitor.send("POST", "/restock", {"item": 10, "quantity": 1})
    raise AssertionError(f"no order of 60 ended with {wanted}")


def test_catalogue_lists_every_item_with_its_stock(visitor):
    """GET / lists ten items with 40 pieces each."""
    reply = visitor.send("GET", "/")

    assert reply.status == 200
    assert {line["quantity"] for line in reply.content["items"]} == {40}
    assert len(reply.content["items"]) == 10


def test_basket_belongs_to_its_cookie(visitor, goods, told):
    """What one customer takes is in that customer's basket, and in no other's."""
    from shop import app

    from_others = type(visitor)(app.Shop(goods))
    reply = visitor.send("POST", "/basket", {"item": 2, "quantity": 3})

    assert reply.headers["Set-Cookie"].startswith("basket=")
    assert [line["quantity"] for line in visitor.send("GET", "/basket").content["lines"]] == [3]
    assert from_others.send("GET", "/basket").content == {"lines": []}


def test_paid_order_takes_the_goods_and_empties_the_basket(visitor, goods):
    """201 has a receipt; stock is down by what was ordered; the basket is empty."""
    reply = order_until(visitor, 201)

    assert reply.content["receipt"] == f"R{reply.content['order']:08d}"
    assert goods.item(10).quantity < 40
    assert visitor.send("GET", "/basket").content == {"lines": []}


def test_twice_declined_order_puts_the_goods_back(visitor, goods, told):
    """402 comes after two declined attempts, both logged, and the stock is what it was."""
    before = goods.item(10).quantity
    reply = order_until(visitor, 402)
    mine = [call for call in told if call.fields.get("order") == reply.content["order"]]
    paid = sum(call.template.startswith("order {order} paid") for call in told)
    restocked = sum(call.template.startswith("item {item} restocked") for call in told)

    assert [call.fields["attempt"] for call in mine if call.logger == "shop.payment"] == [1, 2]
    assert mine[-1].level == "warning"
    assert goods.item(10).quantity == before - paid + restocked


def test_unreadable_provider_is_logged_with_its_exception(visitor, told):
    """502 is one `exception` call that names the order."""
    reply = order_until(visitor, 502)
    calls = [call for call in told if call.level == "exception"]

    assert [call.fields["order"] for call in calls] == [reply.content["order"]]


def test_order_beyond_the_stock_is_refused_whole(visitor, goods, told):
    """409 names the item and what is left; nothing is taken, not even what there was enough of."""
    visitor.send("POST", "/basket", {"item": 1, "quantity": 1})
    visitor.send("POST", "/basket", {"item": 3, "quantity": 41})
    reply = visitor.send("POST", "/order")

    assert (reply.status, reply.content["item"], reply.content["left"]) == (409, 3, 40)
    assert [goods.item(item).quantity for item in (1, 3)] == [40, 40]
    assert [call.level for call in told if call.logger == "shop.order"] == ["warning"]


def test_empty_basket_cannot_be_ordered(visitor):
    """POST /order without a basket is the customer's mistake."""
    assert visitor.send("POST", "/order").status == 400


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/items/11", 404),
        ("GET", "/items/x", 404),
        ("GET", "/nowhere", 404),
        ("DELETE", "/basket", 405),
        ("POST", "/items/1", 405),
        ("GET", "/health", 200),
        ("GET", "/items/1", 200),
    ],
)
def test_paths_and_methods(visitor, method, path, status):
    """What is not there is 404, what is not allowed is 405."""
    assert visitor.send(method, path).status == status


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"[1]", 400),
        (b"\xff", 400),
        (b"[" * 9000, 400),
        (b'{"item": 1}', 400),
        (b'{"item": true, "quantity": 1}', 400),
        (b'{"item": 1, "quantity": 0}', 400),
        (b'{"item": 1, "quantity": 1e9}', 400),
        (b'{"item": 99, "quantity": 1}', 404),
        (b" " * 10_001, 413),
    ],
)
def test_bodies_that_make_no_sense_are_refused(visitor, body, status):
    """A wrong body is answered, never an exception."""
    assert visitor.send("POST", "/basket", body).status == status


def test_wrong_content_length_is_refused(visitor):
    """A length that is no number is 400."""
    assert visitor.send("POST", "/basket", b"{}", CONTENT_LENGTH="²").status == 400


@pytest.mark.parametrize(
    "cookie", ["basket=../../x", "basket", "\x00;=", "a=b; basket=" + "f" * 31]
)
def test_foreign_cookie_is_no_basket(visitor, cookie):
    """A cookie that the shop has not made opens nothing."""
    assert visitor.send("GET", "/basket", HTTP_COOKIE=cookie).content == {"lines": []}


def test_each_request_is_told_once(visitor, told):
    """One event a request, with its status, whatever came out."""
    replies = [visitor.send("GET", path) for path in ("/", "/nowhere", "/items/11", "/basket")]
    calls = [call for call in told if call.logger == "shop.request"]

    assert [call.fields["status"] for call in calls] == [reply.status for reply in replies]


def test_given_request_id_comes_back(visitor):
    """X-Request-ID of the request is that of the answer."""
    reply = visitor.send("GET", "/", HTTP_X_REQUEST_ID="r-1.a_B")

    assert reply.headers["X-Request-ID"] == "r-1.a_B"


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, "a\r\nSet-Cookie: b=c", "ü"])
def test_useless_request_id_is_replaced(visitor, given):
    """An id that could not stand in a header or a log is not taken."""
    reply = visitor.send("GET", "/", HTTP_X_REQUEST_ID=given)

    assert len(reply.headers["X-Request-ID"]) == 32
    assert reply.headers["X-Request-ID"] != given


def test_unforeseen_failure_is_logged_and_answered(visitor, goods, told, monkeypatch):
    """A broken database is a 500 with the request's id, one `exception` call, one request event."""

    def broken() -> None:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(goods, "catalogue", broken)
    reply = visitor.send("GET", "/", HTTP_X_REQUEST_ID="r-2")

    assert (reply.status, reply.content["request"]) == (500, "r-2")
    assert [call.level for call in told] == ["exception", "info"]
