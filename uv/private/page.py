"""Find a file on a page of a package index: `page.py FILE URL [SAVED]` prints the file's address.

SAVED is the page as Bazel downloaded it. Without, it is read from URL, with LOGIN and PASSWORD of
the environment: Bazel takes nothing over plain HTTP whose checksum it does not know, and a page has
none. On failure one phrase goes to standard error, without an address, and the exit code is 1.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from html.parser import HTMLParser
from pathlib import Path

# PEP 503 and PEP 691.
_ACCEPT = (
    "application/vnd.pypi.simple.v1+html, "
    "application/vnd.pypi.simple.v1+json;q=0.2, text/html;q=0.1"
)

# What passes, and how long each of the pauses is (seconds).
_PASSES = {429, 500, 502, 503, 504}
_PAUSES = (0.5, 2)
_PATIENCE = 60


class _Links(HTMLParser):
    """The addresses of a page's links, as they stand there."""

    def __init__(self) -> None:
        super().__init__()
        self.base = ""
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        address = dict(attrs).get("href")
        if tag == "a" and address:
            self.found.append(address)
        elif tag == "base" and address and not self.base:
            self.base = address


def links(page: str, url: str) -> dict[str, str]:
    """Return file name → address of a PEP 503 page, or of a PEP 691 document.

    A yanked file is there like the others: the lock has chosen it.
    """
    if page.lstrip().startswith("{"):
        addresses = [file["url"] for file in json.loads(page)["files"]]
        base = url
    else:
        parser = _Links()
        parser.feed(page)
        addresses, base = parser.found, urllib.parse.urljoin(url, parser.base)
    found = {}
    for address in addresses:
        whole = urllib.parse.urljoin(base, address.strip())
        parts = urllib.parse.urlsplit(whole)
        name = urllib.parse.unquote(parts.path.rpartition("/")[2])
        found[name] = urllib.parse.urlunsplit(parts._replace(fragment=""))
    return found


class _SameOrigin(urllib.request.HTTPRedirectHandler):
    """Follows redirects; credentials go along to the same scheme, host and port alone."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):  # type: ignore[no-untyped-def]
        new = super().redirect_request(req, fp, code, msg, headers, newurl)
        login = req.unredirected_hdrs.get("Authorization")
        if new is not None and login and _origin(newurl) == _origin(req.full_url):
            new.add_unredirected_header("Authorization", login)
        return new


def _origin(url: str) -> tuple[str, str]:
    parts = urllib.parse.urlsplit(url)
    return parts.scheme, parts.netloc.rpartition("@")[2]


def _read(url: str) -> tuple[str, str]:
    """Return a page and the address that it has in the end."""
    request = urllib.request.Request(url, headers={"Accept": _ACCEPT})  # noqa: S310 - http alone
    login = os.environ.get("LOGIN", "")
    if login:
        words = f"{login}:{os.environ.get('PASSWORD', '')}".encode()
        words = base64.b64encode(words)
        request.add_unredirected_header("Authorization", f"Basic {words.decode()}")
    opener = urllib.request.build_opener(_SameOrigin)
    with opener.open(request, timeout=_PATIENCE) as answer:
        return answer.read().decode("utf-8", "replace"), answer.geturl()


def _fetch(url: str) -> tuple[str, str]:
    """Read a page, more than once where that may help."""
    for pause in (*_PAUSES, None):
        try:
            return _read(url)
        except urllib.error.HTTPError as error:
            if pause is None or error.code not in _PASSES:
                raise
        except (OSError, http.client.HTTPException):
            if pause is None:
                raise
        time.sleep(pause)
    raise AssertionError


def _reason(error: Exception) -> str:
    """Return what is wrong, to come after "the index"."""
    if isinstance(error, urllib.error.HTTPError):
        if error.code == 404:
            return "doesn't have this package"
        return f"answers {error.code} {http.client.responses.get(error.code, '')}".rstrip()
    if isinstance(error, (ValueError, KeyError, TypeError)):
        return "gives a page that can't be read"
    cause = getattr(error, "reason", error)
    if isinstance(cause, TimeoutError):
        return "doesn't answer"
    words = getattr(cause, "strerror", None) or type(cause).__name__
    return f"can't be reached ({words})"


def main(arguments: list[str]) -> None:
    """Command line: see the module's docstring."""
    file, url = arguments[:2]
    try:
        if len(arguments) > 2:
            page = Path(arguments[2]).read_text("utf-8", "replace")
        else:
            page, url = _fetch(url)
        found = links(page, url).get(file)
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
        sys.exit(_reason(error))
    if not found:
        sys.exit(f"doesn't have {file}")
    print(found)


if __name__ == "__main__":
    main(sys.argv[1:])
