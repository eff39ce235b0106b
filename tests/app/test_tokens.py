"""Who may come in: tokens in both modes, over HTTP."""

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
import pytest
import todo.tokens
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm
from jwt.utils import base64url_decode
from todo.problems import Problem
from todo.tokens import Claims, JwksVerifier

from tests.app import bearer
from tests.app.client import problem
from tests.app.postgres import Postgres
from tests.app.service import Service, environment

TASKS = "/api/alice/tasks"


def status(service: Service, token: str | None, path: str = TASKS) -> int:
    """The status of a request with this token. Every refusal has to say how to come in."""
    headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
    with service.client() as client:
        answer = client.get(path, headers=headers)
    if answer.status_code == 401:
        assert answer.headers["www-authenticate"].startswith("Bearer")
    return answer.status_code


def unsigned(user: str) -> str:
    key: Any = None  # what the library's types don't allow
    return jwt.encode(bearer.claims(user), key, algorithm="none")


def odd_header(header: bytes) -> str:
    """A token whose header is these bytes."""
    return f"{jwt.utils.base64url_encode(header).decode()}.e30.AAAA"


class TestSharedSecret:
    def test_a_valid_token_opens_its_own_path(self, service: Service) -> None:
        assert status(service, bearer.token("alice")) == 200

    def test_the_path_of_another_user_is_forbidden(self, service: Service) -> None:
        assert status(service, bearer.token("mallory")) == 403

    @pytest.mark.parametrize(
        "token",
        [
            pytest.param(None, id="none at all"),
            pytest.param("a.b.c", id="no token"),
            pytest.param(unsigned("alice"), id="alg none"),
            pytest.param(bearer.token("alice", algorithm="HS512"), id="another algorithm"),
            pytest.param(bearer.token("alice", secret="x" * 32), id="another secret"),
            pytest.param(bearer.token("alice", exp=int(time.time()) - 60), id="expired"),
            pytest.param(bearer.token("alice", nbf=int(time.time()) + 600), id="not yet valid"),
            pytest.param(bearer.token("alice", iat=int(time.time()) + 600), id="from the future"),
            pytest.param(bearer.token("alice", iss="https://evil.example"), id="another issuer"),
            pytest.param(bearer.token("alice", aud="https://evil.example"), id="another audience"),
            pytest.param(bearer.token("alice", exp=None), id="no expiry"),
            pytest.param(bearer.token("alice", iss=None), id="no issuer"),
            pytest.param(bearer.token("alice", aud=None), id="no audience"),
            pytest.param(bearer.token("alice", sub=None), id="no subject"),
            pytest.param(bearer.token(""), id="empty subject"),
            pytest.param(bearer.token("alice", sub=7), id="subject that is no text"),
            pytest.param(bearer.token("alice\0"), id="subject with NUL"),
            pytest.param(bearer.token("\ud800"), id="subject beyond Unicode"),
            pytest.param(bearer.token("alice", exp=float("inf")), id="infinite expiry"),
            pytest.param(bearer.token("alice", exp="soon"), id="expiry that is no number"),
            pytest.param(bearer.token("alice", aud=["other"]), id="other audiences"),
            pytest.param(bearer.token("alice") + "A", id="signature too long"),
            pytest.param(bearer.token("alice").rpartition(".")[0] + ".", id="no signature"),
            pytest.param(odd_header(b'{"alg":' + b"[" * 2900), id="deep header"),
            pytest.param(odd_header(b'{"alg":' + b"9" * 2900 + b"}"), id="huge number"),
            pytest.param(odd_header(b'{"alg":["HS256"]}'), id="list of algorithms"),
            pytest.param(odd_header(b"\xff"), id="header that is no UTF-8"),
            pytest.param(bearer.token("alice", filler="x" * 4000), id="oversized"),
        ],
    )
    def test_any_other_token_is_refused(self, service: Service, token: str | None) -> None:
        assert status(service, token) == 401

    def test_a_clock_may_be_a_little_wrong(self, service: Service) -> None:
        now = int(time.time())
        assert status(service, bearer.token("alice", exp=now - 10, iat=now + 10)) == 200

    def test_a_refusal_repeats_nothing_of_the_token(self, service: Service) -> None:
        token = bearer.token("alice", iss="https://evil.example")
        with service.client() as client:
            answer = client.get(TASKS, headers={"Authorization": f"Bearer {token}"})
        assert "evil" not in answer.text
        assert "issuer" in answer.json()["detail"]

    @pytest.mark.parametrize(
        "values",
        [
            ["Basic YTpi"],
            ["Bearer"],
            [bearer.token("alice")],
            [f"Bearer  {bearer.token('alice')}"],
            [f"Bearer {bearer.token('alice')} more"],
            [f"Bearer {bearer.token('alice')}, Bearer x"],
            [f"Bearer {bearer.token('alice')}"] * 2,
            [f"Bearer {bearer.token('mallory')}", f"Bearer {bearer.token('alice')}"],
            ["Bearer \u00fc"],
        ],
        ids=range(9),
    )
    @pytest.mark.parametrize("path", [TASKS, "/mcp", "/chatkit"])
    def test_odd_authorization_headers(
        self, service: Service, values: list[str], path: str
    ) -> None:
        method = "GET" if path == TASKS else "POST"
        headers = [("Authorization", value.encode("latin-1")) for value in values]
        with service.client() as client:
            answer = client.request(method, path, headers=headers)  # type: ignore[arg-type]
        problem(answer, 401)
        assert answer.headers["www-authenticate"].startswith("Bearer")

    def test_the_schemes_name_is_in_any_case(self, service: Service) -> None:
        with service.client() as client:
            headers = {"Authorization": f"bEARER {bearer.token('alice')}"}
            assert client.get(TASKS, headers=headers).status_code == 200


class KeySet:
    """Better Auth's JWKS endpoint, with keys that can be changed."""

    def __init__(self) -> None:
        self.keys: dict[str, Ed25519PrivateKey] = {}
        self.fetched = 0
        self.written = 0
        self.stop = threading.Event()
        self.broken = False
        self.more: list[Any] = []
        """Other entries of the published set."""
        self.trick = ""
        """"redirect", "huge" or "slow": how it answers instead."""
        keys = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                keys.fetched += 1
                body = b"nonsense" if keys.broken else keys.document()
                if keys.trick == "redirect" and not self.path.endswith("?moved"):
                    self.send_response(302)
                    self.send_header("Location", f"{keys.url}?moved")
                else:
                    self.send_response(500 if keys.broken else 200)
                if keys.trick == "huge":
                    self.end_headers()  # without a length: until the connection is closed
                    with contextlib.suppress(OSError):
                        for _ in range(1000):
                            self.wfile.write(b" " * 65_536)
                            keys.written += 65_536
                    return
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                for number in range(len(body)) if keys.trick == "slow" else ():
                    self.wfile.write(body[number : number + 1])
                    if keys.stop.wait(0.2):
                        return
                if keys.trick != "slow":
                    self.wfile.write(body)

            def log_message(self, format: str, *arguments: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/api/auth/jwks"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def add(self, key_id: str) -> None:
        self.keys[key_id] = Ed25519PrivateKey.generate()

    def document(self) -> bytes:
        algorithm = OKPAlgorithm()
        return json.dumps(
            {
                "keys": [
                    algorithm.to_jwk(key.public_key(), as_dict=True) | {"kid": key_id}
                    for key_id, key in self.keys.items()
                ]
                + self.more
            }
        ).encode()

    def token(self, user: str, key_id: str, **changes: Any) -> str:
        claims = bearer.claims(user, **changes)
        key = self.keys.get(key_id) or Ed25519PrivateKey.generate()
        return jwt.encode(claims, key, algorithm="EdDSA", headers={"kid": key_id})


@pytest.fixture
def keys() -> Iterator[KeySet]:
    keys = KeySet()
    keys.add("first")
    yield keys
    keys.stop.set()
    keys.server.shutdown()
    keys.server.server_close()


class TestJwks:
    @pytest.fixture
    def guarded(self, postgres: Postgres, keys: KeySet, logs: Path) -> Iterator[Service]:
        """A service of its own for each test: it remembers keys."""
        settings = environment(postgres.url(), BETTER_AUTH_JWKS_URL=keys.url)
        del settings["BETTER_AUTH_SECRET"]
        with Service(settings, logs / f"jwks-{id(keys)}.log") as running:
            yield running

    def test_a_token_of_a_published_key(self, guarded: Service, keys: KeySet) -> None:
        assert keys.fetched == 0
        for _ in range(3):
            assert status(guarded, keys.token("alice", "first")) == 200
        assert keys.fetched == 1
        assert status(guarded, keys.token("mallory", "first")) == 403

    def test_a_token_of_the_other_mode_is_refused(self, guarded: Service, keys: KeySet) -> None:
        """Least of all one that takes the public key for a shared secret (CVE-2015-9235)."""
        public = json.loads(keys.document())["keys"][0]
        for secret in (bearer.SECRET, public["x"], base64url_decode(public["x"])):
            token = jwt.encode(
                bearer.claims("alice"), secret, algorithm="HS256", headers={"kid": "first"}
            )
            assert status(guarded, token) == 401
        assert status(guarded, unsigned("alice")) == 401

    def test_claims_are_checked(self, guarded: Service, keys: KeySet) -> None:
        now = int(time.time())
        for changes in ({"exp": now - 60}, {"iss": "https://evil.example"}, {"aud": "other"}):
            assert status(guarded, keys.token("alice", "first", **changes)) == 401

    def test_unknown_keys_do_not_make_it_fetch_each_time(
        self, guarded: Service, keys: KeySet
    ) -> None:
        assert status(guarded, keys.token("alice", "first")) == 200
        for number in range(5):
            assert status(guarded, keys.token("alice", f"unknown-{number}")) == 401
        assert keys.fetched == 1

    def test_without_a_key_set_it_says_503(self, guarded: Service, keys: KeySet) -> None:
        keys.broken = True
        assert status(guarded, keys.token("alice", "first")) == 503


class TestKeyRotation:
    """The verifier by itself, whose waiting times are minutes in the service."""

    claims = Claims(bearer.ISSUER, bearer.ISSUER)

    async def test_a_new_key_is_found_and_a_withdrawn_one_forgotten(self, keys: KeySet) -> None:
        verifier = JwksVerifier(keys.url, self.claims, retry=0)
        old = keys.token("alice", "first")
        assert await verifier.user(old) == "alice"
        del keys.keys["first"]
        keys.add("second")
        assert await verifier.user(keys.token("bob", "second")) == "bob"
        with pytest.raises(Problem, match="its key is unknown"):
            await verifier.user(old)

    async def test_old_keys_serve_while_the_key_set_is_away(self, keys: KeySet) -> None:
        verifier = JwksVerifier(keys.url, self.claims, fresh=0, retry=0)
        token = keys.token("alice", "first")
        assert await verifier.user(token) == "alice"
        keys.broken = True
        assert await verifier.user(token) == "alice"
        assert keys.fetched == 2

    async def test_but_not_for_ever(self, keys: KeySet) -> None:
        verifier = JwksVerifier(keys.url, self.claims, fresh=0, stale=0, retry=0)
        token = keys.token("alice", "first")
        keys.broken = True
        with pytest.raises(Problem) as raised:
            await verifier.user(token)
        assert raised.value.status == 503

    async def test_while_it_is_away_nobody_waits_for_the_next_try(
        self, keys: KeySet, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(todo.tokens, "JWKS_TIMEOUT", 3.0)
        verifier = JwksVerifier(keys.url, self.claims, fresh=0, retry=0)
        token = keys.token("alice", "first")
        await verifier.user(token)
        keys.trick = "slow"
        await verifier.user(token)  # waits for the try that fails
        started = time.monotonic()
        for _ in range(5):
            assert await verifier.user(token) == "alice"
        assert time.monotonic() - started < 3.0
        assert keys.fetched <= 3
        keys.stop.set()  # and the next try ends too
        await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()})

    @pytest.mark.parametrize("trick", ["redirect", "huge", "slow"])
    async def test_a_key_set_that_tricks(
        self, keys: KeySet, monkeypatch: pytest.MonkeyPatch, trick: str
    ) -> None:
        """It is not followed elsewhere, not read to its end and not waited for without a limit."""
        monkeypatch.setattr(todo.tokens, "JWKS_TIMEOUT", 2.0)
        keys.trick = trick
        verifier = JwksVerifier(keys.url, self.claims)
        async with asyncio.timeout(20):
            with pytest.raises(Problem) as raised:
                await verifier.user(keys.token("alice", "first"))
        assert raised.value.status == 503
        assert keys.fetched == 1
        assert keys.written < 30_000_000

    async def test_other_entries_of_the_set_do_no_harm(self, keys: KeySet) -> None:
        public = json.loads(keys.document())["keys"][0]
        keys.more = [
            public | {"kid": "x", "crv": "X25519"},
            public | {"kid": "y", "x": 5},
            {"kty": "oct", "k": "AAAA", "kid": "first"},
            {"kty": "RSA", "kid": "z"},
            {},
            None,
        ]
        verifier = JwksVerifier(keys.url, self.claims)
        assert await verifier.user(keys.token("alice", "first")) == "alice"
        for other in ("x", "y", "z"):
            with pytest.raises(Problem, match="its key is unknown"):
                await verifier.user(keys.token("alice", other))

    async def test_many_first_requests_fetch_once(self, keys: KeySet) -> None:
        verifier = JwksVerifier(keys.url, self.claims)
        token = keys.token("alice", "first")
        async with asyncio.TaskGroup() as group:
            for _ in range(10):
                group.create_task(verifier.user(token))
        assert keys.fetched == 1
