"""Tokens as Better Auth would sign them, with obviously fake secrets."""

import time
from typing import Any

import jwt

SECRET = "fake-secret-for-tests-of-64-bytes-so-that-it-serves-for-HS512-too"
ISSUER = "http://localhost:3000"


def claims(user: str, **changes: Any) -> dict[str, Any]:
    """A valid token's claims; a change to None leaves the claim out."""
    now = int(time.time())
    valid = {"sub": user, "iss": ISSUER, "aud": ISSUER, "iat": now, "exp": now + 600}
    return {name: value for name, value in (valid | changes).items() if value is not None}


def token(user: str, *, secret: str = SECRET, algorithm: str = "HS256", **changes: Any) -> str:
    """A signed token."""
    return jwt.encode(claims(user, **changes), secret, algorithm=algorithm)


def headers(user: str) -> dict[str, str]:
    """The Authorization header of this user."""
    return {"Authorization": f"Bearer {token(user)}"}
