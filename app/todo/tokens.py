"""Verifies Better Auth's tokens (JWT, RFC 7519).

The settings choose the mode, never the token: a shared secret (HS256), or the public keys that
Better Auth's JWT plugin publishes as a JWKS (EdDSA). PyJWT and cryptography are imported with the
first token.
"""

import asyncio
import time
from typing import TYPE_CHECKING, Any, Protocol

from todo.problems import Problem
from todo.settings import Settings

if TYPE_CHECKING:
    import jwt

LEEWAY = 30  # seconds that clocks may differ
MAX_TOKEN_LENGTH = 4096  # characters; Better Auth's tokens have a few hundred
MAX_SUBJECT_LENGTH = 255
KEYS_FRESH = 600.0  # seconds before the keys are fetched again
KEYS_STALE = 86_400.0  # seconds that old keys serve while they can't be fetched
KEYS_RETRY = 30.0  # seconds between fetches, whatever key ids tokens name
JWKS_TIMEOUT = 5.0  # seconds
MAX_JWKS_SIZE = 65_536  # bytes


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
        subject = claims["sub"]
        if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT_LENGTH:
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
    seconds. While they can't be fetched, those known go on serving for ``stale`` seconds.
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

    async def user(self, token: str) -> str:
        import jwt

        _check_length(token)
        try:
            header = jwt.get_unverified_header(token)
        except jwt.PyJWTError:
            raise unauthorized("it is malformed") from None
        key = await self._key(str(header.get("kid", "")))
        return self._claims.subject(token, key, "EdDSA")

    async def _key(self, key_id: str) -> "jwt.PyJWK":
        if self._wants(key_id):
            async with self._lock:  # one fetch, however many requests wait for it
                if self._wants(key_id) and time.monotonic() - self._tried > self._retry:
                    self._tried = time.monotonic()
                    await self._fetch()
        if self._age() > self._stale:
            again = {"Retry-After": str(int(self._retry))}
            raise Problem(503, "The token keys are unavailable.", headers=again)
        if key_id not in self._keys:
            raise unauthorized("its key is unknown")
        return self._keys[key_id]

    def _wants(self, key_id: str) -> bool:
        return self._age() > self._fresh or key_id not in self._keys

    def _age(self) -> float:
        return time.monotonic() - self._fetched

    async def _fetch(self) -> None:
        import logging

        import httpx2
        import jwt

        try:
            async with httpx2.AsyncClient(timeout=JWKS_TIMEOUT) as client:
                answer = await client.get(self._url)
            answer.raise_for_status()
            if len(answer.content) > MAX_JWKS_SIZE:
                raise ValueError("the key set is too large")
            published = answer.json()["keys"]
            self._keys = {
                str(key["kid"]): jwt.PyJWK(key, algorithm="EdDSA")
                for key in published
                if key.get("kty") == "OKP" and key.get("kid")
            }
            self._fetched = time.monotonic()
        except (
            httpx2.HTTPError,
            jwt.PyJWTError,
            ValueError,
            KeyError,
            TypeError,
            AttributeError,
        ) as error:
            logging.getLogger("todo.tokens").warning(
                "the token keys could not be fetched", extra={"error": type(error).__name__}
            )


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
