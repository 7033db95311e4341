"""A customer who shops for some seconds and notes what became of every request.

    python -m driver.customers PORT NUMBER SECONDS OUT

OUT gets a JSON line a request: ``{"id": …, "status": 200}`` when the answer came whole, else
``{"id": …, "fault": …}``. No id is used twice, so a log can be held against these notes.
"""

from __future__ import annotations

import http.client
import json
import random
import sys
import time
from typing import IO, Any

HOST = "127.0.0.1"
ANSWER_TIMEOUT_S = 15.0


class Customer:
    """One customer with a basket of their own."""

    def __init__(self, port: int, number: int, notes: IO[str]) -> None:
        self._port = port
        self._number = number
        self._notes = notes
        self._sent = 0
        self._cookie = ""
        # The same number walks the same way through the shop in each run.
        self._random = random.Random(number)

    def visit(self) -> None:
        """Look around, fill a basket, order it; when goods are short, wait for the clerk."""
        self.send("GET", "/")
        for _ in range(self._random.randint(1, 3)):
            item = self._random.randint(1, 11)  # the catalogue ends at 10: one in eleven is a 404
            self.send("GET", f"/items/{item}")
            self.send("POST", "/basket", {"item": item, "quantity": self._random.randint(1, 3)})
        self.send("GET", "/basket")
        answer = self.send("POST", "/order")
        if "left" in answer:
            self.send("POST", "/restock", {"item": answer["item"], "quantity": 40})

    def send(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """One request with an id of its own, noted; the answer, empty when none came."""
        self._sent += 1
        request_id = f"c{self._number}-{self._sent:06d}"
        try:
            status, answer = self._exchange(request_id, method, path, body)
        except (OSError, http.client.HTTPException) as fault:
            self._note({"id": request_id, "fault": f"{type(fault).__name__}: {fault}"})
            return {}
        self._note({"id": request_id, "status": status})
        return answer

    def _exchange(
        self, request_id: str, method: str, path: str, body: dict[str, Any] | None
    ) -> tuple[int, dict[str, Any]]:
        connection = http.client.HTTPConnection(HOST, self._port, timeout=ANSWER_TIMEOUT_S)
        headers = {"X-Request-ID": request_id, "User-Agent": "customer/1"}
        if self._cookie:
            headers["Cookie"] = self._cookie
        try:
            connection.request(method, path, json.dumps(body) if body else None, headers)
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        cookie = response.getheader("Set-Cookie")
        if cookie:
            self._cookie = cookie.partition(";")[0]
        return response.status, json.loads(content)

    def _note(self, note: dict[str, Any]) -> None:
        self._notes.write(json.dumps(note) + "\n")


def shop_for(port: int, number: int, seconds: float, out: str) -> None:
    """Visit the shop on *port* again and again until *seconds* are over; notes go to *out*."""
    ends_s = time.monotonic() + seconds
    with open(out, "w", buffering=1) as notes:
        customer = Customer(port, number, notes)
        while time.monotonic() < ends_s:
            customer.visit()


if __name__ == "__main__":
    shop_for(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), sys.argv[4])
