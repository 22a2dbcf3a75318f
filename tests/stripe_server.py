"""Stripe, as far as a test needs it: real HTTP, and the shapes of API version 2026-10-28.endive.

Customers, payment methods, subscriptions (an item's own period, a price's lookup key), previews of the next invoice;
`expand`, keys, and errors in Stripe's own words. The test says what there is, and how Stripe behaves.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

KEY = "sk_test_tests0only0tests0only"
VERSION = "2026-10-28.endive"
Object = dict[str, Any]


class Refused(Exception):
    def __init__(self, status: int, kind: str, message: str, code: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"type": kind, "message": message, **({"code": code} if code else {})}}


def missing(what: str, key: str) -> Refused:
    return Refused(404, "invalid_request_error", f"No such {what}: '{key}'", "resource_missing")


@dataclass
class Stripe:
    """`asked`: method and path of each request. `before` is called ahead of each answer; `slow` seconds are waited."""

    url: str = ""
    customers: dict[str, Object] = field(default_factory=dict)
    methods: dict[str, Object] = field(default_factory=dict)
    subscriptions: dict[str, Object] = field(default_factory=dict)
    previews: dict[str, Object] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    keys: set[str] = field(default_factory=lambda: {KEY})
    broken: int = 0
    slow: float = 0.0
    before: Callable[[], None] = lambda: None

    def add(self, customer: str, subscription: str, *, plan: str = "pro", amount: int = 2999, **values: Any) -> None:
        """A customer who pays by card, its subscription, and the invoice that comes next."""
        number = len(self.customers) + 1
        method = f"pm_{number}"
        start = 1_795_000_000 + number * 1000
        end = start + 30 * 86_400
        card = {"brand": "visa", "last4": f"{4000 + number}", "exp_month": 4, "exp_year": 2029, "country": "US"}
        self.methods[method] = {"id": method, "object": "payment_method", "type": "card", "card": card}
        self.customers[customer] = {
            "id": customer, "object": "customer", "metadata": {}, "default_source": None, "livemode": False,
            "invoice_settings": {"default_payment_method": method, "custom_fields": None, "footer": None},
        }  # fmt: skip
        price = {
            "id": f"price_{number}", "object": "price", "lookup_key": f"veloflux_{plan}_monthly", "currency": "usd",
            "unit_amount": amount, "type": "recurring", "recurring": {"interval": "month", "interval_count": 1},
        }  # fmt: skip
        item = {
            "id": f"si_{number}", "object": "subscription_item", "subscription": subscription, "quantity": 1,
            "price": price, "current_period_start": start, "current_period_end": end, "metadata": {},
        }  # fmt: skip
        self.subscriptions[subscription] = {
            "id": subscription, "object": "subscription", "customer": customer, "status": "active",
            "cancel_at_period_end": False, "cancel_at": None, "collection_method": "charge_automatically",
            "default_payment_method": None, "default_source": None, "metadata": {}, "livemode": False,
            "items": {"object": "list", "data": [item], "has_more": False, "url": "/v1/subscription_items"},
            **values,
        }  # fmt: skip
        self.previews[subscription] = {
            "id": f"upcoming_in_{number}", "object": "invoice", "customer": customer, "status": "draft",
            "currency": "usd", "total": amount, "amount_due": amount, "amount_paid": 0, "amount_remaining": amount,
            "created": end, "period_start": start, "period_end": end, "next_payment_attempt": end + 3600,
            "due_date": None, "billing_reason": "upcoming", "lines": {"object": "list", "data": [], "has_more": False},
            "parent": {"type": "subscription_details", "subscription_details": {"subscription": subscription}},
        }  # fmt: skip

    def answer(self, method: str, path: str, given: dict[str, list[str]], headers: dict[str, str]) -> Object:
        self.asked.append(f"{method} {path}")
        self.headers.append(headers)
        self.before()
        time.sleep(self.slow)
        if headers.get("authorization", "").removeprefix("Bearer ") not in self.keys:
            raise Refused(401, "invalid_request_error", "Invalid API Key provided: sk_test_***only")
        if self.broken:
            raise Refused(self.broken, "api_error", "An unknown error occurred")
        expand = [value for name, values in given.items() if name.startswith("expand") for value in values]
        match method, path.strip("/").split("/"):
            case "GET", ["v1", "customers", key]:
                return self._expanded(self._found("customer", self.customers, key), expand)
            case "GET", ["v1", "subscriptions", key]:
                return self._expanded(self._found("subscription", self.subscriptions, key), expand)
            case "POST", ["v1", "invoices", "create_preview"]:
                return self._preview(given["customer"][0], given["subscription"][0])
        raise Refused(404, "invalid_request_error", f"Unrecognized request URL ({method}: {path}).")

    def _found(self, what: str, kept: dict[str, Object], key: str) -> Object:
        if key not in kept:
            raise missing(what, key)
        return json.loads(json.dumps(kept[key]))  # type: ignore[no-any-return]

    def _expanded(self, found: Object, expand: list[str]) -> Object:
        for path in sorted(expand, key=lambda one: one.count(".")):
            *outer, last = path.split(".")
            place = found
            for name in outer:
                if isinstance(place.get(name), str):
                    place[name] = self._found("customer", self.customers, place[name])
                place = place.get(name) or {}  # one that was deleted has nothing left
            if isinstance(place.get(last), str):
                place[last] = self._found("payment_method", self.methods, place[last])
        return found

    def _preview(self, customer: str, subscription: str) -> Object:
        if self._found("subscription", self.subscriptions, subscription)["customer"] != customer:
            raise missing("subscription", subscription)
        if subscription not in self.previews:
            words = f"No upcoming invoices for customer: {customer}"
            raise Refused(404, "invalid_request_error", words, "invoice_upcoming_none")
        return self.previews[subscription]


@contextmanager
def running() -> Iterator[Stripe]:
    stripe = Stripe()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(stripe))
    stripe.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield stripe
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def _handler(stripe: Stripe) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer("")

        def do_POST(self) -> None:
            self._answer(self.rfile.read(int(self.headers.get("Content-Length", 0))).decode())

        def _answer(self, body: str) -> None:
            url = urlsplit(self.path)
            given = {**parse_qs(url.query), **parse_qs(body)}
            headers = {name.lower(): value for name, value in self.headers.items()}
            try:
                status, content = 200, stripe.answer(self.command, url.path, given, headers)
            except Refused as refused:
                status, content = refused.status, refused.body
            data = json.dumps(content).encode()
            try:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.send_header("Request-Id", f"req_{len(stripe.asked)}")
                self.end_headers()
                self.wfile.write(data)
            except OSError:
                self.close_connection = True  # who asked did not wait

        def log_message(self, *args: Any) -> None:
            """Not into the test's output."""

    return Handler
