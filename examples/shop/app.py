"""The shop as a WSGI application: JSON in, JSON out, one event a request.

====== ============== ===================================================================
GET    /              the catalogue
GET    /items/N       one item
GET    /basket        what lies in the basket (cookie ``basket``)
POST   /basket        ``{"item": 1, "quantity": 2}``
POST   /order         orders the basket: 201, 402 declined, 409 out of stock, 502 provider
POST   /restock       ``{"item": 1, "quantity": 20}``
GET    /health        200 once the worker is up
====== ============== ===================================================================
"""

from __future__ import annotations

import json
import os
import re
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import asdict
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import Any

import mplog
from shop import payment, store

requests = mplog.get_logger("shop.request")
orders = mplog.get_logger("shop.order")

MAX_BODY_BYTES = 10_000
MAX_QUANTITY = 1_000
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
BASKET = re.compile(r"[0-9a-f]{32}")

Environ = dict[str, Any]
Answer = tuple[HTTPStatus, dict[str, Any]]


class Refused(Exception):
    """The request cannot be answered as it is; says what the answer is instead."""

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Request:
    """What the shop wants to know of a request."""

    def __init__(self, environ: Environ) -> None:
        self.method = str(environ.get("REQUEST_METHOD", "GET"))
        self.path = str(environ.get("PATH_INFO") or "/")
        self._environ = environ
        given = str(environ.get("HTTP_X_REQUEST_ID", ""))
        self.id = given if REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        self.basket = _basket_of(str(environ.get("HTTP_COOKIE", "")))
        self.new_basket = False

    def open_basket(self) -> str:
        """The basket of this customer; a new one for a new customer."""
        if self.basket is None:
            self.basket = uuid.uuid4().hex
            self.new_basket = True
        return self.basket

    def whole_number(self, name: str, largest: int) -> int:
        """The number *name* (1 … *largest*) in the JSON body."""
        value = self._body().get(name)
        if type(value) is not int or not 1 <= value <= largest:
            raise Refused(HTTPStatus.BAD_REQUEST, f"{name}: a number from 1 to {largest} expected")
        return value

    def _body(self) -> dict[str, Any]:
        if "shop.body" not in self._environ:
            self._environ["shop.body"] = self._read_body()
        return self._environ["shop.body"]  # type: ignore[no-any-return]

    def _read_body(self) -> dict[str, Any]:
        length = str(self._environ.get("CONTENT_LENGTH") or "0")
        if not length.isascii() or not length.isdigit():
            raise Refused(HTTPStatus.BAD_REQUEST, "Content-Length: a number expected")
        if int(length) > MAX_BODY_BYTES:
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"at most {MAX_BODY_BYTES} bytes")
        try:
            body = json.loads(self._environ["wsgi.input"].read(int(length)))
        except (ValueError, RecursionError):
            body = None
        if not isinstance(body, dict):
            raise Refused(HTTPStatus.BAD_REQUEST, "a JSON object expected")
        return body


def _basket_of(cookie: str) -> str | None:
    try:
        morsel = SimpleCookie(cookie).get("basket")
    except CookieError:
        return None
    return morsel.value if morsel is not None and BASKET.fullmatch(morsel.value) else None


class Shop:
    """The application over one store."""

    def __init__(self, goods: store.Store) -> None:
        self._goods = goods
        self._routes: dict[tuple[str, str], Callable[[Request], Answer]] = {
            ("GET", "/"): self._catalogue,
            ("GET", "/basket"): self._basket,
            ("POST", "/basket"): self._put,
            ("POST", "/order"): self._order,
            ("POST", "/restock"): self._restock,
            ("GET", "/health"): lambda _: (HTTPStatus.OK, {"pid": os.getpid()}),
        }

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request; the event that tells it is accepted before the answer leaves."""
        started_ns = time.perf_counter_ns()
        request = Request(environ)
        with mplog.context(request_id=request.id):
            status, content = self._answer(request)
            requests.info(
                "{method} {path} answered {status} in {duration_us} us",
                method=request.method,
                path=request.path,
                status=int(status),
                duration_us=(time.perf_counter_ns() - started_ns) // 1000,
            )
        body = json.dumps(content).encode() + b"\n"
        start_response(f"{int(status)} {status.phrase}", _headers(request, len(body)))
        return [body]

    def _answer(self, request: Request) -> Answer:
        try:
            return self._route(request)(request)
        except Refused as refusal:
            return refusal.status, {"error": str(refusal)}
        except store.UnknownItem as unknown:
            return HTTPStatus.NOT_FOUND, {"error": f"no item {unknown}"}
        except Exception:
            requests.exception("{method} {path} failed", method=request.method, path=request.path)
            return HTTPStatus.INTERNAL_SERVER_ERROR, {"error": "our fault", "request": request.id}

    def _route(self, request: Request) -> Callable[[Request], Answer]:
        route = self._routes.get((request.method, request.path))
        if route is not None:
            return route
        if re.fullmatch(r"/items/[0-9]{1,9}", request.path, re.ASCII):
            if request.method == "GET":
                return self._item
        elif not any(path == request.path for _, path in self._routes):
            raise Refused(HTTPStatus.NOT_FOUND, f"nothing at {request.path}")
        raise Refused(HTTPStatus.METHOD_NOT_ALLOWED, f"no {request.method} for {request.path}")

    def _catalogue(self, request: Request) -> Answer:
        return HTTPStatus.OK, {"items": [asdict(line) for line in self._goods.catalogue()]}

    def _item(self, request: Request) -> Answer:
        return HTTPStatus.OK, asdict(self._goods.item(int(request.path.rpartition("/")[2])))

    def _basket(self, request: Request) -> Answer:
        lines = self._goods.basket(request.basket) if request.basket else []
        return HTTPStatus.OK, {"lines": [asdict(line) for line in lines]}

    def _put(self, request: Request) -> Answer:
        item = request.whole_number("item", 10**9)
        quantity = request.whole_number("quantity", MAX_QUANTITY)
        self._goods.put(request.open_basket(), item, quantity)
        return self._basket(request)

    def _restock(self, request: Request) -> Answer:
        item = request.whole_number("item", 10**9)
        stock = self._goods.restock(item, request.whole_number("quantity", MAX_QUANTITY))
        orders.info("item {item} restocked, {stock} there now", item=item, stock=stock)
        return HTTPStatus.OK, {"item": item, "stock": stock}

    def _order(self, request: Request) -> Answer:
        log = orders.bind(basket=request.basket)
        try:
            order = self._goods.reserve(request.basket or "")
        except store.EmptyBasket:
            raise Refused(HTTPStatus.BAD_REQUEST, "the basket is empty") from None
        except store.OutOfStock as short:
            item, left = short.line, short.left
            log.warning(
                "not enough {item}: {wanted} wanted, {left} left",
                item=item.name,
                wanted=item.quantity,
                left=left,
            )
            return HTTPStatus.CONFLICT, {"error": str(short), "item": item.item, "left": left}
        return self._pay(order, log.bind(order=order.id, total_cents=order.total_cents))

    def _pay(self, order: store.Order, log: Any) -> Answer:
        log.info("order {order} reserved, {lines} lines", lines=len(order.lines))
        try:
            receipt = payment.charge(order.id, order.total_cents)
        except payment.Declined as declined:
            self._goods.cancel(order.id)
            log.warning("order {order} cancelled: {reason}", reason=str(declined))
            return HTTPStatus.PAYMENT_REQUIRED, {"error": str(declined), "order": order.id}
        except payment.ProviderError:
            self._goods.cancel(order.id)
            log.exception("order {order} cancelled: the payment provider is out of order")
            return HTTPStatus.BAD_GATEWAY, {"error": "payment provider", "order": order.id}
        self._goods.settle(order.id, receipt)
        log.info("order {order} paid, receipt {receipt}", receipt=receipt)
        return HTTPStatus.CREATED, {"order": order.id, "receipt": receipt}


def _headers(request: Request, length: int) -> list[tuple[str, str]]:
    headers = [
        ("Content-Type", "application/json"),
        ("Content-Length", str(length)),
        ("X-Request-ID", request.id),
    ]
    if request.new_basket:
        headers.append(("Set-Cookie", f"basket={request.basket}; Path=/; HttpOnly; SameSite=Lax"))
    return headers


def create_application() -> Shop:
    """The shop on the database in ``SHOP_DIR``, which is made when it is missing."""
    return Shop(store.Store(store.create(Path(os.environ.get("SHOP_DIR", "logs/shop")))))
