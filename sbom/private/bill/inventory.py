"""What an image is made of: the model that both formats are written from."""

from __future__ import annotations

import email
import json
import re
import urllib.parse
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bill import debian
from bill.errors import BillError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bill.layout import Layout

_DIST_INFO = re.compile(r"(?:^|.*/)site-packages/([^/]+)-([^/]+)\.dist-info/METADATA")
# An install that stays in the project's folder says so (PEP 610, "direct URL").
_DIRECT_URL = re.compile(r"(.*\.dist-info)/direct_url\.json")
# Where a CPython built from source says its version; Debian's packages leave /usr/local alone.
_PATCHLEVEL = re.compile(r"usr/local/include/python3\.\d+/patchlevel\.h")
_VERSION = re.compile(rb'^#define PY_VERSION\s+"([^"]+)"', re.MULTILINE)
# What makes a folder a virtual environment (PEP 405).
_ENVIRONMENT = re.compile(r"(.*/)pyvenv\.cfg")


@dataclass(frozen=True)
class Component:
    """One distribution or package.

    Attributes:
        ref: unique in the inventory, made of letters, digits, `.` and `-`.
        kind: `pypi`, `deb` or `generic`, the purl's type.
        name, version: as its own ecosystem has them.
        purl: package URL.
        sha256: of the wheel or the .deb file, hexadecimal; "" when no lock knows.
        file_name: of the wheel or the .deb file; "" likewise.
        licences: what the package says of its licences, in its own words; all apply to some part.
        requires: refs of direct dependencies, sorted.
    """

    ref: str
    kind: str
    name: str
    version: str
    purl: str
    sha256: str
    file_name: str
    licences: tuple[str, ...]
    requires: tuple[str, ...]


@dataclass(frozen=True)
class Inventory:
    """An image and its components, sorted by kind and name."""

    name: str
    version: str
    platform: str
    digest: str
    components: tuple[Component, ...]


def take(
    image: Layout, distributions: Sequence[Mapping[str, Any]], debian_locks: Sequence[str]
) -> Inventory:
    """Takes the inventory of an image.

    Args:
        image: the image of one platform. What is in no virtual environment is the base's own, such
            as the pip of python:3.13-slim, and says for itself what it is.
        distributions: facts of the locked distributions: `name`, `version`, `sha256`, `wheel`,
            `licence`, `requires`.
        debian_locks: contents of locks of .deb files.

    Raises:
        BillError: the virtual environment holds other distributions than the lock.
    """
    files = image.files(
        lambda path: (
            debian.is_wanted(path)
            or bool(_DIST_INFO.fullmatch(path))
            or bool(_ENVIRONMENT.fullmatch(path))
            or bool(_DIRECT_URL.fullmatch(path))
            or bool(_PATCHLEVEL.fullmatch(path))
        )
    )
    environments = tuple(match[1] for match in map(_ENVIRONMENT.fullmatch, files) if match)
    found = {path: match for path in files if (match := _DIST_INFO.fullmatch(path))}
    own = [path for path in found if not path.startswith(environments)]
    # The project itself is what the whole bill is of, and in no lock.
    project = [match[1] for path in files if (match := _editable(path, files[path]))]
    _compare(
        [
            match
            for path, match in found.items()
            if path not in own and path.removesuffix("/METADATA") not in project
        ],
        distributions,
    )
    return Inventory(
        name=image.labels.get("org.opencontainers.image.title", "image"),
        version=image.labels.get("org.opencontainers.image.version", "0"),
        platform=image.platform,
        digest=image.digest,
        components=(
            *_debian(files, debian_locks),
            *_interpreter(files),
            *sorted({_of_base(found[path], files[path]) for path in own}, key=lambda one: one.ref),
            *(_python(facts) for facts in sorted(distributions, key=lambda facts: facts["name"])),
        ),
    )


def _editable(path: str, content: bytes) -> re.Match[str] | None:
    match = _DIRECT_URL.fullmatch(path)
    try:
        editable = match and json.loads(content).get("dir_info", {}).get("editable")
    except (ValueError, AttributeError, RecursionError):
        editable = False
    return match if editable is True else None


def _compare(matches: Sequence[re.Match[str]], distributions: Sequence[Mapping[str, Any]]) -> None:
    there = {(_normalised(match[1]), match[2]) for match in matches}
    locked = {(facts["name"], facts["version"]) for facts in distributions}
    for difference, words in (
        (there - locked, "in the image but not among the locked distributions"),
        (locked - there, "locked but not in the image"),
    ):
        if difference:
            names = ", ".join(" ".join(one) for one in sorted(difference))
            raise BillError(f"{names}: {words}; give the set that the image was made from")


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _python(facts: Mapping[str, Any]) -> Component:
    return Component(
        ref=f"pypi-{facts['name']}",
        kind="pypi",
        name=facts["name"],
        version=facts["version"],
        purl=f"pkg:pypi/{facts['name']}@{_quoted(facts['version'])}",
        sha256=facts["sha256"],
        file_name=facts["wheel"],
        licences=(facts["licence"],) if facts["licence"] else (),
        requires=tuple(f"pypi-{name}" for name in sorted(facts["requires"])),
    )


def _interpreter(files: Mapping[str, bytes]) -> list[Component]:
    """The CPython that no package tells of, such as python:3.13-slim's."""
    versions = {
        said[1].decode()
        for path, content in files.items()
        if _PATCHLEVEL.fullmatch(path) and (said := _VERSION.search(content))
    }
    return [
        Component(
            ref=f"generic-python-{version.replace('+', '-')}",
            kind="generic",
            name="python",
            version=version,
            purl=f"pkg:generic/python@{_quoted(version)}",
            sha256="",
            file_name="",
            licences=("PSF-2.0",),
            requires=(),
        )
        for version in sorted(versions)
    ]


def _of_base(match: re.Match[str], metadata: bytes) -> Component:
    name, version = _normalised(match[1]), match[2]
    said = email.message_from_bytes(metadata)
    licence = str(said["License-Expression"] or said["License"] or "").partition("\n")[0].strip()
    return Component(
        ref=f"base-pypi-{name}-{re.sub('[^A-Za-z0-9.]', '-', version)}",
        kind="pypi",
        name=name,
        version=version,
        purl=f"pkg:pypi/{name}@{_quoted(version)}",
        sha256="",
        file_name="",
        licences=(licence,) if licence else (),
        requires=(),
    )


def _debian(files: Mapping[str, bytes], locks: Sequence[str]) -> list[Component]:
    packages = debian.packages(files)
    release = debian.release(files)
    locked = {
        (one["name"], one["version"], one["architecture"]): one
        for lock in locks
        for architecture in json.loads(lock)["packages"].values()
        for one in architecture
    }
    refs = {package.name: _ref(package.name) for package in packages}
    providers = {name: package.name for package in packages for name in package.provides}
    components = []
    for package in packages:
        file = locked.get((package.name, package.version, package.architecture), {})
        qualifiers = f"arch={package.architecture}"
        if release:
            qualifiers += f"&distro={release}"
        if package.source:
            qualifiers += f"&upstream={_quoted(package.source)}"
        needed = {name if name in refs else providers.get(name, "") for name in package.depends}
        components.append(
            Component(
                ref=refs[package.name],
                kind="deb",
                name=package.name,
                version=package.version,
                purl=f"pkg:deb/debian/{_quoted(package.name)}@{_quoted(package.version)}?{qualifiers}",
                sha256=file.get("sha256", ""),
                file_name=file.get("path", "").rpartition("/")[2],
                licences=package.licences,
                requires=tuple(sorted(refs[name] for name in needed if name in refs)),
            )
        )
    return components


def _ref(name: str) -> str:
    return "deb-" + name.replace("+", ".plus")


def _quoted(text: str) -> str:
    # The purl specification leaves `:` as it is.
    return urllib.parse.quote(text, safe=":~")
