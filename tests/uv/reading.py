"""Runs the reader of locks as the module extension does, without a Bazel around it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.nested import tools

ARCHES = {"linux_amd64": "x86_64", "linux_arm64": "aarch64"}


def libraries() -> list[str]:
    """The wheels of `packaging` and `tomli`."""
    return [
        str(wheel.resolve())
        for wheel in tools()
        if wheel.name.partition("-")[0] in ("packaging", "tomli")
    ]


def request(project: Path, lock: Path, home: Path, **more: Any) -> dict[str, Any]:
    """A request for the reader: see its `__main__.py`."""
    home.mkdir(parents=True, exist_ok=True)
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return {
        "uv": str(Path(os.environ["UV"]).resolve()),
        "libraries": libraries(),
        "project": str(project),
        "lock": str(lock),
        "home": str(home),
        "python": python,
        "pythons": [python],
        "platforms": {
            name: {
                "arch": arch,
                "glibc": 40,
                "oci": f"linux/{name.partition('_')[2]}",
                "uv": f"{arch}-manylinux_2_40",
            }
            for name, arch in ARCHES.items()
        },
        "runtime": {"package": "", "extras": [], "groups": [], "default_groups": True},
        "sets": {},
    } | more


def run(asked: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    """Ask the reader."""
    file = Path(asked["home"]) / "request.json"
    file.write_text(json.dumps(asked))
    reader = Path("uv/private/python/reader/__main__.py").resolve()
    return subprocess.run(
        [sys.executable, "-I", "-B", str(reader), str(file)],
        capture_output=True,
        text=True,
        check=False,
    )


def read(asked: dict[str, Any]) -> dict[str, Any]:
    """The reader's answer."""
    done = run(asked)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def refusal(asked: dict[str, Any]) -> str:
    """The one line that the reader says instead of an answer."""
    done = run(asked)
    assert done.returncode == 1, done.stdout
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    return line
