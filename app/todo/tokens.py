"""Verifies Better Auth's tokens (JWT, RFC 7519).

The settings choose the mode, never the token: a shared secret (HS256), or the public keys that
Better Auth's JWT plugin publishes as a JWKS (EdDSA). PyJWT and cryptography are imported with the
first token.
"""

import asyncio
import json
import logging
import re
import time
from typing import TYPE_CHECKING, Any, Protocol

from todo.problems import Problem
from todo.settings import Settings

if TYPE_CHECKING:
    import jwt

LEEWAY = 30  # seconds that clocks may differ
MAX_TOKEN_LENGTH = 4096  # characters; Better Auth's tokens have a few hundred
_SUBJECT = re.compile(r"[^\0\ud800-\udfff]{1,255}")
KEYS_FRESH = 600.0  # seconds before the keys are fetched again
KEYS_STALE = 86_400.0  # seconds that old keys serve while they can't be fetched
KEYS_RETRY = 30.0  # seconds between fetches, whatever key ids tokens name
JWKS_TIMEOUT = 5.0  # seconds
MAX_JWKS_SIZE = 65_536  # bytes


logger = logging.getLogger("todo.tokens")


class Verifier(Protocol):
    """Turns a token into the id of its user."""

    async def user(self, token: str) -> str:
        """Raises Problem 401 for a token that doesn't hold, 503 while there is no key to check
        it."""


def create_verifier(settings: Settings) -> Verifier:
    """The verifier of the mode that the settings choose."""
    claims = Claims(settings.token_issuer, settings.token_audience)
    if settings.better_auth_secret is not None:
        return SharedSecretVerifier(settings.better_auth_secret.get_secret_value(), claims)
    if settings.better_auth_jwks_url is not None:
        return JwksVerifier(settings.better_auth_jwks_url, claims)
    raise ValueError("neither a shared secret nor a key set")  # Settings allows no such thing


class Claims:
    """Checks a token's signature with a given key and algorithm, and every claim."""

    def __init__(self, issuer: str, audience: str) -> None:
        self.issuer = issuer
        self.audience = audience

    def subject(self, token: str, key: Any, algorithm: str) -> str:
        import jwt

        try:
            claims = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                issuer=self.issuer,
                audience=self.audience,
                leeway=LEEWAY,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except jwt.PyJWTError as error:
            raise unauthorized(_reason(error)) from None
        except (ArithmeticError, RecursionError, ValueError):  # such as an infinite expiry
            raise unauthorized("it is malformed") from None
        subject = claims["sub"]
        # The subject goes into columns: no NUL, nothing that has no form in UTF-8.
        if not isinstance(subject, str) or not _SUBJECT.fullmatch(subject):
            raise unauthorized("the subject is not usable")
        return subject


class SharedSecretVerifier:
    """HS256 with Better Auth's secret."""

    def __init__(self, secret: str, claims: Claims) -> None:
        self._secret = secret
        self._claims = claims

    async def user(self, token: str) -> str:
        _check_length(token)
        return self._claims.subject(token, self._secret, "HS256")


class JwksVerifier:
    """EdDSA with the published keys, which are cached and follow their rotation.

    A token with an unknown key id makes the keys be fetched again, but not twice within ``retry``
    seconds. While they can't be fetched, those known go on serving for ``stale`` seconds, and
    requests no longer wait for the next try.
    """

    def __init__(
        self,
        url: str,
        claims: Claims,
        *,
        fresh: float = KEYS_FRESH,
        stale: float = KEYS_STALE,
        retry: float = KEYS_RETRY,
    ) -> None:
        self._fresh = fresh
        self._stale = stale
        self._retry = retry
        self._url = url
        self._claims = claims
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched = float("-inf")
        self._tried = float("-inf")
        self._lock = asyncio.Lock()
        self._fetching: asyncio.Task[None] | None = None

    async def user(self, token: str) -> str:
        import jwt

        _check_length(token)
        try:
            header = jwt.get_unverified_header(token)
        except (jwt.PyJWTError, RecursionError, ValueError):
            raise unauthorized("it is malformed") from None
        key = await self._key(str(header.get("kid", "")))
        return self._claims.subject(token, key, "EdDSA")

    async def _key(self, key_id: str) -> "jwt.PyJWK":
        if self._wants(key_id):
            if key_id in self._keys and self._tried > self._fetched:  # the last try has failed
                if self._fetching is None or self._fetching.done():
                    self._fetching = asyncio.create_task(self._fetch_once(key_id))
            else:
                await self._fetch_once(key_id)
        if self._age() > self._stale:
            again = {"Retry-After": str(int(self._retry))}
            raise Problem(503, "The token keys are unavailable.", headers=again)
        if key_id not in self._keys:
            raise unauthorized("its key is unknown")
        return self._keys[key_id]

    async def _fetch_once(self, key_id: str) -> None:
        async with self._lock:  # one fetch, however many requests wait for it
            if self._wants(key_id) and time.monotonic() - self._tried > self._retry:
                self._tried = time.monotonic()
                await self._fetch()

    def _wants(self, key_id: str) -> bool:
        return self._age() > self._fresh or key_id not in self._keys

    def _age(self) -> float:
        return time.monotonic() - self._fetched

    async def _fetch(self) -> None:
        import httpx2

        try:
            # The limit is for the whole: the client's own is for each part of the answer.
            async with asyncio.timeout(JWKS_TIMEOUT):
                keys = _usable(json.loads(await _download(self._url)))
        except (httpx2.HTTPError, OSError, ValueError, RecursionError) as error:
            logger.warning(
                "the token keys could not be fetched", extra={"error": type(error).__name__}
            )
        else:
            self._keys = keys
            self._fetched = time.monotonic()


async def _download(url: str) -> bytes:
    """The body at the URL. Redirects are not followed: keys come from where the settings say."""
    import httpx2

    body = b""
    async with httpx2.AsyncClient() as client, client.stream("GET", url) as answer:
        answer.raise_for_status()
        async for part in answer.aiter_bytes():
            body += part
            if len(body) > MAX_JWKS_SIZE:
                raise ValueError("the key set is too large")
    return body


def _usable(document: Any) -> "dict[str, jwt.PyJWK]":
    """The keys for EdDSA by their ids; a set may hold others. Raises ValueError if it is no set."""
    import jwt

    published = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(published, list):
        raise ValueError("this is no key set")
    keys = {}
    for key in published:
        try:
            keys[str(key["kid"])] = jwt.PyJWK(key, algorithm="EdDSA")
        except (jwt.PyJWTError, ValueError, KeyError, TypeError, AttributeError):
            continue
    return keys


def unauthorized(reason: str) -> Problem:
    """401 in the form of RFC 6750."""
    return Problem(
        401,
        f"The bearer token is not accepted: {reason}.",
        headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
    )


def _check_length(token: str) -> None:
    if len(token) > MAX_TOKEN_LENGTH:
        raise unauthorized("it is too long")


def _reason(error: "jwt.PyJWTError") -> str:
    """Our own words: the library's may repeat parts of the token."""
    import jwt

    for kind, words in (
        (jwt.ExpiredSignatureError, "it has expired"),
        (jwt.ImmatureSignatureError, "it is not valid yet"),
        (jwt.InvalidIssuerError, "its issuer is another"),
        (jwt.InvalidAudienceError, "its audience is another"),
        (jwt.MissingRequiredClaimError, "a required claim is missing"),
        (jwt.InvalidAlgorithmError, "its algorithm is another"),
        (jwt.InvalidSignatureError, "its signature is wrong"),
    ):
        if isinstance(error, kind):
            return words
    return "it is malformed"
