#!/usr/bin/env -S python3 -I
"""Refreshes the locks of the mirror bases: `bazel run //image/base:lock [-- PYTHON…]`.

Reads `packages.toml`, lets apt find every package that the declared ones need, for each
architecture, and writes a lock for each Python beside it, such as `debian_3_13.lock.json`:

    {"packages": {"amd64": [{"name", "version", "architecture", "archive", "path", "size" (bytes),
                             "sha256" (hex)}, …], "arm64": […]}}

`archive` and `path` say where the file lies below a Debian mirror (`<mirror>/<archive>/<path>`); no
host is recorded. apt runs with a private root: it checks the signature of each InRelease file
against Debian's archive keyring and every index against it, and it neither sees nor changes
what is installed on the machine. This runs on the machine's own Python (3.11 or newer), for the
base's may be what the old lock can no longer give.

Environment:
    FASTAPI_IMAGE_DEBIAN_MIRROR: base address of the `debian` archive, such as
        `https://mirror.example/debian`. Its `debian-security` is looked for beside it.
    FASTAPI_IMAGE_DEBIAN_SECURITY_MIRROR: base address of `debian-security`, where that isn't so.

Exit codes: 0 the locks are up to date or were written, 1 one could not be made (the old one stays),
2 packages.toml has no such Python.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import urllib.parse
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypedDict

MIRROR = "FASTAPI_IMAGE_DEBIAN_MIRROR"
SECURITY_MIRROR = "FASTAPI_IMAGE_DEBIAN_SECURITY_MIRROR"

# Debian renamed the file in 2025; either is in place wherever apt from Debian is.
KEYRINGS = (
    Path("/usr/share/keyrings/debian-archive-keyring.pgp"),
    Path("/usr/share/keyrings/debian-archive-keyring.gpg"),
)


class Package(TypedDict):
    """One .deb file; see the module's docstring."""

    name: str
    version: str
    architecture: str
    archive: str
    path: str
    size: int
    sha256: str


Lock = dict[str, list[Package]]


class LockError(Exception):
    """Why no lock could be made, in one line for the user."""


def mirrors(environment: Mapping[str, str]) -> dict[str, str]:
    """The base address of each archive, without a trailing slash, from the environment."""
    debian = environment.get(MIRROR, "").rstrip("/")
    if not debian:
        raise LockError(
            f"{MIRROR} is not set: give the base address of a Debian mirror, such as "
            "https://mirror.example/debian (tools/bazel sets it in mirror mode)"
        )
    security = environment.get(SECURITY_MIRROR, "").rstrip("/") or debian + "-security"
    return {"debian": debian, "debian-security": security}


class Apt:
    """apt for one architecture, with a root of its own in `root`."""

    def __init__(
        self, root: Path, architecture: str, addresses: Mapping[str, str], config: Mapping[str, Any]
    ) -> None:
        self.addresses = addresses
        self.architecture = architecture
        keyring = next((path for path in KEYRINGS if path.exists()), None)
        if shutil.which("apt-get") is None or keyring is None:
            raise LockError(
                "the lock is resolved by Debian's apt, and apt-get or its keyring is not here: "
                "run this in mirror mode (tools/bazel --mode=mirror)"
            )
        (root / "state/lists/partial").mkdir(parents=True)
        (root / "cache/archives/partial").mkdir(parents=True)
        # Every apt reads this as what is installed: version 9999 satisfies any dependency.
        (root / "status").write_text(
            "".join(
                f"Package: {name}\nStatus: install ok installed\nArchitecture: {architecture}\n"
                f"Multi-Arch: foreign\nVersion: 9999\nMaintainer: none\nDescription: {why}\n\n"
                for name, why in config["provided"].items()
            )
        )
        (root / "debian.sources").write_text(
            "\n".join(
                f"Types: deb\nURIs: {addresses[archive]}\nSuites: {' '.join(suites)}\n"
                f"Components: main\nSigned-By: {keyring}\n"
                for archive, suites in config["archives"].items()
            )
        )
        self.options = {
            "APT::Architecture": architecture,
            "APT::Architectures": architecture,
            "APT::Sandbox::User": "root",  # `root` is a folder that no other user may enter
            "Acquire::Languages": "none",
            "Dir::Cache": str(root / "cache"),
            "Dir::Etc::sourcelist": str(root / "debian.sources"),
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::State": str(root / "state"),
            "Dir::State::status": str(root / "status"),
        }

    def run(self, tool: str, *arguments: str) -> str:
        """The standard output of one apt command; LockError with apt's own words if it fails."""
        options = [f"-o{key}={value}" for key, value in self.options.items()]
        done = subprocess.run(  # noqa: S603  the arguments are packages.toml's, no shell reads them
            [tool, *options, "-q", *arguments],
            capture_output=True,
            check=False,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
            text=True,
        )
        # `apt-get update` calls an index that it can't fetch a warning, and goes on without it.
        said = [line for line in done.stderr.splitlines() if line.startswith(("E:", "Err:", "W:"))]
        if done.returncode or any("Failed to fetch" in line for line in said):
            because = " ".join(said) or done.stderr.strip() or f"exit code {done.returncode}"
            raise LockError(f"{tool} {arguments[0]} ({self.architecture}): {because}")
        return done.stdout

    def closure(self, names: Iterable[str]) -> list[Package]:
        """Every package that must be fetched for `names`, sorted by name."""
        self.run("apt-get", "update")
        install = ["install", "--yes", "--no-install-recommends", "--print-uris", *names]
        uris = re.findall(r"^'(\S+)' (\S+)_(\S+)_(\S+)\.deb ", self.run("apt-get", *install), re.M)
        wanted = [
            f"{name}:{architecture}={urllib.parse.unquote(version)}"
            for _, name, version, architecture in uris
        ]
        # One paragraph per index that has the package; those of the same file say the same.
        paragraphs = [
            dict(re.findall(r"^(Package|Filename|Size|SHA256): (.+)$", paragraph, re.M))
            for paragraph in self.run("apt-cache", "show", *wanted).split("\n\n")
        ]
        by_path = {fields["Filename"]: fields for fields in paragraphs if "Filename" in fields}
        packages = []
        for uri, name, version, architecture in uris:
            archive, path = self.locate(uri)
            fields = by_path[path]
            packages.append(
                Package(
                    name=name,
                    version=urllib.parse.unquote(version),
                    architecture=architecture,
                    archive=archive,
                    path=path,
                    size=int(fields["Size"]),
                    sha256=fields["SHA256"],
                )
            )
        return sorted(packages, key=lambda package: package["name"])

    def locate(self, uri: str) -> tuple[str, str]:
        """The archive that `uri` lies in, and its path there."""
        for archive, address in self.addresses.items():
            if uri.startswith(address + "/"):
                return archive, urllib.parse.unquote(uri.removeprefix(address + "/"))
        raise LockError(f"apt wants {uri}, which is in none of the declared archives")


def for_python(config: Mapping[str, Any], python: str) -> dict[str, Any]:
    """`config` (packages.toml) for one Python, with the names that stand in it filled in."""
    names = {"python": python, "release": config["releases"][python]}
    return {
        "architectures": config["architectures"],
        "archives": {
            archive: [suite.format(**names) for suite in suites]
            for archive, suites in config["archives"].items()
        },
        "packages": {name.format(**names): why for name, why in config["packages"].items()},
        "provided": config["provided"],
    }


def resolve(config: Mapping[str, Any], addresses: Mapping[str, str]) -> Lock:
    """The packages of every architecture that `config` (of `for_python`) names."""
    lock: Lock = {}
    for architecture in config["architectures"]:
        with tempfile.TemporaryDirectory(prefix="apt-") as root:
            print(f"resolving {architecture}", file=sys.stderr)
            apt = Apt(Path(root), architecture, addresses, config)
            lock[architecture] = apt.closure(config["packages"])
    return lock


def changes(old: Lock, new: Lock) -> list[str]:
    """One line per package that differs, such as `amd64: tzdata 2026e -> 2026f`."""
    lines = []
    for architecture in sorted(old.keys() | new.keys()):
        before = {package["name"]: package for package in old.get(architecture, [])}
        after = {package["name"]: package for package in new.get(architecture, [])}
        for name in sorted(before.keys() | after.keys()):
            was, now = before.get(name), after.get(name)
            if was and now and was["version"] != now["version"]:
                lines.append(f"{architecture}: {name} {was['version']} -> {now['version']}")
            elif was and now and was != now and was["sha256"] == now["sha256"]:
                lines.append(f"{architecture}: {name} {now['version']}: at another place")
            elif was and now and was != now:
                lines.append(f"{architecture}: {name} {now['version']}: another file")
            elif now and not was:
                lines.append(f"{architecture}: {name} {now['version']} added")
            elif was and not now:
                lines.append(f"{architecture}: {name} {was['version']} removed")
    return lines


def read(path: Path) -> Lock:
    """The lock as it is; an empty one where there is none, or what can't be read as one."""
    if not path.exists():
        return {}
    try:
        packages: Lock = json.loads(path.read_text())["packages"]
        changes(packages, {})
    except (ValueError, LookupError, TypeError, AttributeError):
        print(f"{path.name} can't be read: making it anew", file=sys.stderr)
        return {}
    return packages


def write(path: Path, lock: Lock) -> None:
    """Replaces the file at once, so that a reader never meets half a lock."""
    comment = "Written by `bazel run //image/base:lock` from packages.toml. Do not edit."
    text = json.dumps({"comment": comment, "packages": lock}, indent=2) + "\n"
    temporary = path.with_name(path.name + ".new")
    try:
        temporary.write_text(text)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def main(arguments: Sequence[str]) -> None:
    """See the module's docstring."""
    here = Path(os.environ.get("BUILD_WORKSPACE_DIRECTORY", ".")) / "image/base"
    parser = argparse.ArgumentParser(prog="bazel run //image/base:lock --", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("pythons", metavar="PYTHON", nargs="*", help="such as 3.13 (default: all)")
    parser.add_argument("--packages", type=Path, default=here / "packages.toml")
    options = parser.parse_args(arguments)

    config = tomllib.loads(options.packages.read_text())
    addresses = mirrors(os.environ)
    unknown = [python for python in options.pythons if python not in config["releases"]]
    if unknown:
        has = ", ".join(config["releases"])
        parser.error(f"{options.packages.name} has no Python {unknown[0]}, only {has}")
    for python in options.pythons or config["releases"]:
        path = options.packages.with_name(f"debian_{python.replace('.', '_')}.lock.json")
        refresh(path, resolve(for_python(config, python), addresses))


def refresh(path: Path, new: Lock) -> None:
    """Writes the lock if it is another, and says what changed."""
    changed = changes(read(path), new)
    if not changed:
        print(f"{path.name} is up to date ({sum(map(len, new.values()))} packages)")
        return
    write(path, new)
    print("\n".join([*changed, f"wrote {path.name}"]))


def fail(error: Exception) -> NoReturn:
    """Ends the program with one line."""
    sys.exit(f"lock: {error}")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (LockError, OSError, tomllib.TOMLDecodeError) as error:
        fail(error)
