"""Install one locked distribution with uv, into the working directory.

The repository rule `distribution` runs this on the base image's interpreter. It leaves

    site-packages/  what belongs to the virtual environment's site-packages
    bin/            the wheel's own scripts (not the console scripts that uv makes)
    data/           what the wheel puts elsewhere in the environment: share/…, include/…
    listing         one line per file: SHA-256, size in bytes, path in the virtual environment

and prints a JSON object: wheel, sha256, size, licence, record (path of the RECORD file).
On failure it leaves nothing, prints one line to standard error and exits with 1.
"""

import argparse
import base64
import configparser
import csv
import email.parser
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from email.message import Message
from pathlib import Path

# What a uv run of ours may learn from the user's environment: where from and how, never what.
_KEPT = re.compile(
    r"UV_(CACHE_DIR|DEFAULT_INDEX|INDEX.*|EXTRA_INDEX_URL|FIND_LINKS|NO_INDEX|KEYRING_PROVIDER|CONFIG_FILE"
    r"|NO_CONFIG|NATIVE_TLS|SYSTEM_CERTS|INSECURE_HOST|OFFLINE|NO_CACHE|CREDENTIALS_DIR|HTTP_.*|.*_TIMEOUT"
    r"|CONCURRENT_.*)"
)

# uv's words → ours. uv's own text is not passed on: it may hold the index's address and credentials.
_CAUSES = (
    (
        r"Hash mismatch for",
        "the index serves other bytes under this name than uv.lock pins (sha256 mismatch). Find out why; if the "
        "new file is right, `bazel run //:lock -- --upgrade-package {name}` pins it.",
    ),
    (
        r"no wheels with a matching|no usable wheels|no compatible wheels",
        "no wheel for {platform} and Python {python}, and nothing is built from source here. Take a version that "
        "has one, or put a wheel on the index and run `bazel run //:lock -- --upgrade-package {name}`.",
    ),
    (
        r"was not found in the package registry|was not found in the provided",
        "the index that this machine is configured for does not have this package.",
    ),
    (
        r"there is no version of|[Nn]o version of",
        "the index that this machine is configured for does not have this version. "
        "`bazel run //:lock -- --upgrade-package {name}` takes one that it has.",
    ),
    (
        r"status code|HTTP status|\b40[13]\b",
        "the index that this machine is configured for refuses the request. Check its address and credentials.",
    ),
    (
        r"Failed to fetch|error sending request|network was disabled|client error|[Tt]imed? ?out",
        "the index that this machine is configured for can't be reached. Check the network, the proxy and uv's "
        "or pip's index setting.",
    ),
    (
        r"Failed to extract|Invalid zip|[Ii]nvalid wheel|RECORD|METADATA|dist-info",
        "the wheel is damaged or is not a valid wheel.",
    ),
)


class InstallError(Exception):
    """A distribution can't be installed; the message is for the user."""


def uv_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment for uv: the user's, without the UV_ variables that change what is installed."""
    kept = {k: v for k, v in environ.items() if not k.startswith("UV_") or _KEPT.fullmatch(k)}
    # No installer metadata: its time stamps and paths would differ from run to run.
    return kept | {"UV_NO_INSTALLER_METADATA": "1", "RUST_LOG": "uv_resolver=debug,uv_extract=warn"}


def cause(log: str, **facts: str) -> str:
    """What went wrong, in one sentence, from what uv printed."""
    errors = log[max(log.find("error: "), 0) :]
    for pattern, sentence in _CAUSES:
        if re.search(pattern, errors):
            return sentence.format(**facts)
    last = errors.strip().splitlines()[-1:] or ["it said nothing"]
    return f"uv failed: {re.sub(r'[a-z+]+://[^ ]*', '<address>', last[0])}"


def _run_uv(arguments: argparse.Namespace, wheels: Mapping[str, str]) -> str:
    """Install into ./venv, from uv's cache if it can; returns uv's log."""
    hashes = " ".join(f"--hash=sha256:{digest}" for digest in wheels.values())
    Path("requirements.txt").write_text(f"{arguments.name}=={arguments.version} {hashes}\n")
    command = [
        arguments.uv,
        "pip",
        "install",
        f"--python={sys.executable}",
        "--prefix=venv",
        "--requirements=requirements.txt",
        "--require-hashes",
        "--no-deps",
        "--only-binary=:all:",
        f"--python-version={arguments.python_version}",
        f"--python-platform={arguments.python_platform}",
        "--no-compile-bytecode",
        "--link-mode=hardlink",
        "--no-progress",
        "--color=never",
    ]
    for offline in (["--offline"], []):
        shutil.rmtree("venv", ignore_errors=True)
        done = subprocess.run(
            command + offline, env=uv_environment(os.environ), capture_output=True, text=True, check=False
        )
        if done.returncode == 0:
            return done.stderr
    raise InstallError(cause(done.stderr, **_facts(arguments)))


def _facts(arguments: argparse.Namespace) -> dict[str, str]:
    return {
        "name": arguments.name,
        "platform": arguments.platform,
        "python": arguments.python_version,
    }


def selected(log: str, wheels: Mapping[str, str]) -> str:
    """The wheel that uv chose, by uv's own log."""
    if len(wheels) == 1:
        return next(iter(wheels))
    found = re.search(r"Selecting: \S+ \[[^\]]*\] \((\S+\.whl)\)", log)
    if found and found[1] in wheels:
        return found[1]
    # uv prints the name normalised; the last three fields (PEP 427) tell the wheels of one version apart.
    tags = found[1].rsplit("-", 3)[1:] if found else None
    same = [wheel for wheel in wheels if wheel.rsplit("-", 3)[1:] == tags]
    if len(same) != 1:
        raise InstallError("uv did not say which of the locked wheels it took.")
    return same[0]


def licence(metadata: Message) -> str:
    """SPDX expression, else a one-line licence name, else the classifiers' names, else the text's first line."""
    text = str(metadata.get("License") or "").strip()
    named = "" if "\n" in text or text.upper() == "UNKNOWN" else text
    classifiers = [
        value.split("::")[-1].strip()
        for value in map(str, metadata.get_all("Classifier") or [])
        if value.startswith("License ::") and not value.endswith("OSI Approved")
    ]
    first_line = text.splitlines()[0].strip() if text else ""
    return (
        str(metadata.get("License-Expression") or "").strip()
        or named
        or " AND ".join(classifiers)
        or ("" if first_line.upper() == "UNKNOWN" else first_line)
    )


def generated_scripts(info: Path) -> set[str]:
    """Names of the console scripts that uv makes from entry_points.txt (the entry points specification)."""
    if not (info / "entry_points.txt").is_file():
        return set()
    points = configparser.ConfigParser(delimiters=("=",), interpolation=None, strict=False)
    points.optionxform = str  # type: ignore[assignment, method-assign]  # names are case-sensitive
    points.read(info / "entry_points.txt", encoding="utf-8")
    return {
        name
        for section in ("console_scripts", "gui_scripts")
        if points.has_section(section)
        for name in points.options(section)
    }


def undo_shebang(script: bytes) -> bytes:
    """Give a wheel's Python script back the `#!python` that uv replaced by this machine's interpreter."""
    lines = script.split(b"\n")
    if lines[0] == f"#!{sys.executable}".encode():
        return b"\n".join([b"#!python", *lines[1:]])
    # The form for an interpreter whose path is too long or has a space takes three lines.
    if lines[0] == b"#!/bin/sh" and lines[1:2] and lines[1].startswith(b"'''exec' "):
        return b"\n".join([b"#!python", *lines[3:]])
    return script


def _replace(path: Path, content: bytes) -> None:
    """Write a new file: the old one is a hard link into uv's cache."""
    mode = path.stat().st_mode
    path.unlink()
    path.write_bytes(content)
    path.chmod(mode)


def settle(venv: Path, python_version: str) -> dict[str, object]:
    """Make uv's environment independent of this machine, and list it; returns the facts about it."""
    site = venv / "lib" / f"python{python_version}" / "site-packages"
    infos = sorted(site.glob("*.dist-info"))
    if len(infos) != 1:
        raise InstallError("the wheel is damaged: it has not one .dist-info folder.")
    info = infos[0]
    for name in generated_scripts(info):
        (venv / "bin" / name).unlink(missing_ok=True)
    for script in (venv / "bin").glob("*"):
        content = script.read_bytes()
        if (settled := undo_shebang(content)) != content:
            _replace(script, settled)
    for cache in sorted(site.rglob("__pycache__")):
        shutil.rmtree(cache)

    record = info / "RECORD"
    rows = [row for row in csv.reader(io.StringIO(record.read_text(encoding="utf-8"), newline="")) if row]
    kept = []
    for row in rows:
        path = row[0]
        inside = os.path.normpath(site / path)
        if os.path.lexists(inside) and not os.path.isabs(path) and Path(inside).is_relative_to(venv):
            kept.append(row)
        elif _is_dropped(path, generated_scripts(info)):
            continue
        elif os.path.isabs(path) or ".." in Path(path).parts:
            raise InstallError(f"the wheel is unsafe: its entry {path!r} lies outside of the environment.")
        else:
            raise InstallError(f"the wheel is damaged: its RECORD names {path!r}, which it does not have.")
    output = io.StringIO(newline="")
    csv.writer(output, lineterminator="\n").writerows(_with_hash(row, site) for row in kept)
    _replace(record, output.getvalue().encode())

    listing = sorted(_listing(venv))
    Path("listing").write_text("".join(f"{digest} {size} {path}\n" for path, digest, size in listing))
    metadata = email.parser.BytesParser().parsebytes((info / "METADATA").read_bytes(), headersonly=True)
    return {
        "size": sum(size for _, _, size in listing),
        "licence": licence(metadata),
        "record": f"site-packages/{info.name}/RECORD",
    }


def _is_dropped(path: str, scripts: set[str]) -> bool:
    return "__pycache__" in Path(path).parts or (
        path.startswith("../../../bin/") and path.removeprefix("../../../bin/") in scripts
    )


def _with_hash(row: list[str], site: Path) -> list[str]:
    """The RECORD row, its hash brought up to date for a script whose first line was settled."""
    if not row[0].startswith("../../../bin/"):
        return row
    content = (site / row[0]).read_bytes()
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    return [row[0], f"sha256={digest}", str(len(content))]


def _listing(venv: Path) -> Iterator[tuple[str, str, int]]:
    for path in venv.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            yield str(path.relative_to(venv)), hashlib.sha256(content).hexdigest(), len(content)


def install(arguments: argparse.Namespace) -> dict[str, object]:
    """Install the distribution into the working directory; returns its facts."""
    wheels: dict[str, str] = json.loads(arguments.wheels)
    if not wheels:
        raise InstallError(cause("error: no usable wheels", **_facts(arguments)))
    log = _run_uv(arguments, wheels)
    if "unsafe" in log:
        raise InstallError("the wheel is unsafe: it has entries that lie outside of the environment.")
    wheel = selected(log, wheels)
    venv = Path("venv").absolute()
    (venv / ".lock").unlink(missing_ok=True)
    facts = settle(venv, arguments.python_version)
    library = venv / "lib" / f"python{arguments.python_version}"
    (library / "site-packages").rename("site-packages")
    library.rmdir()
    library.parent.rmdir()
    if (venv / "bin").is_dir():
        (venv / "bin").rename("bin")
    venv.rename("data")
    return {"wheel": wheel, "sha256": wheels[wheel], **facts}


def main() -> None:
    """Command line: see the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--uv", required=True, help="path of the uv binary")
    parser.add_argument("--name", required=True, help="normalised name of the distribution")
    parser.add_argument("--version", required=True)
    parser.add_argument("--wheels", required=True, help="JSON object: file name of each locked wheel → SHA-256")
    parser.add_argument("--platform", required=True, help="platform for messages, such as linux/arm64")
    parser.add_argument("--python-platform", required=True, help="platform as uv names it")
    parser.add_argument("--python-version", required=True, help="such as 3.13")
    arguments = parser.parse_args()
    try:
        facts = install(arguments)
    except InstallError as error:
        for leftover in ("venv", "site-packages", "bin", "data"):
            shutil.rmtree(leftover, ignore_errors=True)
        for leftover in ("listing", "requirements.txt"):
            Path(leftover).unlink(missing_ok=True)
        sys.exit(f"{arguments.name} {arguments.version}: {error}")
    Path("requirements.txt").unlink()
    print(json.dumps(facts))


if __name__ == "__main__":
    main()
