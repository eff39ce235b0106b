"""Make what uv installed independent of this machine, and tell what it is."""

import base64
import configparser
import csv
import email.parser
import hashlib
import io
import os
import re
import shutil
import sys
from collections.abc import Iterator
from email.message import Message
from pathlib import Path

# From site-packages, the folder of the environment's scripts, as RECORD names it.
_BIN = "../../../bin/"

# What no Bazel label can hold, and what ends a Bazel package. (Bazel's own rules for target names.)
_UNLABELLED = re.compile(r"[\\:\x00-\x1f\x7f]|(^|/)BUILD(\.bazel)?$")


class InstallError(Exception):
    """A distribution can't be installed; the message is for the user."""


def settle(venv: Path, python_version: str) -> dict[str, object]:
    """Settle the one distribution in this environment, and write `listing` beside it.

    Console scripts and bytecode go away: they name this machine's interpreter, or depend on it.
    Returns the facts: size, licence, record, packed (see install.py). Raises InstallError for a
    wheel that is damaged.
    """
    site = venv / "lib" / f"python{python_version}" / "site-packages"
    infos = sorted(site.glob("*.dist-info"))
    if len(infos) != 1:
        raise InstallError("the wheel is damaged: it has not one .dist-info folder.")
    info = infos[0]
    for name in generated_scripts(info):
        (venv / "bin" / name).unlink(missing_ok=True)
    changed = set()
    for script in (venv / "bin").glob("*"):
        content = script.read_bytes()
        if (settled := undo_shebang(content)) != content:
            _replace(script, settled)
            changed.add(_BIN + script.name)
    for folder, folders, _ in os.walk(site):
        if "__pycache__" in folders:
            folders.remove("__pycache__")
            shutil.rmtree(Path(folder, "__pycache__"))

    files = set(_files(venv))
    _refuse_names_that_differ_in_case(files)
    # uv writes RECORD anew from what it unpacked: a row without a file is one removed above. The
    # hashes are the wheel's own, and uv does not look at them.
    rows = []
    with (info / "RECORD").open(encoding="utf-8", newline="") as record:
        for row in filter(None, csv.reader(record)):
            path = row[0]
            if _in_environment(site, venv, path) not in files:
                continue
            # Some write the padding of base64, which the standard leaves out.
            told = row[1].rstrip("=")
            if path not in changed and told and told != _hash(site / path, told):
                raise InstallError(
                    f"the wheel is damaged: {path} has other content than its RECORD says. Take "
                    "another version, or have its authors mend it."
                )
            rows.append(_row(site, path) if path in changed else row)
    output = io.StringIO(newline="")
    csv.writer(output, lineterminator="\n").writerows(rows)
    _replace(info / "RECORD", output.getvalue().encode())

    size = 0
    with Path("listing").open("w", encoding="utf-8", errors="surrogateescape") as listing:
        for path in sorted(files):
            content = (venv / path).read_bytes()
            size += len(content)
            listing.write(f"{hashlib.sha256(content).hexdigest()} {len(content)} {path}\n")
    metadata = email.parser.BytesParser().parsebytes(
        (info / "METADATA").read_bytes(), headersonly=True
    )
    return {
        "size": size,
        "licence": licence(metadata),
        "record": f"site-packages/{info.name}/RECORD",
        "packed": any(_UNLABELLED.search(path) for path in files),
    }


def licence(metadata: Message) -> str:
    """SPDX expression, else a one-line licence, else classifiers, else the text's first line."""
    text = str(metadata.get("License") or "").strip()
    if text.upper() == "UNKNOWN":
        text = ""
    classifiers = [
        value.split("::")[-1].strip()
        for value in map(str, metadata.get_all("Classifier") or [])
        if value.startswith("License ::") and not value.endswith("OSI Approved")
    ]
    found = (
        str(metadata.get("License-Expression") or "").strip()
        or ("" if "\n" in text else text)
        or " AND ".join(classifiers)
        or text.partition("\n")[0].strip()
    )
    # It goes into BUILD files and documents: a line of text, whatever the wheel has there.
    return "".join(letter if letter.isprintable() else " " for letter in found)


def generated_scripts(info: Path) -> set[str]:
    """Names of the console scripts that an installer makes (the entry points specification).

    Raises InstallError for an entry_points.txt that can't be read.
    """
    if not (info / "entry_points.txt").is_file():
        return set()
    points = configparser.RawConfigParser(delimiters=("=",), strict=False)
    points.optionxform = str  # type: ignore[assignment, method-assign]  # names are case-sensitive
    try:
        points.read(info / "entry_points.txt", encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError) as error:
        problem = str(error).splitlines()[0]
        raise InstallError(f"the wheel is damaged: entry_points.txt: {problem}") from None
    sections = filter(points.has_section, ("console_scripts", "gui_scripts"))
    return {name for section in sections for name in points.options(section)}


def undo_shebang(script: bytes) -> bytes:
    """Give a Python script back the `#!python` that uv replaced by this machine's interpreter."""
    lines = script.split(b"\n")
    if lines[0] == f"#!{sys.executable}".encode():
        return b"\n".join([b"#!python", *lines[1:]])
    # For an interpreter whose path is too long or has a space there are three lines.
    if lines[0] == b"#!/bin/sh" and len(lines) > 2 and lines[1].startswith(b"'''exec' "):
        return b"\n".join([b"#!python", *lines[3:]])
    return script


def _in_environment(site: Path, venv: Path, path: str) -> str:
    """RECORD's path, relative to the environment; an absolute one stays, and is no file of ours."""
    return os.path.relpath(os.path.normpath(site / path), venv)


def _refuse_names_that_differ_in_case(files: set[str]) -> None:
    """Raises InstallError: such a wheel is another one on a disk that doesn't tell them apart."""
    seen: dict[str, str] = {}
    for path in sorted(files):
        other = seen.setdefault(path.lower(), path)
        if other != path:
            raise InstallError(
                f"the wheel is unsafe: {other} and {path} are the same file where case does not "
                "count. Take another version."
            )


def _row(site: Path, path: str) -> list[str]:
    """The RECORD row of a file as it is now."""
    return [path, _hash(site / path, "sha256="), str((site / path).stat().st_size)]


def _hash(path: Path, like: str) -> str:
    """The file's hash as RECORD has it, of the kind that `like` begins with: `sha256=…`."""
    kind = like.partition("=")[0]
    try:
        digest = hashlib.new(kind, path.read_bytes(), usedforsecurity=False).digest()
    except ValueError:
        raise InstallError(f"the wheel is damaged: its RECORD has a hash {like!r}.") from None
    return f"{kind}={base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def _replace(path: Path, content: bytes) -> None:
    """Write a new file: the old one is a hard link into uv's cache."""
    mode = path.stat().st_mode
    path.unlink()
    path.write_bytes(content)
    path.chmod(mode)


def _files(folder: Path) -> Iterator[str]:
    for parent, _, names in os.walk(folder):
        for name in names:
            yield os.path.relpath(f"{parent}/{name}", folder)
