"""The machine's own Debian mirror, as apt is configured for it: sources.list(5)."""

from __future__ import annotations

import os

from .problem import Problem

VARIABLE = "FASTAPI_IMAGE_DEBIAN_MIRROR"
_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"

# Suites of Debian's main archive. Another vendor's archive has suites of its own (bookworm-pgdg).
_SUITES = frozenset(
    "stable oldstable oldoldstable testing unstable sid"
    " buster bullseye bookworm trixie forky duke".split()
)


class Source:
    """Where Debian's archive is.

    Attributes:
      address: what apt takes as URI, without a slash at the end.
      options: apt's options of that source (Signed-By, Trusted, ...), by their deb822 names.
    """

    def __init__(self, address: str, options: dict[str, str]) -> None:
        self.address = address.rstrip("/")
        self.options = options

    def base(self) -> str:
        """The address for programs other than apt: a mirror list's first entry, else as it is."""
        _, found, path = self.address.partition("mirror+file:")
        if not found:
            return self.address
        what = f"{path}, which apt's sources name as a list of mirrors,"
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                for line in file:
                    words = line.split()
                    if words and not line.startswith("#"):
                        return words[0].rstrip("/")
        except OSError as error:
            raise Problem(
                f"{what} can't be read ({error.strerror}): correct apt's sources"
            ) from error
        raise Problem(f"{what} is empty: correct apt's sources")


def debian(etc: str = "/etc/apt") -> Source:
    """The source that carries Debian's main archive.

    The variable FASTAPI_IMAGE_DEBIAN_MIRROR (a base URL such as https://mirror.example/debian)
    comes before apt's sources.

    Raises:
      Problem: neither names a Debian archive.
    """
    named = os.environ.get(VARIABLE)
    found = None
    for path in _files(etc):
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                text = file.read()
        except OSError:
            continue
        read = _stanzas(text) if path.endswith(".sources") else _lines(text)
        found = next(iter(read), None)
        if found:
            break
    if named:
        keyring = {"Signed-By": _KEYRING} if os.path.exists(_KEYRING) else {}
        return Source(named, found.options if found else keyring)
    if found:
        return found
    raise Problem(
        f"apt's sources ({etc}) name no Debian archive: set {VARIABLE} to one's address, such as"
        " https://mirror.example/debian"
    )


def _files(etc: str) -> list[str]:
    files = [os.path.join(etc, "sources.list")]
    folder = os.path.join(etc, "sources.list.d")
    if os.path.isdir(folder):
        names = sorted(os.listdir(folder))
        files += [os.path.join(folder, n) for n in names if n.endswith((".list", ".sources"))]
    return files


def _stanzas(text: str) -> list[Source]:
    """The deb822 format."""
    found = []
    for block in text.split("\n\n"):
        name = ""
        fields = {name: ""}
        for line in block.splitlines():
            if line.startswith("#"):
                continue
            if line[:1] in (" ", "\t"):
                fields[name] += "\n" + line  # a key block given in place goes over as it is
            elif ":" in line:
                name, _, value = line.partition(":")
                name = name.strip().title()
                fields[name] = value.strip()
        enabled = fields.pop("Enabled", "yes").lower() not in ("no", "false", "0")
        types = fields.pop("Types", "").split()
        addresses = fields.pop("Uris", "").split()
        suites = fields.pop("Suites", "").split()
        components = fields.pop("Components", "").split()
        if enabled and addresses and _fits(types, suites, components):
            found.append(Source(addresses[0], _kept(fields)))
    return found


def _lines(text: str) -> list[Source]:
    """The one-line format: deb [option=value ...] URI suite component ..."""
    found = []
    for line in text.splitlines():
        line = line.partition("#")[0].strip()
        options: dict[str, str] = {}
        kind, _, rest = line.partition(" ")
        rest = rest.strip()
        if rest.startswith("["):
            inside, _, rest = rest[1:].partition("]")
            for option in inside.split():
                name, _, value = option.partition("=")
                options[name.title()] = value.replace(",", " ")
        words = rest.split()
        if len(words) > 2 and _fits([kind], words[1:2], words[2:]):
            found.append(Source(words[0], _kept(options)))
    return found


def _fits(types: list[str], suites: list[str], components: list[str]) -> bool:
    return "deb" in types and "main" in components and not _SUITES.isdisjoint(suites)


def _kept(options: dict[str, str]) -> dict[str, str]:
    """What says how to trust the archive; its languages, architectures and so on are not ours."""
    names = ("Signed-By", "Trusted", "Check-Valid-Until", "Check-Date", "Allow-Insecure")
    return {name: options[name] for name in names if name in options}
