"""fastapi_image_guard, in the image as it is: with an application that isn't this repository's."""

import json
from pathlib import Path

import pytest

from tests.app import endless
from tests.image.base.layout import Layout
from tests.image.container import Container

GROWTH = 32.0  # MB, of two workers
_APPLICATION = """
from fastapi import FastAPI
app = FastAPI()
app.get("/health")(lambda: "ok")
"""
# Runs in the container, after the text of endless.py: starts the server, prints what it did.
_ATTACKS = """
import json, subprocess, sys
Path("/tmp/three.py").write_text(sys.argv[1])
server = subprocess.Popen(sys.argv[2:], cwd="/tmp", stdout=sys.stderr)
children = Path(f"/proc/{server.pid}/task/{server.pid}/children")
def healthy():
    try:
        return urlopen("http://127.0.0.1:8000/health", timeout=60).status == 200
    except OSError:
        return False
while server.poll() is None and not healthy():
    time.sleep(0.1)
for _ in range(20):  # both workers, by new connections
    healthy()
found = {}
for kind, sent in KINDS.items():
    pids = [server.pid, *map(int, children.read_text().split())]
    result = attack(8000, *sent, pids, size=6_000_000)
    found[kind] = (result.closed, round(result.grown, 1), round(result.health_seconds, 2))
server.terminate()
server.wait()
print(json.dumps(found))
"""
_IMPORTED = """
import sys
assert 'fastapi_image_guard' in sys.modules
heavy = ("uvicorn", "httptools", "asyncio", "logging", "importlib.machinery")
found = [name for name in heavy if name in sys.modules]
import json
print(json.dumps(found))
"""


def test_any_application_is_guarded(container: Container, image: Layout) -> None:
    config = image.config["config"]
    command = [*config["Entrypoint"], *config["Cmd"]]
    command[command.index("main:app")] = "three:app"
    program = Path(endless.__file__).read_text() + _ATTACKS
    done = container.run("python", "-c", program, _APPLICATION, *command, UVICORN_LOG_CONFIG="")
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout)
    for kind, (closed, grown, health_seconds) in found.items():
        print(f"FIGURE {kind}: {grown} MB, /health {health_seconds} s")
        assert closed == 16, kind
        assert grown < GROWTH, kind
    assert found.keys() == endless.KINDS.keys()
    assert "Traceback" not in done.stderr


def test_a_process_that_serves_nothing_imports_nothing(container: Container) -> None:
    done = container.run("python", "-c", _IMPORTED)
    assert done.stderr == ""
    assert json.loads(done.stdout) == []


@pytest.mark.parametrize("value", ["64 KiB", "-1", "0", "\u00b2"])
def test_a_limit_that_is_none(container: Container, value: str) -> None:
    """It is said, and the default holds: no limit would be worse than another one."""
    says = "import fastapi_image_guard as guard; print(guard.head_limit())"
    done = container.run("python", "-c", says, REQUEST_HEAD_LIMIT=value)
    assert done.stdout == "65536\n"
    assert done.stderr == (
        f"REQUEST_HEAD_LIMIT must be a number of bytes, such as 65536, which holds now: {value!r}\n"
    )
