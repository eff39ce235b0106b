"""The two forms of a lock, as texts: what `uv lock` writes, and the one that names no address."""

import re
import urllib.parse
from collections.abc import Mapping
from typing import NamedTuple

# The folder of wheels that the portable form names. It need not exist.
WHEELHOUSE = "wheelhouse"

# uv writes each of these on a line of its own or as one inline table, always in this order.
_REGISTRY = re.compile(r'^source = \{ registry = "([^"]*)" \}$', re.MULTILINE)
_FILE = re.compile(r'\{ (url|path) = "([^"]*)"(?:, hash = "([^"]*)")?([^{}]*)\}')
_NAME = re.compile(r'^name = "([^"]*)"$', re.MULTILINE)

_SHA256 = re.compile("sha256:[0-9a-f]{64}")
_ADDRESS = "://"
_NEEDS_ADDRESS = (
    "comes from an address of its own (Git, a URL or a named index), or without a sha256. A "
    "portable lock holds distributions of the machine's package index only: leave out "
    "`portable = True`"
)


_SOURCE = re.compile(
    r'^source = \{ (?:virtual|editable|directory|path) = "([^"]*)" \}$', re.MULTILINE
)


class FormError(Exception):
    """The lock can't have this form; the message is for the user."""


class LockedFile(NamedTuple):
    """A file of a distribution from an index, as the lock names it."""

    distribution: str
    registry: str  # the index's address, or a folder, relative to the lock's
    place: str  # the file's address, or its path, relative to that folder


def is_portable(lock: str) -> bool:
    """Whether this is a lock in the portable form that has distributions of an index."""
    return set(_REGISTRY.findall(lock)) == {WHEELHOUSE} and _ADDRESS not in lock


def portable(lock: str) -> str:
    """The lock without addresses, from what `uv lock` writes; FormError if it needs one."""
    head, *packages = _packages(lock)
    packages = [_without_address(package) for package in packages]
    needs = [_name(package) for package in packages if _ADDRESS in package]
    needs += [file.distribution for file in without_sha256("".join(packages))]
    if needs or _ADDRESS in head:
        raise FormError(f"{', '.join(dict.fromkeys(needs)) or 'pyproject.toml'}: {_NEEDS_ADDRESS}.")
    return "".join([head, *packages])


def without_sha256(lock: str) -> list[LockedFile]:
    """The files of distributions from an index for which the lock has no sha256."""
    return [
        LockedFile(_name(package), registry[1], file[2])
        for package in _packages(lock)
        if (registry := _REGISTRY.search(package))
        for file in _FILE.finditer(package)
        if not _SHA256.fullmatch(file[3] or "")
    ]


def with_sha256(lock: str, found: Mapping[LockedFile, str]) -> str:
    """The lock with these files' SHA-256 (hexadecimal), where uv would have written it."""

    def complete(package: str) -> str:
        registry = _REGISTRY.search(package)

        def file(text: re.Match[str]) -> str:
            digest = found.get(LockedFile(_name(package), registry[1] if registry else "", text[2]))
            if digest is None:
                return text[0]
            return f'{{ {text[1]} = "{text[2]}", hash = "sha256:{digest}"{text[4]}}}'

        return _FILE.sub(file, package)

    return "".join(map(complete, _packages(lock)))


def local_sources(lock: str) -> list[str]:
    """Paths, relative to the lock's folder, of the projects and files that it names itself."""
    return _SOURCE.findall(lock)


def with_wheelhouse(lock: str) -> tuple[str, list[str]]:
    """The lock with the wheelhouse for each folder of wheels that it names, and these folders."""
    folders = [registry for registry in _REGISTRY.findall(lock) if "://" not in registry]
    for folder in set(folders):
        lock = lock.replace(
            f'source = {{ registry = "{folder}" }}', f'source = {{ registry = "{WHEELHOUSE}" }}'
        )
    return lock, sorted(set(folders))


def pins(lock: str) -> str:
    """A lock that holds what can still be read of one that uv can't read: the versions."""
    package = (
        r'^name = "([A-Za-z0-9._-]+)"\nversion = "([A-Za-z0-9.!+_-]+)"\n'
        r'(source = \{ (?:registry|git) = "[^"\n]*" \})$'
    )
    found = dict.fromkeys(re.findall(package, lock, re.MULTILINE))
    return 'version = 1\nrequires-python = ">=3.8"\n' + "".join(
        f'\n[[package]]\nname = "{name}"\nversion = "{version}"\n{source}\n'
        for name, version, source in found
    )


def _packages(lock: str) -> list[str]:
    """What is before the first package, and each package with all that belongs to it."""
    return re.split(r"^(?=\[\[package\]\]$)", lock, flags=re.MULTILINE)


def _name(package: str) -> str:
    name = _NAME.search(package)
    return name[1] if name else "?"


def _without_address(package: str) -> str:
    if not _REGISTRY.search(package):
        return package
    package = _REGISTRY.sub(f'source = {{ registry = "{WHEELHOUSE}" }}', package)
    return _FILE.sub(_file_without_address, package)


def _file_without_address(file: re.Match[str]) -> str:
    kind, place, digest, _ = file.groups()
    path = urllib.parse.urlsplit(place).path if kind == "url" else place
    name = path.rpartition("/")[2]
    name = urllib.parse.unquote(name) if kind == "url" else name
    return f'{{ path = "{name}"' + (f', hash = "{digest}" }}' if digest else " }")
