"""Finds out whether the open internet answers, which is what hub mode needs."""

from __future__ import annotations

import concurrent.futures
import http.client
import urllib.error
import urllib.request

# Rule modules' descriptions and their sources: the one is of no use without the other.
ADDRESSES = (
    "https://bcr.bazel.build/bazel_registry.json",
    "https://github.com/bazelbuild/bazel/releases/latest",
)
TIMEOUT = 6.0  # seconds


def choose() -> tuple[str, str]:
    """The mode that fits this machine, and why, as a clause for a person to read."""
    with concurrent.futures.ThreadPoolExecutor() as pool:
        failures = [failure for failure in pool.map(_failure, ADDRESSES) if failure]
    if failures:
        return "mirror", failures[0]
    return "hub", "the Bazel Central Registry and GitHub answer"


def _failure(address: str) -> str | None:
    host = address.split("/")[2]
    request = urllib.request.Request(address, method="HEAD")  # noqa: S310 (constant addresses)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT):  # noqa: S310
            return None
    except urllib.error.HTTPError as error:
        return f"{host} refuses (HTTP {error.code})"
    except urllib.error.URLError as error:
        return f"{host} does not answer ({error.reason})"
    except (OSError, ValueError, http.client.HTTPException) as error:
        # The last two are a proxy's: an address that is none, an answer that is no HTTP.
        return f"{host} does not answer ({str(error).strip()})"
