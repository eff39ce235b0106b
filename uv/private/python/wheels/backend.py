"""Asks one PEP 517 backend for a wheel, in a process of its own: build.py starts it.

    backend.py REQUEST

REQUEST is a JSON object: {"answer", "backend", "backend-path", "folder", "parent", "requires",
"site", "version"}. The wheel goes into `folder`, and one of these into the file `answer`:

    {"missing": [name, …], "pinned": [name, …]}    what `requires` asks for and isn't in `site`
    {"error": "…"}                                 what the backend raised
    {"wheel": file name, "name", "version", "as locked": whether that is `version`}
"""

from __future__ import annotations

import ctypes
import importlib
import importlib.metadata
import json
import os
import signal
import sys
import traceback

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_PR_SET_PDEATHSIG = 1


def main(argument: str) -> None:
    """Write the answer; what the backend prints goes where it wants."""
    request = json.loads(argument)
    # No build is left behind by an action that Bazel ends.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != request["parent"]:
        return
    sys.argv[1:] = []
    sys.path.insert(0, request["site"])
    try:
        answer = _missing(request) or _build(request)
    except BaseException as error:
        traceback.print_exc()
        answer = {"error": _sentence(error)}
    with open(request["answer"], "w", encoding="utf-8") as file:
        json.dump(answer, file)


def _missing(request: dict[str, Any]) -> dict[str, Any] | None:
    """What is there under no version: another version than asked for is tried."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    pinned = {
        canonicalize_name(found.name)
        for found in importlib.metadata.distributions(path=[request["site"]])
    }
    wanted = [Requirement(each) for each in request["requires"]]
    missing = {
        canonicalize_name(each.name)
        for each in wanted
        if each.marker is None or each.marker.evaluate({"extra": ""})
    } - pinned
    return {"missing": sorted(missing), "pinned": sorted(pinned)} if missing else None


def _build(request: dict[str, Any]) -> dict[str, Any]:
    from packaging.utils import parse_wheel_filename
    from packaging.version import Version

    sys.path[:0] = request["backend-path"]
    module, _, attribute = request["backend"].partition(":")
    backend = importlib.import_module(module)
    for part in filter(None, attribute.split(".")):
        backend = getattr(backend, part)
    wheel = backend.build_wheel(request["folder"], {}, None)
    name, version, _, _ = parse_wheel_filename(wheel)
    locked = request["version"]
    return {
        "as locked": not locked or Version(locked) == version,
        "name": name,
        "version": str(version),
        "wheel": wheel,
    }


def _sentence(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if isinstance(error, SystemExit):
        return lines[0] if isinstance(error.code, str) and lines else f"exit code {error.code}"
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


if __name__ == "__main__":
    main(sys.argv[1])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # whatever threads the backend has left
