"""Someone at a browser, and what must be true whatever they do there."""

import secrets
from urllib.parse import urlsplit

import psycopg
from playwright.sync_api import Page, Response, WebSocket, expect

from tests.live.stack import Stack

PASSWORD = "a long and winding sentence"
VIOLATIONS = """() => {
  window.violations = [];
  document.addEventListener("securitypolicyviolation", (e) => window.violations.push(e.violatedDirective));
}"""


class Watch:
    """Listens from the first request on."""

    def __init__(self, page: Page, console: str) -> None:
        self.host = urlsplit(console).netloc
        self.wrong: list[str] = []
        self.bodies: list[tuple[str, str]] = []
        self.strangers: set[str] = set()
        self.refusals_expected = False
        page.on("console", lambda message: self._said(message.type, message.text))
        page.on("pageerror", lambda error: self.wrong.append(f"script: {error}"))
        page.on("response", self._answered)
        page.on("websocket", self._socket)

    def _said(self, kind: str, text: str) -> None:
        # The browser logs every 4xx that a page answers; those that a test provokes are its subject.
        if kind in ("error", "warning") and not text.startswith("Failed to load resource"):
            self.wrong.append(f"console: {text}")

    def _answered(self, response: Response) -> None:
        if urlsplit(response.url).netloc != self.host and not response.url.startswith("data:"):
            self.wrong.append(f"foreign: {response.url}")
        if response.status >= 500 or (response.status >= 400 and not self.refusals_expected):
            self.wrong.append(f"{response.status}: {response.url}")
        kind = response.headers.get("content-type", "")
        if response.ok and kind.startswith(("text/html", "application/json")):
            self.bodies.append((response.url, response.text()))

    def _socket(self, socket: WebSocket) -> None:
        socket.on("framereceived", lambda frame: self.bodies.append((socket.url, str(frame))))

    def assert_clean(self) -> None:
        assert not self.wrong, self.wrong
        for url, body in self.bodies:
            assert not {stranger for stranger in self.strangers if stranger in body}, url


class Visitor:
    def __init__(self, page: Page, watch: Watch, product: Stack) -> None:
        self.page, self.watch, self.product = page, watch, product
        page.add_init_script(f"({VIOLATIONS})()")
        self.slug = ""

    def sign_up(self, company: str = "") -> str:
        """A new tenant of their own; answers its slug."""
        self.page.goto("/signup")
        self.page.locator("[name=tenant_name]").fill(company or f"Acme {secrets.token_hex(4)}")
        self.page.locator("[name=email]").fill(f"{secrets.token_hex(5)}@acme.test")
        self.page.locator("[name=password]").fill(PASSWORD)
        self.page.locator("main form button").click()
        self.page.wait_for_url("**/t/*/")
        self.slug = urlsplit(self.page.url).path.split("/")[2]
        with psycopg.connect(self.product.env["VELOFLUX_DATABASE_URL"], autocommit=True) as db:
            db.execute("UPDATE billing_subscription SET plan_id = 'custom'")  # no 429 where a test asks quickly
        return self.slug

    def sign_in(self) -> None:
        """The demo tenant's admin, whose password the first start printed."""
        self.page.goto("/login")
        self.page.locator("[name=email]").fill(self.product.bootstrap["email"])
        self.page.locator("[name=password]").fill(self.product.bootstrap["password"])
        self.page.locator("main form button").click()
        self.page.wait_for_url("**/t/demo/")
        self.slug = "demo"

    def at(self, path: str) -> None:
        self.page.goto(f"/t/{self.slug}{path}")

    def hook(self, name: str, **data: str) -> None:
        """Wait until the element with this test hook says so."""
        found = self.page.get_by_test_id(name).first
        for key, value in data.items():
            expect(found).to_have_attribute(f"data-{key}", value, timeout=20_000)

    def new_pool(self, name: str) -> str:
        """With checks quick enough for a test; answers its address."""
        self.at("/pools/new")
        self.page.locator("[name=name]").fill(name)
        self.page.locator("[name=check_path]").fill("/health")
        self.page.locator("[name=check_interval_ms]").fill("300ms")
        self.page.locator("[name=check_rise]").fill("1")
        self.submit()
        return urlsplit(self.page.url).path

    def add_backends(self, pool: str, *addresses: str) -> None:
        for address in addresses:
            self.page.goto(f"{pool}/backends/new")
            self.page.locator("[name=address]").fill(address)
            self.submit()

    def new_route(self, host: str, pool: str) -> None:
        self.at(f"/routes/new?pool={pool.rsplit('/', 1)[1]}")
        self.page.locator("[name=host]").fill(host)
        self.submit()

    def submit(self) -> None:
        self.page.locator("main form button.btn-primary").first.click()
        self.page.wait_for_load_state()

    def fits(self) -> bool:
        """No horizontal scroll."""
        return bool(self.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))

    def violations(self) -> list[str]:
        return list(self.page.evaluate("window.violations"))
