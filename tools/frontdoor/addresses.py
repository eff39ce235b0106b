"""Addresses as they may be shown: configured ones often hold a password or a token."""

from __future__ import annotations


def without_password(address: str) -> str:
    """The address without its user information (RFC 3986, section 3.2.1)."""
    scheme, found, rest = address.partition("://")
    if not found:
        return address
    authority, slash, path = rest.partition("/")
    return f"{scheme}://{authority.rpartition('@')[2]}{slash}{path}"
