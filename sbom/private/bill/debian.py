"""Reads the Debian packages of an image from its package database.

A usual image has `/var/lib/dpkg/status`; one without dpkg, such as distroless ones and the mirror
base, has one file for each package in `/var/lib/dpkg/status.d` (deb-control(5) either way).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_STATUS = "var/lib/dpkg/status"
_STATUS_FOLDER = "var/lib/dpkg/status.d/"
_COPYRIGHT = re.compile(r"usr/share/doc/[^/]+/copyright")
_RELEASES = ("etc/os-release", "usr/lib/os-release")


@dataclass(frozen=True)
class Package:
    """One installed package.

    Attributes:
        name, version, architecture: as Debian has them.
        source: `name` or `name@version` of its source package where that differs; Debian's security
            advisories are about source packages.
        provides: names of virtual packages that it stands for.
        depends: names that it needs; of alternatives all.
        licences: short names from its copyright file, sorted; `see PATH` where that is prose.
    """

    name: str
    version: str
    architecture: str
    source: str
    provides: tuple[str, ...]
    depends: tuple[str, ...]
    licences: tuple[str, ...]


def is_wanted(path: str) -> bool:
    """Whether `packages` or `release` reads this file."""
    return (
        path == _STATUS
        or (path.startswith(_STATUS_FOLDER) and not path.endswith(".md5sums"))
        or path in _RELEASES
        or bool(_COPYRIGHT.fullmatch(path))
    )


def packages(files: Mapping[str, bytes]) -> list[Package]:
    """Returns the installed packages, sorted by name."""
    found = []
    for fields in _paragraphs(files):
        if "Package" not in fields or not fields.get("Status", "installed").endswith("installed"):
            continue
        name = fields["Package"]
        found.append(
            Package(
                name=name,
                version=fields["Version"],
                architecture=fields["Architecture"],
                source=re.sub(r"\s*\((.*)\)", r"@\1", fields.get("Source", "")),
                provides=tuple(_names(fields.get("Provides", ""))),
                depends=(
                    *_names(fields.get("Pre-Depends", "")),
                    *_names(fields.get("Depends", "")),
                ),
                licences=_licences(files, f"usr/share/doc/{name}/copyright"),
            )
        )
    return sorted(found, key=lambda package: package.name)


def release(files: Mapping[str, bytes]) -> str:
    """Returns the purl qualifier `distro`, such as `debian-13`; "" without os-release(5)."""
    for path in _RELEASES:
        fields = dict(
            line.split("=", 1) for line in files.get(path, b"").decode().splitlines() if "=" in line
        )
        if "ID" in fields and "VERSION_ID" in fields:
            return f"{fields['ID']}-{fields['VERSION_ID']}".replace('"', "")
    return ""


def _paragraphs(files: Mapping[str, bytes]) -> Iterator[dict[str, str]]:
    for path, content in sorted(files.items()):
        if path == _STATUS or path.startswith(_STATUS_FOLDER):
            for paragraph in content.decode(errors="replace").split("\n\n"):
                fields: dict[str, str] = {}
                for line in paragraph.splitlines():
                    name, colon, value = line.partition(":")
                    # A line that starts with a blank goes on with a long field, none of ours.
                    if colon and not line[:1].isspace():
                        fields[name] = value.strip()
                yield fields


def _names(field: str) -> list[str]:
    """The names in a dependency field; versions, architectures and order are left out."""
    alternatives = re.split(r"[,|]", field)
    names = [re.split(r"[\s(:\[]", one.strip(), maxsplit=1)[0] for one in alternatives]
    return sorted({name for name in names if name})


def _licences(files: Mapping[str, bytes], path: str) -> tuple[str, ...]:
    if path not in files:
        return ()
    text = files[path].decode(errors="replace")
    if re.search(r"^Format:", text, re.MULTILINE):  # machine-readable, DEP 5
        names = re.findall(r"^License:[ \t]*(\S[^\n]*)$", text, re.MULTILINE)
        return tuple(sorted({" ".join(name.replace(",", " ").split()) for name in names}))
    # Prose may mention a licence for one file of many: nothing is guessed from it.
    return (f"see /{path}",)
