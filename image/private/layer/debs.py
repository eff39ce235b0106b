"""`layer debs`: one layer of the mirror base, from Debian packages.

Maintainer scripts are never run: what those of the chosen packages would have done is done here or
given as `--file` and `--symlink`. No shell, package manager or other program gets in, but the
interpreter.

Options:
    --output=FILE: the .tar.gz to write.
    --architecture=amd64|arm64: the packages' (or `all`).
    --deb=FILE: a package; repeatable.
    --file=PATH=FILE: adds FILE as PATH (relative to `/`, mode 0644); repeatable.
    --symlink=PATH=TARGET: adds a symbolic link; repeatable.
    --environment=FILE: writes variables for the image's config (one a line) instead of a layer:
        those of `--variable=NAME=VALUE`, repeatable, and PYTHON_VERSION.
"""

from __future__ import annotations

import fnmatch
import hashlib
import re

from layer.deb import Package
from layer.errors import LayerError
from layer.tarball import Entry, save

TYPE_CHECKING = False
if TYPE_CHECKING:
    from layer.options import Options

# What of the packages goes into the image, and what of that doesn't (fnmatch patterns; `*` matches
# slashes too).
_KEPT = (
    "etc/*",
    "usr/bin/python3.*",
    "usr/lib/*-linux-gnu/*",
    "usr/lib/ld-linux-*",  # where programs for arm64 look for their loader
    "usr/lib/locale/*",
    "usr/lib/os-release",
    "usr/lib/python3.*/*",
    "usr/lib/ssl/*",
    "usr/lib64/*",
    "usr/share/ca-certificates/*",  # becomes one file
    "usr/share/common-licenses/*",  # what the copyright files refer to
    "usr/share/doc/*/copyright",
    "usr/share/zoneinfo/*",
)
_DROPPED = (
    # For shells, log-ins and package managers.
    "etc/default/*",
    "etc/dpkg/*",
    "etc/issue*",
    "etc/profile.d/*",
    "etc/skel/*",
    "etc/update-motd.d/*",
    # Examples for packagers.
    "usr/share/doc/*/*/*",
    # An empty folder for private keys, and scripts for a certificate authority.
    "etc/ssl/private",
    "usr/lib/ssl/misc/*",
    "usr/lib/ssl/private",
    # Converters for iconv; Python has its own codecs, and UTF-8 is in the C library.
    "usr/lib/*/gconv/*",
    # A hook for Ubuntu's crash reporter, looked up at every start.
    "etc/python3.*/*",
    "usr/lib/python3.*/sitecustomize.py",
    # Tests, and the text of `help()`.
    "usr/lib/python3.*/lib-dynload/*_test*",
    "usr/lib/python3.*/lib-dynload/_xxtest*",
    "usr/lib/python3.*/lib-dynload/xx*",
    "usr/lib/python3.*/pydoc_data/*",
    "usr/lib/python3.*/test/*",
    # Extension modules whose libraries are left out: see [provided] in packages.toml.
    "usr/lib/python3.*/lib-dynload/_curses*",
    "usr/lib/python3.*/lib-dynload/_dbm.*",
    "usr/lib/python3.*/lib-dynload/nis.*",
    "usr/lib/python3.*/lib-dynload/readline.*",
)
# Directories come with the files in them; of the empty ones, those that programs expect.
_DIRECTORIES = (
    *("boot", "dev", "home", "proc", "root", "run", "sys", "tmp"),
    *("usr/bin", "usr/sbin", "var/cache", "var/lib", "var/log", "var/spool", "var/tmp"),
)
# Merged-/usr: links to the folders of the same names in usr.
_TOP_LINKS = ("bin", "lib", "lib64", "sbin")
_BASE_FILES = "base-files"
_INTERPRETER = re.compile(r"python3\.\d+-minimal")

_CERTIFICATES = "usr/share/ca-certificates/"
_BUNDLE = "etc/ssl/certs/ca-certificates.crt"
_STATUS = "var/lib/dpkg/status.d"


def run(options: Options) -> None:
    """Writes the layer, or the environment; see the module's docstring."""
    packages = [_package(path, options.one("architecture")) for path in options.many("deb")]
    environment = options.one("environment", "")
    if environment:
        with open(environment, "w", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in options.many("variable"))
            file.write(f"PYTHON_VERSION={_python_version(packages)}\n")
        return
    entries: list[Entry] = []
    for package in packages:
        kept = [entry for entry in package.entries() if _is_kept(entry)]
        entries += kept
        entries += _records(package, kept)
    if any(package.name == _BASE_FILES for package in packages):
        entries += _top_links(entries)
    entries = _with_bundle(entries)
    for path, source in map(_pair, options.many("file")):
        with open(source, "rb") as content:
            entries.append(Entry(path, "file", 0o644, content.read(), "", source))
    for path, target in map(_pair, options.many("symlink")):
        entries.append(Entry(path, "symlink", 0o777, None, target))
    _refuse_setuid(entries)
    save(entries, options.one("output"))


def _package(path: str, architecture: str) -> Package:
    package = Package(path)
    if package.architecture not in (architecture, "all"):
        raise LayerError(f"{path} is for {package.architecture}, but the layer for {architecture}")
    return package


def _python_version(packages: list[Package]) -> str:
    """CPython's version, such as "3.13.5", from Debian's of the interpreter."""
    for package in packages:
        version = re.match(r"\d+\.\d+\.\d+", package.version)
        if _INTERPRETER.fullmatch(package.name) and version:
            return version[0]
    raise LayerError("no --deb is python3.X-minimal, which tells PYTHON_VERSION")


def _is_kept(entry: Entry) -> bool:
    path = entry.path
    if entry.kind == "dir":
        return path in _DIRECTORIES
    if path in _TOP_LINKS:
        return True
    # `doc/<package>` may be a link to the folder of another package from the same source.
    if (
        entry.kind == "symlink"
        and fnmatch.fnmatchcase(path, "usr/share/doc/*")
        and path.count("/") == 3
    ):
        return True
    return _matches(path, _KEPT) and not _matches(path, _DROPPED)


def _top_links(entries: list[Entry]) -> list[Entry]:
    """The links of merged-/usr that base-files lacks: before Debian 13 an installer makes them."""
    there = {entry.path for entry in entries}
    return [
        Entry(name, "symlink", 0o777, None, f"usr/{name}", _BASE_FILES)
        for name in _TOP_LINKS
        if name not in there and any(path.startswith(f"usr/{name}") for path in there)
    ]


def _matches(path: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns)


def _records(package: Package, kept: list[Entry]) -> list[Entry]:
    """What scanners read: the package's paragraph, and the MD5 sums of the files that are there.

    The folder is the one of Google's distroless images, which have no package manager either.
    """
    control = package.control.replace("\n", "\nStatus: install ok installed\n", 1)
    sums = "".join(
        f"{_md5(entry)}  {entry.path}\n"
        for entry in sorted(kept, key=lambda entry: entry.path)
        if entry.kind == "file" and not entry.path.startswith(_CERTIFICATES)
    )
    record = f"{_STATUS}/{package.name}"
    return [
        Entry(record, "file", 0o644, control.encode(), "", package.name),
        Entry(record + ".md5sums", "file", 0o644, sums.encode(), "", package.name),
    ]


def _md5(entry: Entry) -> str:
    return hashlib.md5(entry.content(), usedforsecurity=False).hexdigest()


def _with_bundle(entries: list[Entry]) -> list[Entry]:
    """Replaces single certificates by one file with all of them, as update-ca-certificates does."""
    certificates = [entry for entry in entries if entry.path.startswith(_CERTIFICATES)]
    if not certificates:
        return entries
    bundle = b"".join(
        entry.content().rstrip(b"\n") + b"\n"
        for entry in sorted(certificates, key=lambda entry: entry.path.encode())
        if entry.path.endswith(".crt")
    )
    others = [entry for entry in entries if not entry.path.startswith(_CERTIFICATES)]
    return [*others, Entry(_BUNDLE, "file", 0o644, bundle)]


def _refuse_setuid(entries: list[Entry]) -> None:
    for entry in entries:
        if entry.kind == "file" and entry.mode & 0o6000:
            raise LayerError(
                f"/{entry.path} of {entry.origin()} is setuid or setgid ({entry.mode:04o}); a base "
                "has no such program: leave the file or the package out"
            )


def _pair(argument: str) -> tuple[str, str]:
    path, equals, value = argument.partition("=")
    if not equals:
        raise LayerError(f"{argument!r} isn't of the form PATH=VALUE")
    return path, value
