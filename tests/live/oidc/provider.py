"""An OpenID Connect provider on a real socket, for tests: as the standard says, and wrong where it is told to be.

`python -m tests.live.oidc.provider 9400` runs one by hand.
"""

import base64
import functools
import hashlib
import html
import itertools
import json
import secrets
import sys
import threading
import time
from dataclasses import dataclass, field
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

CLIENT, SECRET = "console", "the client's secret"
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
SLOW_SECONDS = 30.0
Json = dict[str, Any]


@functools.cache
def _pem(number: int) -> bytes:
    return RSAKey.generate_key(2048).as_pem(private=True)


# Making one takes a quarter of a second; no test has as many, so those of one test differ.
_numbers = itertools.cycle(range(8))


def _rsa(parameters: Any) -> RSAKey:
    return RSAKey.import_key(_pem(next(_numbers)), parameters)


class Wrong(StrEnum):
    """What it can be told to do wrong."""

    ISSUER = "id token of another issuer"
    AUDIENCE = "id token for another client"
    PARTY = "id token issued to another client"
    EXPIRED = "expired id token"
    FUTURE = "id token of tomorrow"
    NONCE = "another nonce"
    NO_NONCE = "no nonce"
    UNSIGNED = "alg none"
    SYMMETRIC = "HS256 with the client secret"
    STRANGE_KEY = "a key that is not published"
    HASH = "at_hash of another token"
    SUBJECT = "userinfo of another subject"
    USERINFO = "userinfo is down"
    DISCOVERY_ISSUER = "discovery names another issuer"
    REDIRECT = "discovery redirects to an internal address"
    INSIDE = "endpoints at an internal address"
    SLOW = "does not answer in time"
    HUGE = "answers without end"
    NO_JSON = "answers HTML"
    RESPONSE_ISSUER = "another iss in the response"


@dataclass
class Code:
    person: str
    redirect_uri: str
    nonce: str
    challenge: str
    auth_time: float


@dataclass
class Provider:
    """`person` signs in by itself; with `asks`, a page asks for the name (one of `people`)."""

    port: int = 0
    people: dict[str, Json] = field(default_factory=dict)
    person: str = "ana"
    asks: bool = False
    wrong: set[Wrong] = field(default_factory=set)
    redirect_uris: set[str] = field(default_factory=set)
    names_itself: bool = True
    claims_in_id_token: bool = False
    algorithm: str = "RS256"
    extra: Json = field(default_factory=dict)  # into every ID token
    seen: list[tuple[str, Json]] = field(default_factory=list)
    keys: list[Any] = field(default_factory=list)
    codes: dict[str, Code] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    signed_in: bool = True  # for prompt=none
    auth_time: float | None = None
    sid: str = "provider-session-1"

    def __post_init__(self) -> None:
        self.rotate()
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), _handler(self))
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def rotate(self, *, keep: bool = False) -> None:
        parameters: Any = {"kid": secrets.token_hex(4), "use": "sig"}
        new: Any = ECKey.generate_key("P-256", parameters) if self.algorithm == "ES256" else _rsa(parameters)
        self.keys = [new, *(self.keys if keep else [])]

    def asked(self, path: str) -> list[Json]:
        return [form for where, form in self.seen if where == path]

    def metadata(self) -> Json:
        base = "http://169.254.169.254" if Wrong.INSIDE in self.wrong else self.issuer
        return {
            "issuer": "https://evil.example" if Wrong.DISCOVERY_ISSUER in self.wrong else self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{base}/token",
            "userinfo_endpoint": f"{base}/userinfo",
            "jwks_uri": f"{base}/keys",
            "end_session_endpoint": f"{self.issuer}/logout",
            "response_types_supported": ["code"],
            "id_token_signing_alg_values_supported": [self.algorithm],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "authorization_response_iss_parameter_supported": self.names_itself,
            "backchannel_logout_supported": True,
        }

    def approve(self, asked: Json, person: str) -> str:
        """Where the browser goes with its code."""
        code = secrets.token_urlsafe(16)
        proven = self.auth_time if self.auth_time is not None else time.time()
        self.codes[code] = Code(
            person, asked["redirect_uri"], asked.get("nonce", ""), asked.get("code_challenge", ""), proven
        )
        return self.back(asked, code=code)

    def back(self, asked: Json, **answer: str) -> str:
        answer["state"] = asked.get("state", "")
        if self.names_itself:
            answer["iss"] = "https://evil.example" if Wrong.RESPONSE_ISSUER in self.wrong else self.issuer
        return f"{asked['redirect_uri']}?{urlencode(answer)}"

    def exchange(self, form: Json, client: tuple[str, str]) -> tuple[int, Json]:
        if client != (CLIENT, SECRET):
            return 401, {"error": "invalid_client"}
        code = self.codes.pop(form.get("code", ""), None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if code is None or code.redirect_uri != form.get("redirect_uri"):
            return 400, {"error": "invalid_grant"}
        if code.challenge != challenge.rstrip(b"=").decode():
            return 400, {"error": "invalid_grant", "error_description": "PKCE"}
        access_token = secrets.token_urlsafe(16)
        self.tokens[access_token] = code.person
        return 200, {
            "access_token": access_token,
            "token_type": "Bearer",
            "id_token": self.id_token(code, access_token),
        }

    def id_token(self, code: Code, access_token: str) -> str:
        now = time.time()
        half = hashlib.sha256(("x" if Wrong.HASH in self.wrong else access_token).encode()).digest()[:16]
        claims: Json = {
            "iss": "https://evil.example" if Wrong.ISSUER in self.wrong else self.issuer,
            "aud": "another" if Wrong.AUDIENCE in self.wrong else CLIENT,
            "sub": self.people[code.person]["sub"],
            "iat": now + (86400 if Wrong.FUTURE in self.wrong else 0),
            "exp": now + (-3600 if Wrong.EXPIRED in self.wrong else 86400 * 2),
            "nonce": "another" if Wrong.NONCE in self.wrong else code.nonce,
            "auth_time": int(code.auth_time),
            "sid": self.sid,
            "at_hash": base64.urlsafe_b64encode(half).rstrip(b"=").decode(),
            **(self.people[code.person] if self.claims_in_id_token else {}),
            **self.extra,
        }
        if Wrong.PARTY in self.wrong:
            claims |= {"aud": [CLIENT, "another"], "azp": "another"}
        if Wrong.NO_NONCE in self.wrong:
            del claims["nonce"]
        return self.signed(claims)

    def signed(self, claims: Json, **header: str) -> str:
        if Wrong.UNSIGNED in self.wrong:
            parts = [{"alg": "none", "typ": "JWT"}, claims]
            return ".".join(_base64(json.dumps(part).encode()) for part in parts) + "."
        key = self.keys[0]
        if Wrong.SYMMETRIC in self.wrong:
            return jwt.encode({"alg": "HS256", "kid": key.kid}, claims, OctKey.import_key(SECRET * 3))
        if Wrong.STRANGE_KEY in self.wrong:
            stranger = _rsa({"kid": key.kid})
            return jwt.encode({"alg": "RS256", "kid": key.kid}, claims, stranger)
        return jwt.encode({"alg": self.algorithm, "kid": key.kid, **header}, claims, key)

    def logout_token(self, **changed: Any) -> str:
        """As for back-channel logout; a claim that is changed to None is left out."""
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "iat": time.time(),
            "exp": time.time() + 120,
            "jti": secrets.token_hex(8),
            "sub": self.people[self.person]["sub"],
            "sid": self.sid,
            "events": {LOGOUT_EVENT: {}},
            **changed,
        }
        return self.signed({name: value for name, value in claims.items() if value is not None}, typ="logout+jwt")

    def userinfo(self, access_token: str) -> tuple[int, Json]:
        person = self.tokens.get(access_token)
        if person is None:
            return 401, {"error": "invalid_token"}
        if Wrong.USERINFO in self.wrong:
            return 500, {}
        found = dict(self.people[person])
        if Wrong.SUBJECT in self.wrong:
            found["sub"] = "somebody-else"
        return 200, found


def _handler(provider: Provider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

        def do_GET(self) -> None:
            where = urlsplit(self.path)
            asked = {name: values[0] for name, values in parse_qs(where.query).items()}
            provider.seen.append((where.path, asked))
            match where.path:
                case "/.well-known/openid-configuration":
                    self._discovery()
                case "/keys":
                    self._json(200, {"keys": [key.as_dict(private=False) for key in provider.keys]})
                case "/userinfo":
                    self._json(*provider.userinfo(self.headers.get("Authorization", "").removeprefix("Bearer ")))
                case "/authorize":
                    self._authorize(asked)
                case "/logout":
                    self._page(200, "<h1>Signed out there</h1>")
                case _:
                    self._json(404, {})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            where = urlsplit(self.path)
            provider.seen.append((where.path, form))
            if where.path == "/token":
                self._json(*provider.exchange(form, self._client(form)))
            elif where.path == "/authorize":
                asked = {name: values[0] for name, values in parse_qs(where.query).items()}
                self._go(provider.approve(asked, form["person"]))
            else:
                self._json(404, {})

        def _client(self, form: Json) -> tuple[str, str]:
            scheme, _, value = self.headers.get("Authorization", "").partition(" ")
            if scheme != "Basic":
                return form.get("client_id", ""), form.get("client_secret", "")
            name, _, secret = base64.b64decode(value).decode().partition(":")
            return unquote(name), unquote(secret)

        def _discovery(self) -> None:
            if Wrong.SLOW in provider.wrong:
                time.sleep(SLOW_SECONDS)
            if Wrong.REDIRECT in provider.wrong:
                return self._go("http://169.254.169.254/latest/meta-data/")
            if Wrong.NO_JSON in provider.wrong:
                return self._page(200, "<h1>It works!</h1>")
            return self._json(200, provider.metadata())

        def _authorize(self, asked: Json) -> None:
            known = not provider.redirect_uris or asked.get("redirect_uri") in provider.redirect_uris
            if asked.get("client_id") != CLIENT or not known:
                return self._page(400, "<h1>invalid redirect_uri</h1>")
            if asked.get("prompt") == "none" and not provider.signed_in:
                return self._go(provider.back(asked, error="login_required"))
            if not provider.asks or asked.get("prompt") == "none":
                return self._go(provider.approve(asked, provider.person))
            buttons = "".join(
                f'<button name="person" value="{html.escape(name)}">Sign in as {html.escape(name)}</button>'
                for name in provider.people
            )
            return self._page(200, f'<h1>The provider</h1><form method="post">{buttons}</form>')

        def _json(self, status: int, body: Json) -> None:
            whole = json.dumps(body).encode()
            if Wrong.HUGE in provider.wrong:
                whole += b" " * 4 * 1024 * 1024
            self._answer(status, "application/json", whole)

        def _page(self, status: int, body: str) -> None:
            icon = '<link rel="icon" href="data:,">'
            self._answer(status, "text/html; charset=utf-8", f"<!doctype html><title>x</title>{icon}{body}".encode())

        def _go(self, where: str) -> None:
            self.send_response(302)
            self.send_header("Location", where)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def _answer(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            try:
                self.wfile.write(body)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True  # who would not read so much

    return Handler


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


if __name__ == "__main__":
    ana = {"sub": "s-ana", "email": "ana@acme.test", "email_verified": True, "groups": ["staff"]}
    running = Provider(port=int(sys.argv[1]), people={"ana": ana}, asks=True)
    sys.stdout.write(f"{running.issuer}, client {CLIENT}, secret {SECRET!r}\n")
    threading.Event().wait()
