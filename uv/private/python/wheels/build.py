"""Sub-command `build`: a source tree → its wheel, by its own PEP 517 backend, offline.

    build OUTPUT LABEL VERSION SUBDIRECTORY ENVIRONMENT SOURCE [HINT]

OUTPUT is the wheel, LABEL the distribution's name and version for messages, SOURCE a source
distribution or another archive of the tree (.tar, .tar.gz, .zip), SUBDIRECTORY its folder in there
or "", VERSION the locked one or "", ENVIRONMENT a tree that holds the backends that are pinned,
HINT a sentence that follows any of ours that says why there is no wheel.

The same source gives the same bytes on every machine: no time, no umask, no order of files, no path
of this machine reaches the wheel. Nothing is compiled: a distribution whose compiled parts are
optional is built without them, any other is refused.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import tomllib
import zipfile
import zlib

from wheels.errors import WheelError
from wheels.layout import normalised
from wheels.source import EPOCH, unpack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# What PEP 517 says of a tree without a [build-system] table.
_LEGACY = {
    "backend-path": [],
    "build-backend": "setuptools.build_meta:__legacy__",
    "requires": ["setuptools"],
}

_WAYS_OUT = (
    "Put a wheel of it on an index and lock that, take a version that has one, or keep uv from "
    "choosing the source: `[tool.uv] no-build-package`"
)

# Each leaves a mark and fails: no compiler of this machine is found by accident, and it is known
# that one was looked for.
_COMPILERS = ("c++", "cc", "clang", "clang++", "g++", "gcc")
_NO_COMPILER = '#!/bin/sh\n: > "${0%/*}/called"\necho "nothing is compiled here" >&2\nexit 1\n'

# By these a backend learns the version that only a repository knows, not the archive of its files.
_NO_VERSION = "0.0.0"
_VERSION_VARIABLES = (
    "PBR_VERSION",
    "PDM_BUILD_SCM_VERSION",
    "POETRY_DYNAMIC_VERSIONING_BYPASS",
    "SETUPTOOLS_SCM_PRETEND_VERSION",
    "UV_DYNAMIC_VERSIONING_BYPASS",
)


def run(arguments: list[str]) -> None:
    """Build the wheel; leaves nothing when that fails."""
    output, label, version, subdirectory, environment, source, *hint = arguments
    try:
        _run(output, label, version, subdirectory, environment, source)
    except WheelError as error:
        raise WheelError(" ".join([str(error), *hint])) from None


def _run(
    output: str, label: str, version: str, subdirectory: str, environment: str, source: str
) -> None:
    # Resolved, as a backend may write the path that it sees.
    with tempfile.TemporaryDirectory(prefix="build") as made:
        folder = os.path.realpath(made)
        for name in ("home", "temporary", "tools", "tree", "wheel"):
            os.mkdir(f"{folder}/{name}")
        tree = unpack(source, f"{folder}/tree", label, subdirectory)
        system = _build_system(tree, label)
        answer = _ask(tree, system, os.path.abspath(environment), folder, label, version)
        compiles = os.path.exists(f"{folder}/tools/called")
        wheel = _wheel(answer, system, folder, label, version, compiles=compiles)
        _settle(wheel, output, folder, label, version, compiles=compiles)


def _build_system(tree: str, label: str) -> dict[str, Any]:
    """The [build-system] table with its defaults, and absolute folders in "backend-path"."""
    try:
        with open(f"{tree}/pyproject.toml", "rb") as file:
            table = tomllib.load(file).get("build-system", {})
    except FileNotFoundError:
        table = {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise WheelError(f"{label}: its pyproject.toml is not valid TOML: {error}.") from None
    if not isinstance(table, dict):
        raise _no_build_system(label)
    system = {**_LEGACY, **table}
    folders = system["backend-path"]
    if (
        not all(_are_strings(each) for each in (folders, system["requires"]))
        or not isinstance(system["build-backend"], str)
        or ("backend-path" in table and "build-backend" not in table)
    ):
        raise _no_build_system(label)
    root = os.path.realpath(tree)
    system["backend-path"] = [os.path.realpath(os.path.join(root, each)) for each in folders]
    if any(os.path.commonpath([root, each]) != root for each in system["backend-path"]):
        raise WheelError(f"{label}: its backend-path leads out of its source (PEP 517).")
    return system


def _are_strings(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _no_build_system(label: str) -> WheelError:
    return WheelError(
        f"{label}: the [build-system] of its pyproject.toml is not as PEP 517 and 518 have it."
    )


def _ask(
    tree: str, system: dict[str, Any], environment: str, folder: str, label: str, version: str
) -> dict[str, Any]:
    """Run the backend; returns the answer of backend.py."""
    tools = f"{folder}/tools"
    for name in _COMPILERS:
        with open(f"{tools}/{name}", "w", encoding="utf-8") as file:
            file.write(_NO_COMPILER)
        os.chmod(f"{tools}/{name}", 0o755)  # noqa: S103
    # The base's interpreter starts by a script, which asks where it lies.
    if readlink := shutil.which("readlink", path=os.defpath):
        os.symlink(readlink, f"{tools}/readlink")
    # The backends are pure Python, or can do without the rest: whatever Python their tree is for.
    (python,) = os.listdir(f"{environment}/lib")
    site = f"{environment}/lib/{python}/site-packages"
    request = {
        "answer": f"{folder}/answer",
        "backend": system["build-backend"],
        "backend-path": system["backend-path"],
        "folder": f"{folder}/wheel",
        "parent": os.getpid(),
        "requires": system["requires"],
        "site": site,
        "version": version,
    }
    environ = {
        "CC": f"{tools}/cc",
        "CXX": f"{tools}/c++",
        "HOME": f"{folder}/home",
        "LANG": "C.UTF-8",
        # Nothing of this machine: who finds git or a compiler builds something else.
        "PATH": f"{tools}:{environment}/bin",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "PYTHONNOUSERSITE": "1",
        # For what the backend starts by itself.
        "PYTHONPATH": site,
        "SOURCE_DATE_EPOCH": str(EPOCH),
        "TMPDIR": f"{folder}/temporary",
        "TZ": "UTC",
    } | dict.fromkeys(_VERSION_VARIABLES, version or _NO_VERSION)
    command = [sys.executable, "-s", "-P", os.path.join(os.path.dirname(__file__), "backend.py")]
    # A file and no pipe: a process that it leaves behind would keep that open.
    with open(f"{folder}/log", "wb") as log:
        process = subprocess.Popen(  # noqa: S603 - this interpreter, and no shell
            [*command[:-1], os.path.abspath(command[-1]), json.dumps(request)],
            cwd=tree,
            env=environ,
            start_new_session=True,
            stderr=log,
            stdin=subprocess.DEVNULL,
            stdout=log,
            umask=0o022,
        )
        try:
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        finally:
            # It is yet to be reaped, so that the number of its group is still its own.
            os.killpg(process.pid, signal.SIGKILL)
            code = process.wait()
    try:
        with open(request["answer"], encoding="utf-8") as file:
            answer: dict[str, Any] = json.load(file)
    except (FileNotFoundError, ValueError):
        answer = {"error": _last_line(f"{folder}/log") or f"exit code {code}"}
    return answer


def _last_line(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        return ([line.strip() for line in file if line.strip()] or [""])[-1]


def _wheel(
    answer: dict[str, Any],
    system: dict[str, Any],
    folder: str,
    label: str,
    version: str,
    *,
    compiles: bool,
) -> str:
    """Return the path of the wheel that was made.

    Raises:
        WheelError: there is none, or it is of another distribution.
    """
    why = f"{label} has no wheel for this platform, and "
    if "missing" in answer:
        raise WheelError(
            f"{why}building it needs {' and '.join(answer['missing'])}, which is not among the "
            f"build backends pinned here ({', '.join(answer['pinned'])}). {_WAYS_OUT}."
        )
    if "error" in answer:
        if compiles:
            raise _for_one_platform(label)
        said = answer["error"].replace(folder, "").rstrip(".")
        raise WheelError(
            f"{why}its build backend {system['build-backend']} fails: {said}. {_WAYS_OUT}."
        )
    if normalised(answer["name"]) != normalised(label.split(" ")[0]):
        raise WheelError(f"{label}: its source is that of {answer['name']}.")
    if not answer["as locked"]:
        raise WheelError(
            f"{label}: its source builds version {answer['version']}, and uv.lock has {version}. "
            "Lock anew."
        )
    return f"{folder}/wheel/{answer['wheel']}"


def _for_one_platform(label: str) -> WheelError:
    return WheelError(
        f"{label} has no wheel for this platform, and building it compiles code for one platform: "
        f"nothing is compiled here. {_WAYS_OUT}."
    )


def _settle(
    wheel: str, output: str, folder: str, label: str, version: str, *, compiles: bool
) -> None:
    """Write the wheel anew: sorted, without times and modes, and for every platform.

    A wheel with a platform's tag and no code for one comes of compiled parts that are optional.
    """
    try:
        with zipfile.ZipFile(wheel) as built:
            contents = {
                entry.filename: built.read(entry)
                for entry in built.infolist()
                if not entry.is_dir()
            }
    except (OSError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise WheelError(
            f"{label}: its build backend leaves no valid wheel ({error}).".replace(folder, "")
        ) from None
    tagged = not wheel.endswith("-any.whl")
    if tagged and any(content.startswith(b"\x7fELF") for content in contents.values()):
        raise _for_one_platform(label)
    for name, content in contents.items():
        if os.fsencode(folder) in content:
            raise WheelError(
                f"{label} has no wheel for this platform, and building it writes a path of this "
                f"machine into {name}: no two machines build the same. {_WAYS_OUT}."
            )
    if not version and os.path.basename(wheel).split("-")[1] == _NO_VERSION:
        print(
            f"INFO: {label.strip()} has version {_NO_VERSION} in the image: it takes its version "
            "from version control, which no build sees. One in its pyproject.toml is seen.",
            file=sys.stderr,
        )
    if tagged or compiles:
        print(
            f"INFO: {label} is built without its compiled parts, which are optional: nothing is "
            "compiled here.",
            file=sys.stderr,
        )
    try:
        with zipfile.ZipFile(output, "w") as settled:
            for name, content in sorted(contents.items()):
                entry = zipfile.ZipInfo(name)
                entry.external_attr = 0o644 << 16
                settled.writestr(entry, _same_everywhere(name, content, tagged=tagged))
    except BaseException:
        os.unlink(output)
        raise


def _same_everywhere(name: str, content: bytes, *, tagged: bool) -> bytes:
    """WHEEL without the platform's tag; the lines of RECORD in one order, and true of that."""
    if name.endswith(".dist-info/WHEEL") and tagged:
        lines = [line for line in content.splitlines() if not line.startswith((b"Root-", b"Tag:"))]
        lines = [line for line in lines if line]
        return b"\n".join([*lines, b"Root-Is-Purelib: true", b"Tag: py3-none-any", b""])
    if name.endswith(".dist-info/RECORD"):
        rows = content.splitlines()
        changed = name.removesuffix("RECORD").encode() + b"WHEEL,"
        if tagged:
            rows = [changed + b"," if row.startswith(changed) else row for row in rows]
        return b"".join(row + b"\n" for row in sorted(rows))
    return content
